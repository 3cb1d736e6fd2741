//! Bytes of a BAI or CSI file -> [`BinIndex`], or what is wrong with them.
//!
//! No memory is asked for by a number that the file states: what is kept grows with what was read. Numbers that decide how much is
//! read have limits, so that a compressed index of zeros ends soon.

use std::io::Read;

use super::{Bin, BinIndex, Chunk, ContigBins};

/// Windows of 16 kb in the longest contig that a BAI can hold, and one more.
const MOST_WINDOWS: u32 = (1 << 15) + 1;
/// Deepest CSI: its bins have numbers of 32 bits.
const MOST_DEPTH: u8 = 9;
/// Longest position of a BAM in bits.
const MOST_BITS: u8 = 40;

/// What a number is for, in messages.
type Parsed<T> = Result<T, String>;

/// Reads an index of a file with that many contigs.
pub(in crate::alignment_file) fn parse(source: impl Read, contigs: usize) -> Parsed<BinIndex> {
    let mut source = Numbers { source };
    let (csi, mut index) = match &source.bytes::<4>("its magic number")? {
        b"BAI\x01" => (false, BinIndex { min_shift: 14, depth: 5, contigs: Vec::new() }),
        b"CSI\x01" => (true, csi_header(&mut source)?),
        _ => return Err("it is neither BAI nor CSI".into()),
    };
    let listed = source.count("the number of contigs")? as usize;
    if listed > contigs {
        return Err(format!("it lists {listed} contigs, but the file's header has {contigs}"));
    }
    for number in 0..listed {
        let contig = contig_bins(&mut source, &index, csi).map_err(|e| format!("contig {}: {e}", number + 1))?;
        index.contigs.push(contig);
    }
    // The number of unplaced reads is optional.
    let mut rest = Vec::new();
    source.source.take(9).read_to_end(&mut rest).map_err(|e| e.to_string())?;
    match rest.len() {
        0 | 8 => Ok(index),
        _ => Err("it has trailing bytes".into()),
    }
}

fn csi_header<R: Read>(source: &mut Numbers<R>) -> Parsed<BinIndex> {
    let min_shift = source.count("the size of its bins")?;
    let depth = source.count("the depth of its bins")?;
    let both = u8::try_from(min_shift).ok().zip(u8::try_from(depth).ok());
    let fits = |&(min_shift, depth): &(u8, u8)| {
        min_shift > 0 && depth <= MOST_DEPTH && min_shift <= MOST_BITS && min_shift + 3 * depth <= MOST_BITS
    };
    let (min_shift, depth) =
        both.filter(fits).ok_or_else(|| format!("bins of 2^{min_shift} bp on {depth} levels are not possible"))?;
    let extra = u64::from(source.count("the length of its header")?);
    let skipped = std::io::copy(&mut source.source.by_ref().take(extra), &mut std::io::sink());
    if skipped.ok() != Some(extra) {
        return Err("it ends within its header".into());
    }
    Ok(BinIndex { min_shift, depth, contigs: Vec::new() })
}

fn contig_bins<R: Read>(source: &mut Numbers<R>, index: &BinIndex, csi: bool) -> Parsed<ContigBins> {
    let bins = u64::from(source.count("the number of bins")?);
    let end = BinIndex::first_of(index.depth + 1);
    // Specification: one behind the last bin and one, for what is known of the contig.
    let pseudo = end + 1;
    if bins > pseudo {
        return Err(format!("{bins} bins are too many"));
    }
    let mut contig = ContigBins::default();
    for _ in 0..bins {
        let id = source.u32("a bin's number")?;
        let first_overlap = if csi { source.u64("a bin's first offset")? } else { 0 };
        let chunks = source.count("the number of chunks")?;
        if u64::from(id) == pseudo {
            if chunks != 2 || contig.counts.is_some() {
                return Err("the metadata pseudo-bin is damaged".into());
            }
            // Where its reads lie, which the chunks tell as well.
            source.chunk()?;
            let counts = source.chunk()?;
            contig.counts = Some([counts.start, counts.end]);
            continue;
        }
        if u64::from(id) >= end {
            return Err(format!("bin {id} is out of range"));
        }
        let first = contig.chunks.len();
        for _ in 0..chunks {
            let chunk = source.chunk()?;
            if chunk.start >= chunk.end {
                return Err(format!("a chunk of bin {id} ends before it begins"));
            }
            contig.chunks.push(chunk);
        }
        contig.bins.push(Bin { id, first_overlap, first, end: contig.chunks.len() });
    }
    contig.bins.sort_unstable_by_key(|bin| bin.id);
    if let Some(twice) = contig.bins.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(format!("bin {} is listed twice", twice[0].id));
    }
    if !csi {
        let windows = source.count("the number of windows")?;
        if windows > MOST_WINDOWS {
            return Err(format!("{windows} windows are too many"));
        }
        for _ in 0..windows {
            contig.linear.push(source.u64("a window's offset")?);
        }
    }
    Ok(contig)
}

