//! A FASTA file, plain or BGZF -> its uncompressed bytes at any offset.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use noodles_bgzf as bgzf;

use super::gzi::Blocks;

/// One thread's reader of a FASTA's bytes.
pub(super) enum Bytes {
    /// A plain file and its length.
    Plain(File, u64),
    /// A BGZF file.
    Bgzf(Box<Unpacker>),
}

/// Reads a BGZF file by whole blocks, and keeps the last ones: short contigs share a block.
pub(super) struct Unpacker {
    reader: bgzf::io::Reader<File>,
    blocks: Arc<Blocks>,
    kept: Vec<u8>,
    /// Unpacked byte that `kept` begins with.
    kept_from: u64,
}

impl Bytes {
    /// A reader of a plain file, or of a BGZF file with these blocks.
    pub(super) fn new(file: File, blocks: Option<Arc<Blocks>>) -> io::Result<Self> {
        Ok(match blocks {
            None => {
                let length = file.metadata()?.len();
                Self::Plain(file, length)
            }
            Some(blocks) => {
                let reader = bgzf::io::Reader::new(file);
                Self::Bgzf(Box::new(Unpacker { reader, blocks, kept: Vec::new(), kept_from: 0 }))
            }
        })
    }

    /// Unpacked bytes of the file.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Plain(_, length) => *length,
            Self::Bgzf(unpacker) => unpacker.blocks.length(),
        }
    }

    /// The bytes `from..to`.
    pub(super) fn read(&mut self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        // Checked before anything is allocated: an index may hold any number.
        if from > to || to > self.length() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match self {
            Self::Plain(file, _) => {
                let mut bytes = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
                file.read_exact_at(&mut bytes, from)?;
                Ok(bytes)
            }
            Self::Bgzf(unpacker) => unpacker.read(from, to),
        }
    }
}

impl Unpacker {
    fn read(&mut self, from: u64, to: u64) -> io::Result<Vec<u8>> {
        if from == to {
            return Ok(Vec::new());
        }
        if from < self.kept_from || to > self.kept_from + self.kept.len() as u64 {
            self.kept.clear();
            let (packed, first) = self.blocks.start(from);
            let start = bgzf::VirtualPosition::try_from((packed, 0)).map_err(io::Error::other)?;
            self.reader.seek(start)?;
            let mut bytes = Vec::new();
            (&mut self.reader).take(self.blocks.end(to) - first).read_to_end(&mut bytes)?;
            (self.kept, self.kept_from) = (bytes, first);
        }
        let at = |byte: u64| usize::try_from(byte - self.kept_from).unwrap_or(usize::MAX);
        self.kept.get(at(from)..at(to)).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}
