//! Bytes of a VCF or BCF file -> the file, plain or as BGZF, of which it is known at any time what is on the disk.
//!
//! BGZF blocks are filled whatever happens, so that a file does not depend on where its run was interrupted: the beginning of the next block is
//! part of what is kept ([`PartState::staged`]).

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use noodles_bgzf as bgzf;
use tempfile::TempPath;

use crate::error::{Error, Result};
use crate::files::{PartState, Storage, Unplaced, part_of, stdout, sync_folder, temporary_beside, vacant};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 17;

/// A file that is being written.
pub(super) struct Sink {
    file: BufWriter<File>,
    stored: Stored,
    /// Bytes given to `file`.
    bytes: u64,
    /// Their CRC-32, where it is wanted.
    sum: Option<Crc>,
    blocks: Option<Blocks>,
    is_discarding: bool,
}

/// Where the bytes are until the file has its final name.
enum Stored {
    Stdout,
    Temporary(TempPath),
    Part(PathBuf),
}

/// BGZF blocks in the making.
struct Blocks {
    /// The bytes of the next block.
    staged: Vec<u8>,
    /// Bytes of a block, uncompressed.
    size: usize,
}

impl Blocks {
    fn new() -> io::Result<Self> {
        // As many as the writer of blocks takes at once.
        let size = bgzf::io::Writer::new(io::sink()).write(&vec![0; 1 << 16])?;
        Ok(Self { staged: Vec::with_capacity(size), size })
    }
}

impl Sink {
    /// Standard output, not compressed.
    pub(super) fn stdout() -> Result<Self> {
        Ok(Self::of(stdout()?, Stored::Stdout))
    }

