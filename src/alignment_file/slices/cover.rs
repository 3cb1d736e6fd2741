//! A CRAM file and its index -> whether the index leads to each container of the file.
//!
//! Containers of a good index, in order, tile the file from its header to the container that ends it: each begins where one before it
//! ended. How long a container is, its slices tell but for its header, which is short. So what is missing shows without reading the
//! file. Headers are read too, of all containers of a file of some GB and of as many of a larger one.

use std::fs::File;
use std::io;

use super::containers::{Containers, LONGEST_HEADER, LONGEST_LANDMARK, SliceHeader};
use super::{Slice, SliceIndex};
use crate::alignment_file::bins::cover::Misfit;
use crate::genome::{ContigId, Contigs};

/// Headers of containers that are read.
const MOST_HEADERS: usize = 512;

/// Checks that the index is that of the file, whole; returns containers to be compared with it by their records.
pub(in crate::alignment_file) fn check(
    index: &SliceIndex,
    file: File,
    major: u8,
    contigs: &Contigs,
) -> Result<Vec<Mixed>, Misfit> {
    let mut mixed = Vec::new();
    let mut containers = Containers::new(file, major).map_err(Misfit::File)?;
    let mut expected = containers.first().map_err(Misfit::File)?;
    sorted(&index.slices, contigs)?;
    let lines: Vec<&[Slice]> = index.slices.chunk_by(|a, b| a.container == b.container).collect();
    let every = lines.len().div_ceil(MOST_HEADERS).max(1);
    for (i, slices) in lines.iter().enumerate() {
        let start = slices[0].container;
        missing(expected, start)?;
        let next = lines.get(i + 1).map_or(containers.end, |next| next[0].container);
        let body = tiled(slices, start, next)?;
        if i % every == 0 || i + 1 == lines.len() {
            mixed.extend(headers(slices, start, next, &mut containers)?);
        } else if body > LONGEST_HEADER + LONGEST_LANDMARK * slices.len() as u64 {
            missing(next - body, next)?;
        }
        expected = next;
    }
    missing(expected, containers.end)?;
    Ok(mixed)
}

/// A container whose reads are of several contigs; where they lie, only its records tell.
#[derive(Debug)]
pub(in crate::alignment_file) struct Mixed {
    /// Byte of the file at which it begins.
    pub(in crate::alignment_file) start: u64,
    pub(in crate::alignment_file) records: u32,
}

/// What lies between two bytes of the file is not in the index.
fn missing(from: u64, to: u64) -> Result<(), Misfit> {
    if from == to {
        return Ok(());
    }
    if from > to {
        return Err(Misfit::Index(format!("it lists a container at byte {to}, where none begins")));
    }
    Err(Misfit::Index(format!("it does not list the reads in bytes {from} to {to}")))
}

/// Reads of each contig come together, in order of where they begin.
fn sorted(slices: &[Slice], contigs: &Contigs) -> Result<(), Misfit> {
    for pair in slices.windows(2) {
        let place = |slice: &Slice| (slice.contig.unwrap_or(usize::MAX), slice.start);
        if place(&pair[1]) < place(&pair[0]) {
            let name = pair[1].contig.map_or("*", |contig| &contigs.get(ContigId(contig)).name);
            let start = pair[1].start;
            return Err(Misfit::Index(format!("its line for {name}:{start} is out of order")));
        }
    }
    Ok(())
}

/// Checks that the slices of a container follow each other up to the next container; returns the bytes of its header.
fn tiled(slices: &[Slice], start: u64, next: u64) -> Result<u64, Misfit> {
    let mut reached: Option<u64> = None;
    for same in slices.chunk_by(|a, b| a.offset == b.offset) {
        if let Some(reached) = reached {
            missing(start + reached, start + same[0].offset)?;
        }
        if let Some(other) = same.iter().find(|slice| slice.bytes != same[0].bytes) {
            return Err(Misfit::Index(format!(
                "it gives two sizes for one slice, {} and {} bytes",
                same[0].bytes, other.bytes
            )));
        }
        reached = Some(same[0].offset + same[0].bytes);
    }
    let end = start.saturating_add(reached.unwrap_or(0));
    next.checked_sub(end).filter(|&header| header > 0).ok_or_else(|| {
        Misfit::Index(format!("it extends the container at byte {start} to byte {end}, past the next one"))
    })
}

/// Compares the headers of a container and of its slices with the index.
fn headers(slices: &[Slice], start: u64, next: u64, containers: &mut Containers) -> Result<Option<Mixed>, Misfit> {
    let stray = |_: io::Error| Misfit::Index(format!("it lists a container at byte {start}, where none begins"));
    let wrong = || Misfit::Index(format!("it misplaces the slices of the container at byte {start}"));
    let container = containers.at(start).map_err(stray)?;
    missing(container.end, next)?;
    let of_slices: Vec<&[Slice]> = slices.chunk_by(|a, b| a.offset == b.offset).collect();
    let last = slices.last().map_or(0, |slice| slice.offset + slice.bytes);
    let begin = of_slices.iter().map(|same| same[0].offset);
    if !begin.eq(container.landmarks.iter().copied()) || container.body + last != container.end {
        return Err(wrong());
    }
    let mut mixed = false;
    for same in of_slices {
        let begin = container.body + same[0].offset;
        match containers.slice(begin).map_err(|_| wrong())? {
            Some(SliceHeader::One(contig, start, span)) => {
                let [line] = same else { return Err(wrong()) };
                let known = usize::try_from(contig).ok();
                // Where unplaced reads lie is never asked for.
                if known != line.contig || (known.is_some() && (start, span) != (line.start, line.span)) {
                    return Err(wrong());
                }
            }
            Some(SliceHeader::Several) => mixed = true,
            None => {}
        }
    }
    Ok(mixed.then_some(Mixed { start, records: container.records }))
}
