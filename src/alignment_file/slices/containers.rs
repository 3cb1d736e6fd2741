//! A CRAM file -> its containers' headers, read where they are asked for ([`Containers`]), and whether it ends whole.
//!
//! CRAM specification, sections 6 to 9. A header tells how long its container is, so that one leads to the next.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::input::regular_file;

/// Bytes before the first container: magic number, version and name.
const DEFINITION: u64 = 26;
/// The container that ends a whole file: of version 2.1, and of 3.0 and later.
const EOF_2: &[u8] = &[
    0x0b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xe0, 0x45, 0x4f, 0x46, 0, 0, 0, 0, 1, 0, 0, 1, 0, 6, 6, 1, 0, 1, 0,
    1, 0,
];
const EOF_3: &[u8] = &[
    0x0f, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xe0, 0x45, 0x4f, 0x46, 0, 0, 0, 0, 1, 0, 5, 0xbd, 0xd9, 0x4f, 0, 1,
    0, 6, 6, 1, 0, 1, 0, 1, 0, 0xee, 0x63, 1, 0x4b,
];
/// Bytes of a header without its landmarks, at most; and of a landmark.
pub(super) const LONGEST_HEADER: u64 = 4 + 5 * 4 + 9 * 2 + 5 * 2 + 4;
pub(super) const LONGEST_LANDMARK: u64 = 5;
/// The kind of block that a slice begins with.
const SLICE_HEADER: u8 = 2;
/// Slices of a container, at most: more than any writer puts there.
const MOST_SLICES: u32 = 10_000;

/// Checks that a CRAM is of a version that can be read, and ends with the container that says so.
pub(in crate::alignment_file) fn ends_whole(path: &Path, major: u8, minor: u8) -> Result<()> {
    let Some(end) = end_of(major, minor) else {
        let problem = format!(
            "is a CRAM of version {major}.{minor}; versions 2.0 to 3.1 are supported: convert it with samtools"
        );
        return Err(Error::input(path, problem));
    };
    let mut file = regular_file(path)?;
    let length = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let mut tail = vec![0; end.len()];
    let start = length.checked_sub(end.len() as u64);
    let read = start.is_some_and(|start| {
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut tail)).is_ok() && tail == end
    });
    if read {
        return Ok(());
    }
    let problem =
        format!("is cut short: its end-of-file container is missing at byte {length}; copy or create it again");
    Err(Error::input(path, problem))
}

/// The last bytes of a whole file of that version; `None` where it cannot be read.
fn end_of(major: u8, minor: u8) -> Option<&'static [u8]> {
    match (major, minor) {
        (2, 0) => Some(&[]),
        (2, _) => Some(EOF_2),
        (3, _) => Some(EOF_3),
        _ => None,
    }
}

/// What a container's header tells.
#[derive(Debug)]
pub(super) struct Container {
    /// Byte of the file behind its header, and behind the container.
    pub(super) body: u64,
    pub(super) end: u64,
    /// Where its slices begin, in bytes behind the header.
    pub(super) landmarks: Vec<u64>,
    pub(super) records: u32,
}

/// What a slice's header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SliceHeader {
    /// Contig (-1: unplaced reads), 1-based start, and span.
    One(i32, u64, u64),
    /// Reads of several contigs.
    Several,
}

/// Reads headers of containers.
pub(super) struct Containers {
    file: File,
    major: u8,
    /// Bytes of the file without its last container, the one that ends it.
    pub(super) end: u64,
}

impl Containers {
    pub(super) fn new(mut file: File, major: u8) -> io::Result<Self> {
        let mut end = file.metadata()?.len();
        // Version 2.0 may be with it or without.
        let last = if major == 2 { EOF_2 } else { EOF_3 };
        let mut tail = vec![0; last.len()];
        let start = end.saturating_sub(tail.len() as u64);
        file.seek(SeekFrom::Start(start))?;
        if file.read_exact(&mut tail).is_ok() && tail == last {
            end = start;
        }
        Ok(Self { file, major, end })
    }