    /// A file whose final name is `path`; one that goes on from a state is to begin with its bytes.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub(super) fn create(path: &Path, storage: Storage, is_bgzf: bool) -> Result<Self> {
        let mut sink = match storage {
            Storage::Temporary => {
                let (file, temporary) = temporary_beside(path)?.into_parts();
                Self::of(file, Stored::Temporary(temporary))
            }
            Storage::Part(state) => {
                let part = part_of(path);
                // The file that is to be replaced is checked as well, by the same rules as where the part is temporary.
                drop(temporary_beside(path)?);
                vacant(&part)?;
                return Self::of_part(part.clone(), state.unwrap_or_default(), is_bgzf)
                    .map_err(|e| Error::output(part, format!("cannot be written: {e}")));
            }
        };
        if is_bgzf {
            sink.blocks = Some(Blocks::new().map_err(|e| Error::output(path, format!("cannot be written: {e}")))?);
        }
        Ok(sink)
    }

    fn of(file: File, stored: Stored) -> Self {
        Self {
            file: BufWriter::with_capacity(BUFFER, file),
            stored,
            bytes: 0,
            sum: None,
            blocks: None,
            is_discarding: false,
        }
    }

    fn of_part(part: PathBuf, state: PartState, is_bgzf: bool) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part)?;
        file.set_len(state.bytes)?;
        // Its name is to be there whenever the journal speaks of it.
        sync_folder(&part);
        let mut sum = Crc::new();
        io::copy(&mut file, &mut Summed(&mut sum))?;
        file.seek(SeekFrom::End(0))?;
        let mut sink = Self { bytes: state.bytes, sum: Some(sum), ..Self::of(file, Stored::Part(part)) };
        if is_bgzf {
            sink.blocks = Some(Blocks { staged: state.staged, ..Blocks::new()? });
        }
        Ok(sink)
    }

    /// Sets whether bytes are discarded.
    pub(super) fn discard(&mut self, is_discarding: bool) {
        self.is_discarding = is_discarding;
    }

    /// Where the next byte will lie in a BGZF file.
    pub(super) fn virtual_position(&self) -> io::Result<bgzf::VirtualPosition> {
        let staged = self.blocks.as_ref().map_or(0, |blocks| blocks.staged.len());
        let staged = u16::try_from(staged).map_err(io::Error::other)?;
        bgzf::VirtualPosition::try_from((self.bytes, staged)).map_err(io::Error::other)
    }

    /// Waits until all that is final is on the disk.
    pub(super) fn state(&mut self) -> io::Result<PartState> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(PartState {
            bytes: self.bytes,
            crc32: self.sum.as_ref().map_or(0, Crc::sum),
            staged: self.blocks.as_ref().map_or_else(Vec::new, |blocks| blocks.staged.clone()),
        })
    }

    /// Ends the file and waits until it is on the disk; `None` for standard output.
    pub(super) fn finish(mut self) -> io::Result<Option<Unplaced>> {
        if let Some(blocks) = self.blocks.take() {
            let mut last = bgzf::io::Writer::new(Vec::new());
            last.write_all(&blocks.staged)?;
            self.put(&last.finish()?)?;
        }
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(match self.stored {
            Stored::Stdout => None,
            Stored::Temporary(path) => {
                file.sync_all()?;
                Some(path.into())
            }
            Stored::Part(path) => {
                file.sync_all()?;
                Some(Unplaced::Part(path))
            }
        })
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        if let Some(sum) = &mut self.sum {
            sum.update(bytes);
        }
        Ok(())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_discarding {
            return Ok(bytes.len());
        }
        let Some(blocks) = &mut self.blocks else {
            self.put(bytes)?;
            return Ok(bytes.len());
        };
        let taken = bytes.len().min(blocks.size - blocks.staged.len());
        blocks.staged.extend_from_slice(&bytes[..taken]);
        if blocks.staged.len() == blocks.size {
            // Writes the block, as it takes no more.
            let mut block = bgzf::io::Writer::new(Vec::new());
            block.write_all(&blocks.staged)?;
            blocks.staged.clear();
            self.put(&block.into_inner())?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Takes the checksum of what is written to it.
struct Summed<'a>(&'a mut Crc);

impl Write for Summed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use proptest::prelude::*;

    use super::*;

    fn finished(sink: Sink) -> Vec<u8> {
        match sink.finish().unwrap().unwrap() {
            Unplaced::Part(path) => std::fs::read(path).unwrap(),
            Unplaced::Temporary(path) => std::fs::read(path).unwrap(),
        }
    }

    fn bytes(n: usize) -> Vec<u8> {
        (0..n).map(|i| u8::try_from(i * i % 251).unwrap()).collect()
    }

    #[test]
    fn blocks_are_those_of_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0, 1, 65_495, 65_496, 200_000] {
            let content = bytes(length);
            let mut expected = bgzf::io::Writer::new(Vec::new());
            expected.write_all(&content).unwrap();
            let place = expected.virtual_position();
            let mut sink = Sink::create(&folder.path().join("a.vcf.gz"), Storage::Temporary, true).unwrap();
            sink.write_all(&content).unwrap();
            assert_eq!(sink.virtual_position().unwrap(), place);
            assert_eq!(finished(sink), expected.finish().unwrap(), "{length}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// A file is the same wherever its run was interrupted, whatever was written after the last state.
        #[test]
        fn an_interrupted_file_is_the_same(
            length in 1_usize..300_000,
            cuts in prop::collection::vec(0.0_f64..1.0, 1..4),
            lost in 0_usize..100_000,
            is_bgzf in any::<bool>(),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("a.vcf.gz");
            let content = bytes(length);
            let mut whole = Sink::create(&path, Storage::Temporary, is_bgzf).unwrap();
            whole.write_all(&content).unwrap();
            let whole = finished(whole);

            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| (length as f64 * cut) as usize).collect();
            cuts.sort_unstable();
            let (mut state, mut done) = (None, 0);
            for cut in cuts {
                let mut sink = Sink::create(&path, Storage::Part(state), is_bgzf).unwrap();
                sink.write_all(&content[done..cut]).unwrap();
                state = Some(sink.state().unwrap());
                done = cut;
                sink.write_all(&vec![b'x'; lost]).unwrap();
                drop(sink);
                prop_assert!(state.as_ref().unwrap().is_in(&part_of(&path)));
            }
            let mut sink = Sink::create(&path, Storage::Part(state), is_bgzf).unwrap();
            sink.write_all(&content[done..]).unwrap();
            prop_assert_eq!(finished(sink), whole);
        }
    }

    #[test]
    fn a_state_is_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vcf");
        let mut sink = Sink::create(&path, Storage::Part(None), false).unwrap();
        sink.write_all(b"line\n").unwrap();
        let state = sink.state().unwrap();
        assert_eq!((state.bytes, state.staged.len()), (5, 0));
        let mut found = String::new();
        File::open(part_of(&path)).unwrap().read_to_string(&mut found).unwrap();
        assert_eq!(found, "line\n");
    }
}
