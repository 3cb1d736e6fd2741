//! Counts of draws, bytes of a piece -> the cost of the piece ([`Library::cost`]).
//!
//! Times are seconds of CPU time of `varpix call --output-gvcf` with one thread, `models/wgs` and `models/hifi`, on an Intel Xeon with AVX-512, less those of a
//! run on 1 kb of the same file. They were fitted to 21 runs of 10 kb to 1 Mb of simulated reads by least squares of relative errors, without negative
//! times; in brackets, what they make of each:
//!
//! | reads | CPU, s for a Mb |
//! |---|---|
//! | clean at 30x (two), 10x | 1.4 (1.4), 1.2 (1.3), 1.1 (0.8) |
//! | with all artefacts at 30x (two), 15x | 2.1 (2.1), 2.0 (1.9), 1.5 (1.3) |
//! | dirty at 40x (two), 30x | 5.3 (5.9), 6.8 (6.5), 4.4 (5.3) |
//! | a divergent sample at 30x: clean, with all artefacts | 4.8 (5.1), 7.8 (6.9) |
//! | dwgsim at 35x; binned qualities; uneven depth; `NextSeq` at 40x | 4.2 (3.2), 2.9 (2.7), 2.2 (2.1), 2.3 (1.9) |
//! | 1,200x (two), 3,000x | 199 (210), 195 (208), 592 (504) |
//! | HiFi at 30x, 15x, 30x with all artefacts | 2.7 (2.4), 0.8 (1.1), 4.9 (3.9) |
//!
//! One was left out, pairs of 250 bp, whose realignment is dearer. Images and windows of realignment, counted too, fitted little better. Only the ratios of
//! these times matter.

use super::counts::Counts;
use super::rates::{Rate, Sample};
use crate::evidence::EvidenceOptions;

/// A position, as one without reads takes; reads are fitted to the rest.
const POSITION: f64 = 0.06e-6;
/// An aligned base of a read.
const READ_BASE: f64 = 21.1e-9;
/// A read of a region where reads are sampled: all are fetched once more, realigned and counted.
const SECOND: f64 = 20.1e-6;
/// A candidate, with the images that some need.
const CANDIDATE: f64 = 423e-6;
/// A read whose alignment changes, with all that is tried to find those.
const REALIGNED: f64 = 277e-6;

/// What the reads of a sample are like, and how a model takes them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Library {
    /// Aligned bases for each compressed byte.
    bases_per_byte: f64,
    /// Mean length of the alignments in bp.
    read_length: f64,
    region_size: f64,
    max_reads: f64,
    max_depth: f64,
}

impl Library {
    /// Of draws, each with its bytes.
    pub(super) fn of(draws: impl Iterator<Item = (f64, Counts)>, evidence: &EvidenceOptions) -> Self {
        let mut sum = [0.0; 4];
        for (bytes, counts) in draws {
            let of_draw = [bytes, counts.bases_inside / counts.kept, counts.bases_aligned, counts.reads];
            sum.iter_mut().zip(of_draw).for_each(|(sum, more)| *sum += more);
        }
        let [bytes, inside, aligned, reads] = sum;
        #[allow(clippy::cast_precision_loss, reason = "settings of a model")]
        Self {
            bases_per_byte: inside / bytes.max(1.0),
            read_length: (aligned / reads.max(1.0)).max(1.0),
            region_size: evidence.region_size as f64,
            max_reads: evidence.max_reads as f64,
            max_depth: evidence.max_bases_per_position.map_or(f64::INFINITY, f64::from),
        }
    }

    /// The cost of a piece with so many bases and bytes of reads.
    #[allow(clippy::cast_precision_loss, reason = "lengths of pieces")]
    pub(super) fn cost(&self, bases: u64, bytes: f64, rate: Rate) -> f64 {
        let bases = bases as f64;
        let read_bases = bytes * self.bases_per_byte;
        let depth = read_bases / bases.max(1.0);
        // Reads that overlap a region, and the share of them that is kept; without reads both limits are infinite.
        let reads = depth * (self.region_size + self.read_length) / self.read_length;
        let kept = (self.max_reads / reads).min(self.max_depth / depth).min(1.0);
        let second = if kept < 1.0 { SECOND * reads * bases / self.region_size } else { 0.0 };
        POSITION * bases + (READ_BASE + rate.0 * kept) * read_bases + second
    }
}

/// What a draw of a piece tells of the rates about it.
pub(super) fn sample(piece: usize, counts: &Counts) -> Sample {
    let cost = CANDIDATE * counts.candidates + REALIGNED * counts.realigned;
    Sample { piece, exposure: counts.bases_inside, cost }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(depth: f64, kept: f64) -> Library {
        let (bases, length) = (1000.0, 150.0);
        let reads = depth * (bases + length) / length * kept;
        let bases_inside = depth * bases * kept;
        let counts = Counts { reads, kept, bases_inside, bases_aligned: reads * length, ..Counts::default() };
        // Half a byte for each base.
        Library::of([(depth * 500.0, counts); 2].into_iter(), &EvidenceOptions::default())
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-12)
    }

    #[test]
    fn a_library_is_what_its_draws_are() {
        for library in [library(30.0, 1.0), library(400.0, 0.5)] {
            assert!(close(library.bases_per_byte, 2.0) && close(library.read_length, 150.0), "{library:?}");
        }
    }

    #[test]
    fn costs_grow_with_what_there_is() {
        let library = library(30.0, 1.0);
        let cost = |bytes: f64, rate| library.cost(10_000, bytes, Rate(rate));
        // 30x of 10 kb are 150 kB, without and with candidates and realignment; nothing is sampled.
        let plain = POSITION * 1e4 + READ_BASE * 3e5;
        assert!(close(cost(150e3, 0.0), plain), "{} {plain}", cost(150e3, 0.0));
        assert!(close(cost(150e3, 2e-8), plain + 6e-3));
        assert!(close(cost(0.0, 2e-8), POSITION * 1e4));
        // At 1200x, 92,000 reads are read twice, and 15,000 of them are kept.
        let deep = POSITION * 1e4 + READ_BASE * 1.2e7 + SECOND * 92e3 + 2e-8 * 1.2e7 * 15.0 / 92.0;
        assert!(close(cost(6e6, 2e-8), deep), "{} {deep}", cost(6e6, 2e-8));
    }

    #[test]
    fn a_sample_is_of_the_reads_that_were_kept() {
        let counts = Counts { candidates: 2.0, realigned: 3.0, bases_inside: 150e3, kept: 0.5, ..Counts::default() };
        let expected = Sample { piece: 7, exposure: 150e3, cost: 2.0 * CANDIDATE + 3.0 * REALIGNED };
        assert_eq!(sample(7, &counts), expected);
    }
}
