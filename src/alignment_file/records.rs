//! A BAM file -> offsets and positions of its records ([`Records`]), without htslib and without an index.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};

use noodles_bgzf::{self as bgzf, VirtualPosition};

/// SAM's flag of an unmapped read.
const UNMAPPED: u16 = 4;
/// Bytes of a record's numbers, and of those before its name.
const FIXED: usize = 32;

/// The fields of a record that an index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Virtual offset of its first byte.
    pub(super) at: u64,
    /// Number of its contig; negative for unplaced reads.
    pub(super) contig: i32,
    /// 0-based; -1 where there is none.
    pub(super) start: i64,
    /// Behind its last base on the contig, at least one behind its first.
    pub(super) end: i64,
    pub(super) unmapped: bool,
}

/// Reads the records of a BAM file from any virtual offset on.
pub(super) struct Records {
    reader: bgzf::io::Reader<BufReader<File>>,
    length: u64,
}

impl Records {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { reader: bgzf::io::Reader::new(BufReader::new(file)), length })
    }

    /// Bytes of the file.
    pub(super) fn file_length(&self) -> u64 {
        self.length
    }

    /// Skips the header; returns the virtual offset of the first record.
    pub(super) fn first(&mut self) -> io::Result<u64> {
        self.seek(0)?;
        let mut magic = [0; 4];
        self.reader.read_exact(&mut magic)?;
        if magic != *b"BAM\x01" {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it lacks the BAM magic number"));
        }
        let text = self.number()?;
        self.skip(u64::from(text))?;
        for _ in 0..self.number()? {
            let name = self.number()?;
            self.skip(u64::from(name) + 4)?;
        }
        self.here()
    }

    /// Goes to a virtual offset.
    pub(super) fn seek(&mut self, at: u64) -> io::Result<()> {
        let at = VirtualPosition::from(at);
        if at.compressed() > self.length {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the offset is past the end of the file"));
        }
        self.reader.seek(at).map(drop)
    }

    /// The virtual offset of the next record, in the form of [`Place::at`].
    pub(super) fn here(&mut self) -> io::Result<u64> {
        self.reader.fill_buf()?;
        Ok(self.reader.virtual_position().into())
    }

    /// Reads the next record; `None` at the file's end.
    pub(super) fn next(&mut self) -> io::Result<Option<Place>> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        let at = self.here()?;
        let length = self.number()? as usize;
        let mut fixed = [0; FIXED];
        self.reader.read_exact(&mut fixed)?;
        let long = |from: usize| i32::from_le_bytes([fixed[from], fixed[from + 1], fixed[from + 2], fixed[from + 3]]);
        let short = |from: usize| u16::from_le_bytes([fixed[from], fixed[from + 1]]);
        let (name, operations) = (usize::from(fixed[8]), usize::from(short(12)));
        let rest = length.checked_sub(FIXED + name + 4 * operations);
        let rest =
            rest.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record is shorter than its CIGAR"))?;
        self.skip(name as u64)?;
        let mut aligned = 0_i64;
        for _ in 0..operations {
            let operation = self.number()?;
            // M, D, N, = and X.
            if matches!(operation & 0xf, 0 | 2 | 3 | 7 | 8) {
                aligned += i64::from(operation >> 4);
            }
        }
        self.skip(rest as u64)?;
        let (start, unmapped) = (i64::from(long(4)), short(14) & UNMAPPED != 0);
        let end = start + if unmapped { 1 } else { aligned.max(1) };
        Ok(Some(Place { at, contig: long(0), start, end, unmapped }))
    }

    fn number(&mut self) -> io::Result<u32> {
        let mut bytes = [0; 4];
        self.reader.read_exact(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn skip(&mut self, mut bytes: u64) -> io::Result<()> {
        while bytes > 0 {
            let here = self.reader.fill_buf()?.len();
            if here == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let step = usize::try_from(bytes).map_or(here, |bytes| bytes.min(here));
            self.reader.consume(step);
            bytes -= step as u64;
        }
        Ok(())
    }
}
