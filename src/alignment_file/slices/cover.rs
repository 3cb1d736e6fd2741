//! A CRAM file and its index -> whether the index leads to each container of the file.
//!
//! Containers of a good index, in order, tile the file from its header to the container that ends it: each begins where one before it
//! ended. How long a container is, its slices tell but for its header, which is short. So what is missing shows without reading the
//! file. Headers are read too, of all containers of a file of some GB and of as many of a larger one.

use std::fs::File;
use std::io;

use super::containers::{Containers, LONGEST_HEADER, LONGEST_LANDMARK};
use super::{Slice, SliceIndex};
use crate::alignment_file::bins::cover::Misfit;
use crate::alignment_file::whole::Format;
use crate::genome::{ContigId, Contigs};

/// Headers of containers that are read.
const MOST_HEADERS: usize = 512;

/// Checks that the index is that of the file, whole.
pub(in crate::alignment_file) fn check(
    index: &SliceIndex,
    file: File,
    format: Format,
    contigs: &Contigs,
) -> Result<(), Misfit> {
    let Format::Cram(major, minor) = format else { return Ok(()) };
    let mut containers = Containers::new(file, major, minor).map_err(Misfit::File)?;
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
            header(slices, start, next, &mut containers)?;
        } else if body > LONGEST_HEADER + LONGEST_LANDMARK * slices.len() as u64 {
            missing(next - body, next)?;
        }
        expected = next;
    }
    missing(expected, containers.end)
}

/// What lies between two bytes of the file is not in the index.
fn missing(from: u64, to: u64) -> Result<(), Misfit> {
    if from == to {
        return Ok(());
    }
    if from > to {
        return Err(Misfit::Index(format!("it says that a container begins at byte {to}, which is not so")));
    }
    Err(Misfit::Index(format!("it knows nothing of the reads in bytes {from} to {to}")))
}

/// Reads of each contig come together, in order of where they begin.
fn sorted(slices: &[Slice], contigs: &Contigs) -> Result<(), Misfit> {
    for pair in slices.windows(2) {
        let place = |slice: &Slice| (slice.contig.unwrap_or(usize::MAX), slice.start);
        if place(&pair[1]) < place(&pair[0]) {
            let name = pair[1].contig.map_or("*", |contig| &contigs.get(ContigId(contig)).name);
            let start = pair[1].start;
            return Err(Misfit::Index(format!("its line for {name}:{start} follows that of a later place")));
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
            return Err(Misfit::Index(format!("it gives a slice of {} bytes {} bytes", same[0].bytes, other.bytes)));
        }
        reached = Some(same[0].offset + same[0].bytes);
    }
    let end = start.saturating_add(reached.unwrap_or(0));
    next.checked_sub(end)
        .filter(|&header| header > 0)
        .ok_or_else(|| Misfit::Index(format!("it says that the container at byte {start} reaches to byte {end}")))
}

/// Compares a container's header with the index.
fn header(slices: &[Slice], start: u64, next: u64, containers: &mut Containers) -> Result<(), Misfit> {
    let stray =
        |_: io::Error| Misfit::Index(format!("it says that a container begins at byte {start}, which is not so"));
    let container = containers.at(start).map_err(stray)?;
    missing(container.end, next)?;
    let mut offsets: Vec<u64> = slices.iter().map(|slice| slice.offset).collect();
    offsets.dedup();
    let last = slices.last().map_or(0, |slice| slice.offset + slice.bytes);
    if offsets != container.landmarks || container.body + last != container.end {
        return Err(Misfit::Index(format!("it is wrong about the slices of the container at byte {start}")));
    }
    Ok(())
}
