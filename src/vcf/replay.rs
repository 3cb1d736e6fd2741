//! The kept part of a BGZF file -> the records in it, with where each lies: what its index is made of.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Take};
use std::path::Path;

use noodles_bgzf as bgzf;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;

use crate::files::PartState;
use crate::genome::names::is_valid_in_vcf;
use crate::genome::{ContigId, Contigs, Interval};

/// A record's contig, positions, and place in the file.
pub(super) type Found = (ContigId, Interval, Chunk);

/// Gives each record of a part, VCF or BCF, in order.
///
/// # Errors
/// An [`io::Error`] where it cannot be read, or is not what this program writes.
pub(super) fn replay(
    part: &Path,
    state: &PartState,
    is_bcf: bool,
    contigs: &Contigs,
    mut each: impl FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    let file = BufReader::new(File::open(part)?).take(state.bytes);
    let mut reader =
        Kept { blocks: bgzf::io::Reader::new(file), bytes: state.bytes, tail: Cursor::new(state.staged.clone()) };
    if is_bcf { bcf(&mut reader, contigs, &mut each) } else { vcf(&mut reader, contigs, &mut each) }
}

/// The blocks of a file, then the beginning of its next block.
struct Kept {
    blocks: bgzf::io::Reader<Take<BufReader<File>>>,
    bytes: u64,
    tail: Cursor<Vec<u8>>,
}

impl Kept {
    /// Where the next byte lies.
    fn position(&self) -> io::Result<bgzf::VirtualPosition> {
        let position = self.blocks.virtual_position();
        if position.compressed() < self.bytes {
            return Ok(position);
        }
        let staged = u16::try_from(self.tail.position()).map_err(io::Error::other)?;
        bgzf::VirtualPosition::try_from((self.bytes, staged)).map_err(io::Error::other)
    }
}

impl BufRead for Kept {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.blocks.virtual_position().compressed() < self.bytes && !self.blocks.fill_buf()?.is_empty() {
            return self.blocks.fill_buf();
        }
        self.tail.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        if self.blocks.virtual_position().compressed() < self.bytes {
            self.blocks.consume(n);
        } else {
            self.tail.consume(n);
        }
    }
}

impl Read for Kept {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut available = self.fill_buf()?;
        let n = available.read(into)?;
        self.consume(n);
        Ok(n)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn vcf(reader: &mut Kept, contigs: &Contigs, each: &mut impl FnMut(Found) -> io::Result<()>) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        let start = reader.position()?;
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.starts_with(b"#") {
            continue;
        }
        let (contig, interval) = of_line(&line, contigs).ok_or_else(|| invalid("a line is no record"))?;
        each((contig, interval, Chunk::new(start, reader.position()?)))?;
    }
}

/// The contig and the positions of a line: those of REF, or as far as END.
fn of_line(line: &[u8], contigs: &Contigs) -> Option<(ContigId, Interval)> {
    let mut fields = line.strip_suffix(b"\n")?.split(|&byte| byte == b'\t');
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<u64>().ok();
    let contig = contigs.id(std::str::from_utf8(fields.next()?).ok()?)?;
    let start = number(fields.next()?)?.checked_sub(1)?;
    let reference = fields.nth(1)?.len() as u64;
    let info = fields.nth(3)?;
    let end = info.split(|&byte| byte == b';').find_map(|field| field.strip_prefix(b"END="));
    let end = end.map_or(Some(start + reference), number)?;
    (start < end).then(|| (contig, Interval::new(start, end)))
}

fn bcf(reader: &mut Kept, contigs: &Contigs, each: &mut impl FnMut(Found) -> io::Result<()>) -> io::Result<()> {
    // The header's contigs; records name them by their number there.
    let named: Vec<ContigId> =
        contigs.iter().filter(|(_, contig)| is_valid_in_vcf(&contig.name)).map(|(id, _)| id).collect();
    // BCF, version, and the length of the header.
    let mut head = [0; 9];
    reader.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
    skip(reader, u64::from(length))?;
    loop {
        let start = reader.position()?;
        if reader.fill_buf()?.is_empty() {
            return Ok(());
        }
        let mut words = [0_u32; 5];
        for word in &mut words {
            let mut bytes = [0; 4];
            reader.read_exact(&mut bytes)?;
            *word = u32::from_le_bytes(bytes);
        }
        let [shared, individual, contig, position, length] = words;
        let rest = (u64::from(shared) + u64::from(individual)).checked_sub(12);
        skip(reader, rest.ok_or_else(|| invalid("a record is too short"))?)?;
        let contig = named.get(contig as usize).ok_or_else(|| invalid("a record's contig is unknown"))?;
        let interval = Interval::new(u64::from(position), u64::from(position) + u64::from(length));
        each((*contig, interval, Chunk::new(start, reader.position()?)))?;
    }
}

fn skip(reader: &mut Kept, bytes: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(bytes), &mut io::sink())?;
    if skipped < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}