/// Little-endian numbers, one after the other.
struct Numbers<R> {
    source: R,
}

impl<R: Read> Numbers<R> {
    fn bytes<const N: usize>(&mut self, what: &str) -> Parsed<[u8; N]> {
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => format!("it ends where {what} should be"),
            _ => e.to_string(),
        })?;
        Ok(bytes)
    }

    fn u32(&mut self, what: &str) -> Parsed<u32> {
        Ok(u32::from_le_bytes(self.bytes(what)?))
    }

    fn u64(&mut self, what: &str) -> Parsed<u64> {
        Ok(u64::from_le_bytes(self.bytes(what)?))
    }

    /// A number that the specification makes signed and that is not negative.
    fn count(&mut self, what: &str) -> Parsed<u32> {
        let number = self.u32(what)?.cast_signed();
        u32::try_from(number).map_err(|_| format!("{what} is {number}"))
    }

    fn chunk(&mut self) -> Parsed<Chunk> {
        Ok(Chunk { start: self.u64("a chunk's start")?, end: self.u64("a chunk's end")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One contig with a bin of one chunk, counts, a window, and a number of unplaced reads.
    fn bai() -> Vec<u8> {
        let mut bytes = b"BAI\x01".to_vec();
        let words = |bytes: &mut Vec<u8>, numbers: &[u32]| bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        let longs = |bytes: &mut Vec<u8>, numbers: &[u64]| bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        words(&mut bytes, &[1, 2, 4681, 1]);
        longs(&mut bytes, &[100 << 16, 200 << 16]);
        words(&mut bytes, &[37_450, 2]);
        longs(&mut bytes, &[100 << 16, 200 << 16, 7, 3]);
        words(&mut bytes, &[1]);
        longs(&mut bytes, &[100 << 16, 5]);
        bytes
    }

    #[test]
    fn a_bai_is_read() {
        let index = parse(&bai()[..], 2).unwrap();
        let contig = &index.contigs[0];
        assert_eq!(contig.chunks_of(&contig.bins[0]), [Chunk { start: 100 << 16, end: 200 << 16 }]);
        assert_eq!((contig.counts, &contig.linear[..]), (Some([7, 3]), &[100 << 16][..]));
    }

    #[test]
    fn cut_anywhere_it_is_refused_but_for_the_optional_number() {
        let whole = bai();
        for length in 0..whole.len() {
            assert_eq!(parse(&whole[..length], 1).is_ok(), length == whole.len() - 8, "{length}");
        }
        let longer = [&whole[..], &[0]].concat();
        assert!(parse(&longer[..], 1).is_err());
    }

    #[test]
    fn numbers_that_make_no_sense() {
        // Place of a 32-bit number, what it is set to.
        for (place, number, words) in [
            (4, u32::MAX, "number of contigs is -1"),
            (4, 3, "lists 3 contigs"),
            (8, u32::MAX, "number of bins is -1"),
            (8, 1 << 30, "too many"),
            (12, 37_449, "bin 37449 is out of range"),
            (16, u32::MAX, "number of chunks is -1"),
            (16, i32::MAX.cast_unsigned(), "before it begins"),
            (28, 0, "before it begins"),
            (40, 3, "pseudo-bin"),
            (76, u32::MAX, "number of windows is -1"),
            (76, 1 << 20, "too many"),
        ] {
            let mut bytes = bai();
            bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
            let problem = parse(&bytes[..], 1).unwrap_err();
            assert!(problem.contains(words), "{place} {number}: {problem}");
        }
    }

    #[test]
    fn a_csi_of_absurd_bins() {
        for (min_shift, depth) in [(0, 5), (14, 10), (41, 0), (i32::MAX, 5), (14, -1)] {
            let bytes =
                [b"CSI\x01".as_slice(), &i32::to_le_bytes(min_shift), &i32::to_le_bytes(depth), &[0; 8]].concat();
            assert!(parse(&bytes[..], 1).is_err(), "{min_shift} {depth}");
        }
    }
}
