//! A CRAM index -> where each slice of the file lies, and what it is about ([`SliceIndex`]).
//!
//! A line for each slice and contig in it: contig number, start (1-based), span, offset of the container, offset of the slice in it, and
//! bytes of the slice (CRAM specification, section 12). htslib walks off a list where these make no sense, so each line is checked first.

pub(super) mod containers;
pub(super) mod cover;
pub(super) mod mixed;

use std::io::BufRead;

pub(super) use containers::ends_whole;

use crate::genome::Contigs;

/// Longest line: six numbers of at most 20 characters.
const LONGEST_LINE: usize = 6 * 21;

/// What a `.crai` holds, in the order of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SliceIndex {
    pub(super) slices: Vec<Slice>,
}

/// A line of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    /// None for unplaced reads.
    pub(super) contig: Option<usize>,
    /// 1-based first position, and number of positions.
    pub(super) start: u64,
    pub(super) span: u64,
    /// Byte of the file at which the container begins.
    pub(super) container: u64,
    /// Where the slice begins, in bytes from the end of the container's header, and how many it has.
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl SliceIndex {
    pub(super) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }
}

/// Reads an index of a file with those contigs.
pub(super) fn parse(source: impl BufRead, contigs: &Contigs) -> Result<SliceIndex, String> {
    let mut index = SliceIndex::default();
    let mut line = Vec::new();
    let mut number = 1;
    for byte in source.bytes() {
        let byte = byte.map_err(|e| e.to_string())?;
        if byte != b'\n' {
            line.push(byte);
            if line.len() > LONGEST_LINE {
                return Err(format!("line {number} is too long"));
            }
            continue;
        }
        let slice =
            self::slice(&line, contigs).ok_or_else(|| format!("line {number} is not a line of a CRAM index"))?;
        if index.slices.last().is_some_and(|before| order(before) >= order(&slice)) {
            return Err(format!("line {number} is out of order"));
        }
        index.slices.push(slice);
        line.clear();
        number += 1;
    }
    if line.is_empty() { Ok(index) } else { Err(format!("line {number} has no end")) }
}

/// By which lines ascend, if the file is sorted: unplaced reads come last in it and in a slice.
fn order(slice: &Slice) -> (u64, u64, usize) {
    (slice.container, slice.offset, slice.contig.unwrap_or(usize::MAX))
}

fn slice(line: &[u8], contigs: &Contigs) -> Option<Slice> {
    let text = std::str::from_utf8(line).ok()?;
    let numbers: Vec<i64> = text.split('\t').map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let [contig, start, span, container, offset, bytes] = numbers[..] else { return None };
    let contig = match contig {
        -1 => None,
        _ => Some(usize::try_from(contig).ok().filter(|&contig| contig < contigs.len())?),
    };
    // htslib takes these into 32 bits.
    let number = |number: i64| i32::try_from(number).ok().and_then(|number| u64::try_from(number).ok());
    i32::try_from(start.checked_add(span)?).ok()?;
    // Reads that have a contig and no position make a slice begin at 0.
    Some(Slice {
        contig,
        start: number(start)?,
        span: number(span)?,
        container: u64::try_from(container).ok()?,
        offset: number(offset)?,
        bytes: number(bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Contig;

    fn parsed(text: &str) -> Result<SliceIndex, String> {
        let contigs = [("a", 1000), ("b", 1000)].map(|(name, length)| Contig { name: name.into(), length });
        parse(text.as_bytes(), &Contigs::new(contigs.to_vec()))
    }

    #[test]
    fn lines_are_read() {
        let index = parsed("0\t1\t900\t500\t30\t8000\n-1\t0\t1\t9000\t30\t70\n").unwrap();
        let slice = Slice { contig: Some(0), start: 1, span: 900, container: 500, offset: 30, bytes: 8000 };
        assert_eq!(index.slices[0], slice);
        assert_eq!(index.slices[1].contig, None);
        assert!(parsed("").unwrap().is_empty());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "0\t1\t900\t500\t30\n",
            "0\t1\t900\t500\t30\t8000\t7\n",
            "0\t1\t900\t500\t30\t8000",
            "2\t1\t900\t500\t30\t8000\n",
            "-2\t1\t900\t500\t30\t8000\n",
            "0\t-1\t900\t500\t30\t8000\n",
            "0\t2147483647\t900\t500\t30\t8000\n",
            "0\t1\t900\t-500\t30\t8000\n",
            "0\t1\t900\t500\t4294967296\t8000\n",
            "\n",
            "0\t1\t900\t500\t30\t8000\n0\t1\t900\t500\t30\t8000\n",
            "0\t1\t900\t9000\t30\t8000\n0\t1\t900\t500\t30\t8000\n",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        assert!(parsed(&"0".repeat(1000)).unwrap_err().contains("too long"));
    }
}