    /// The byte at which the first container with reads begins: behind that of the header.
    pub(super) fn first(&mut self) -> io::Result<u64> {
        Ok(self.at(DEFINITION)?.end)
    }

    /// The container that begins at a byte of the file.
    pub(super) fn at(&mut self, start: u64) -> io::Result<Container> {
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = Bytes { source: io::BufReader::with_capacity(256, &self.file), read: 0 };
        let length = u32::from_le_bytes([bytes.next()?, bytes.next()?, bytes.next()?, bytes.next()?]);
        // Contig, start, span.
        for _ in 0..3 {
            bytes.itf8()?;
        }
        let records = bytes.itf8()?;
        // Counter of records: of 32 bits in version 2. Bases.
        if self.major == 2 {
            bytes.itf8()?;
        } else {
            bytes.ltf8()?;
        }
        bytes.ltf8()?;
        bytes.itf8()?;
        let slices = bytes.itf8()?;
        if slices > MOST_SLICES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no container begins here"));
        }
        let mut landmarks = Vec::new();
        for _ in 0..slices {
            landmarks.push(u64::from(bytes.itf8()?));
        }
        // The checksum.
        let body = start + bytes.read + if self.major == 2 { 0 } else { 4 };
        Ok(Container { body, end: body + u64::from(length), landmarks, records })
    }

    /// What the header of the slice at a byte of the file says of its reads; `None` where it is packed.
    pub(super) fn slice(&mut self, start: u64) -> io::Result<Option<SliceHeader>> {
        self.file.seek(SeekFrom::Start(start))?;
        let mut bytes = Bytes { source: io::BufReader::with_capacity(64, &self.file), read: 0 };
        // A block: method, kind, identifier, bytes packed and not.
        let (method, kind) = (bytes.next()?, bytes.next()?);
        for _ in 0..3 {
            bytes.itf8()?;
        }
        if kind != SLICE_HEADER {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "no slice begins here"));
        }
        if method != 0 {
            return Ok(None);
        }
        Ok(Some(match bytes.itf8()?.cast_signed() {
            -2 => SliceHeader::Several,
            contig => SliceHeader::One(contig, bytes.itf8()?.into(), bytes.itf8()?.into()),
        }))
    }
}

struct Bytes<R> {
    source: R,
    read: u64,
}

impl<R: io::Read> Bytes<R> {
    fn next(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.source.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    /// A number of up to 32 bits: as many leading ones as bytes follow (CRAM specification, section 2.3).
    fn itf8(&mut self) -> io::Result<u32> {
        let first = self.next()?;
        let following = first.leading_ones().min(4);
        let mut number = u32::from(first & if following < 4 { 0x7f >> following } else { 0x0f });
        for i in 0..following {
            let byte = u32::from(self.next()?);
            number = if i == 3 { number << 4 | byte & 0x0f } else { number << 8 | byte };
        }
        Ok(number)
    }

    /// Reads over a number of up to 64 bits.
    fn ltf8(&mut self) -> io::Result<()> {
        for _ in 0..self.next()?.leading_ones() {
            self.next()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_several_lengths() {
        for (bytes, number) in [
            (&[0x01][..], 1),
            (&[0x80, 0x80], 128),
            (&[0xc0, 0x40, 0x00], 1 << 14),
            (&[0xe0, 0x45, 0x4f, 0x46], 0x45_4f46),
            (&[0xff, 0xff, 0xff, 0xff, 0x0f], u32::MAX),
            (&[0xf1, 0x23, 0x45, 0x67, 0x08], 0x1234_5678),
        ] {
            let mut read = Bytes { source: bytes, read: 0 };
            assert_eq!((read.itf8().unwrap(), read.read), (number, bytes.len() as u64));
        }
    }
}
