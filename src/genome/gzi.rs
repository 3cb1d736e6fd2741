//! The `.gzi` beside a bgzipped FASTA -> where its blocks begin, checked against the blocks themselves.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use noodles_bgzf::gzi;

use crate::error::{Error, Result};
use crate::files::input::regular_file;

/// Most bytes of a block, packed or unpacked (SAM specification, section 4.1).
const LONGEST_BLOCK: u64 = 1 << 16;
/// Number of blocks that are checked, and of blocks that the index may lack at the end of the file.
const SAMPLED_BLOCKS: usize = 64;
const MOST_UNLISTED: usize = 4;

/// The blocks of a BGZF file.
#[derive(Debug)]
pub(super) struct Blocks {
    /// First byte of each, as packed and as unpacked.
    starts: Vec<(u64, u64)>,
    /// Unpacked bytes of the file.
    length: u64,
}

impl Blocks {
    /// Reads the index at `path` of `fasta`.
    ///
    /// # Errors
    /// [`Error::Input`] where it is none, or not of this file.
    pub(super) fn read(path: &Path, fasta: &Path) -> Result<Self> {
        let make = format!("recreate it with 'samtools faidx {}'", fasta.display());
        let file = regular_file(path)?;
        let unusable = |e: &dyn std::fmt::Display| Error::input(path, format!("not a BGZF index ({e}); {make}"));
        let index = gzi::io::Reader::new(std::io::BufReader::new(file)).read_index().map_err(|e| unusable(&e))?;
        let starts: Vec<_> = std::iter::once((0, 0)).chain(index.as_ref().iter().copied()).collect();
        let fasta_file = regular_file(fasta)?;
        let length = checked_length(&starts, &fasta_file)
            .map_err(|problem| Error::input(path, format!("does not match {}: {problem}; {make}", fasta.display())))?;
        Ok(Self { starts, length })
    }

    /// Unpacked bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The start of the block that holds the unpacked byte `at`, packed and unpacked.
    pub(super) fn start(&self, at: u64) -> (u64, u64) {
        let after = self.starts.partition_point(|&(_, unpacked)| unpacked <= at);
        self.starts.get(after.saturating_sub(1)).copied().unwrap_or_default()
    }

    /// The unpacked byte behind the block that holds the byte before `end`.
    pub(super) fn end(&self, end: u64) -> u64 {
        let after = self.starts.partition_point(|&(_, unpacked)| unpacked < end);
        self.starts.get(after).map_or(self.length, |&(_, unpacked)| unpacked)
    }
}

/// Unpacked bytes of the file, if its blocks are where `starts` says.
fn checked_length(starts: &[(u64, u64)], file: &File) -> Result<u64, String> {
    for pair in starts.windows(2) {
        let ((packed, unpacked), (next, next_unpacked)) = (pair[0], pair[1]);
        let grows = next > packed && next - packed <= LONGEST_BLOCK;
        if !grows || next_unpacked < unpacked || next_unpacked - unpacked > LONGEST_BLOCK {
            return Err(format!("a block at byte {packed} would end at {next}"));
        }
    }
    let step = starts.len().div_ceil(SAMPLED_BLOCKS).max(1);
    for pair in starts.windows(2).step_by(step) {
        let ((packed, unpacked), (next, next_unpacked)) = (pair[0], pair[1]);
        if block(file, packed)? != (next, next_unpacked - unpacked) {
            return Err(format!("no block of the file goes from byte {packed} to {next}"));
        }
    }
    let end = file.metadata().map_err(|e| e.to_string())?.len();
    let (mut packed, mut length) = starts.last().copied().unwrap_or_default();
    for _ in 0..MOST_UNLISTED {
        if packed == end {
            break;
        }
        let (next, bytes) = block(file, packed)?;
        (packed, length) = (next, length.checked_add(bytes).ok_or("its numbers are too large")?);
    }
    if packed == end { Ok(length) } else { Err(format!("it ends at byte {packed} of {end}")) }
}

