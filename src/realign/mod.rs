//! Reads of a region -> the same reads, aligned anew where their alignments are in doubt.
//!
//! A mapper aligns each read by itself, so reads of one insertion or deletion can tell different stories about it: the
//! indel here, mismatches there, a clipped end elsewhere. [`windows`](mod@windows) finds such places, [`graph`] assembles
//! the haplotypes that the reads come from, and [`align`](mod@align) gives each read the alignment of the haplotype that it
//! fits best. Bases and qualities stay as they are.

pub mod align;
pub mod bam;
pub mod compose;
pub mod graph;
pub mod local;
pub mod windows;

use serde::{Deserialize, Serialize};

use crate::genome::reference::to_usize;
use crate::genome::{Interval, ReferenceWindow};
use crate::reads::{Cigar, CigarKind, Read};

pub use align::AlignOptions;
pub use bam::{Placement, RealignedBam};
pub use graph::GraphOptions;
pub use windows::WindowOptions;

/// How reads are realigned; stored in a model, since the model was trained on such reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RealignOptions {
    /// Longest read that is realigned, in bp.
    pub max_read_length: usize,
    /// Where.
    pub windows: WindowOptions,
    /// To which haplotypes.
    pub graph: GraphOptions,
    /// How.
    pub align: AlignOptions,
}

impl Default for RealignOptions {
    fn default() -> Self {
        Self {
            max_read_length: 500,
            windows: WindowOptions::default(),
            graph: GraphOptions::default(),
            align: AlignOptions::default(),
        }
    }
}

/// Realigns `reads`, which overlap `region`, in place and in [`Read::order`]. `reference` should reach beyond the reads on
/// both sides, N off the contig. Returns how many alignments changed.
pub fn realign(region: Interval, reads: &mut [Read], reference: &ReferenceWindow, options: &RealignOptions) -> usize {
    let windows = windows::windows(region, reads, reference, &options.windows);
    let mut assigned: Vec<Vec<usize>> = vec![Vec::new(); windows.len()];
    for (i, read) in reads.iter().enumerate().filter(|(_, read)| can_move(read, options)) {
        if let Some(window) = most_overlapped(&windows, read.span) {
            assigned[window].push(i);
        }
    }
    let mut changes = Vec::new();
    for (window, members) in windows.into_iter().zip(assigned) {
        changes.extend(in_window(window, reads, &members, reference, options));
    }
    let mut changed = 0;
    for (i, start, cigar) in changes {
        changed += usize::from(reads[i].realign(start, cigar));
    }
    if changed > 0 {
        reads.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
    }
    changed
}

fn can_move(read: &Read, options: &RealignOptions) -> bool {
    read.bases.len() <= options.max_read_length && read.cigar.iter().all(|op| op.kind != CigarKind::Skip)
}

/// Index of the window that shares most positions with `span`, the first of equals.
fn most_overlapped(windows: &[Interval], span: Interval) -> Option<usize> {
    let shared = windows.iter().map(|window| window.intersect(span).len()).enumerate();
    shared.filter(|(_, n)| *n > 0).rev().max_by_key(|(_, n)| *n).map(|(i, _)| i)
}

/// New alignments of those of `members` that get one: index, start and CIGAR.
fn in_window(
    window: Interval,
    reads: &[Read],
    members: &[usize],
    reference: &ReferenceWindow,
    options: &RealignOptions,
) -> Vec<(usize, u64, Box<[Cigar]>)> {
    let around = members.iter().fold(window, |all, &i| {
        Interval::new(all.start().min(reads[i].span.start()), all.end().max(reads[i].span.end()))
    });
    let around = around.padded(options.align.margin, u64::MAX - options.align.margin);
    let bases = |interval: Interval| reference.slice(interval.start().cast_signed(), interval.end().cast_signed());
    let (Some(inside), Some(all)) = (bases(window), bases(around)) else { return Vec::new() };
    let overlapping = reads.iter().filter(|read| read.span.overlaps(window) && can_move(read, options));
    let Some(haplotypes) = graph::haplotypes(inside, overlapping, &options.graph) else { return Vec::new() };
    let offset = to_usize(window.start() - around.start());
    let stage = align::Stage { start: around.start(), reference: all, window: offset..offset + inside.len() };
    let movable: Vec<&Read> = members.iter().map(|&i| &reads[i]).collect();
    let found = align::align(&movable, &haplotypes, &stage, &options.align);
    let places = members.iter().zip(found);
    places
        .filter_map(|(&i, alignment)| alignment.map(|a| (i, around.start() + a.start as u64, a.cigar.into())))
        .collect()
}