/// Where the block that begins at a byte ends, and how many bytes it unpacks to.
fn block(file: &File, at: u64) -> Result<(u64, u64), String> {
    let none = || format!("the file has no block at byte {at}");
    let mut head = [0; 18];
    file.read_exact_at(&mut head, at).map_err(|_| none())?;
    // As bgzip writes it: the subfield BC alone, with the block's size less one.
    if head[..4] != [0x1f, 0x8b, 8, 4] || head[12..16] != *b"BC\x02\0" {
        return Err(none());
    }
    let next = at + u64::from(u16::from_le_bytes([head[16], head[17]])) + 1;
    let mut size = [0; 4];
    file.read_exact_at(&mut size, next.saturating_sub(4)).map_err(|_| none())?;
    Ok((next, u64::from(u32::from_le_bytes(size))))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use crate::genome::{ContigId, Interval, ReferenceFile};

    const LENGTH: u64 = 200_000;

    fn bases() -> Vec<u8> {
        (0..LENGTH).map(|i| b"ACGT"[usize::try_from((i * i / 7 + i / 3) % 4).unwrap()]).collect()
    }

    /// A bgzipped FASTA of one contig, and its index.
    fn packed() -> (Vec<u8>, Vec<(u64, u64)>) {
        let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
        let mut starts = Vec::new();
        let text = [b">a\n".as_slice(), &bases(), b"\n"].concat();
        for (i, part) in text.chunks(20_000).enumerate() {
            if i > 0 {
                starts.push((writer.get_ref().len() as u64, i as u64 * 20_000));
            }
            writer.write_all(part).unwrap();
            writer.flush().unwrap();
        }
        (writer.finish().unwrap(), starts)
    }

    fn index(starts: &[(u64, u64)]) -> Vec<u8> {
        let numbers = std::iter::once(starts.len() as u64).chain(starts.iter().flat_map(|&(a, b)| [a, b]));
        numbers.flat_map(u64::to_le_bytes).collect()
    }

    fn read(packed: &[u8], gzi: &[u8]) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.fa.gz");
        std::fs::write(&path, packed).unwrap();
        std::fs::write(folder.path().join("r.fa.gz.fai"), format!("a\t{LENGTH}\t3\t{LENGTH}\t{}\n", LENGTH + 1))
            .unwrap();
        std::fs::write(folder.path().join("r.fa.gz.gzi"), gzi).unwrap();
        let mut reference = ReferenceFile::new(&path).and_then(|file| file.open()).map_err(|e| e.to_string())?;
        // Not from the start on, so that blocks are looked up.
        let mut read = |from, to| reference.bases(ContigId(0), Interval::new(from, to)).map_err(|e| e.to_string());
        let (second, first) = (read(90_001, LENGTH)?, read(0, 90_001)?);
        Ok([first, second].concat())
    }

    #[test]
    fn bases_are_found_through_the_blocks() {
        let (packed, starts) = packed();
        assert_eq!(read(&packed, &index(&starts)).unwrap(), bases());
        // bgzip's index may hold the empty last block, or lack the last.
        let end = [&starts[..], &[(packed.len() as u64 - 28, LENGTH + 4)]].concat();
        assert_eq!(read(&packed, &index(&end)).unwrap(), bases());
        assert_eq!(read(&packed, &index(&starts[..starts.len() - 1])).unwrap(), bases());
    }

    #[test]
    fn indexes_of_other_files() {
        let (packed, starts) = packed();
        let reversed: Vec<_> = starts.iter().rev().copied().collect();
        let moved: Vec<_> = starts.iter().map(|&(a, b)| (a + 1, b)).collect();
        let longer: Vec<_> = starts.iter().map(|&(a, b)| (a, b + 1)).collect();
        let gap = [&starts[..2], &starts[6..]].concat();
        for wrong in [&reversed, &moved, &longer, &gap, &starts[..2].to_vec(), &vec![(1 << 62, 1 << 62)]] {
            let message = read(&packed, &index(wrong)).unwrap_err();
            assert!(message.contains("r.fa.gz.gzi") && message.contains("samtools faidx"), "{message}");
        }
        for bytes in [&[][..], &[255; 8], &[255; 24], &index(&starts)[..40]] {
            assert!(read(&packed, bytes).unwrap_err().contains("not a BGZF index"));
        }
        // Cut between two blocks.
        let cut = usize::try_from(starts[5].0).unwrap();
        assert!(read(&packed[..cut], &index(&starts)).unwrap_err().contains("does not match"));
        assert!(read(&packed[..cut], &index(&starts[..5])).unwrap_err().contains("past the end of the file"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// An index with changed bytes is refused, or the bases are those of the file.
        #[test]
        fn any_change(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
            let (packed, starts) = packed();
            let mut gzi = index(&starts);
            for (at, byte) in changes {
                let at = at.index(gzi.len());
                gzi[at] = byte;
            }
            if let Ok(found) = read(&packed, &gzi) {
                prop_assert!(found == bases());
            }
        }
    }
}
