//! Pieces with their bytes -> the regions that are surveyed ([`Draw`]): spread evenly over the bytes of the reads, few of them.

use super::ReadBytes;
use crate::genome::{ContigId, Interval};
use crate::regions::Region;

/// Share of the compressed bytes of stretches that can be drawn that is unpacked, and its bounds in bytes.
const SHARE: f64 = 0.02;
const LEAST_BYTES: f64 = 1e6;
const MOST_BYTES: f64 = 64e6;
/// Most bytes of a draw for each bp, some 120x, or 250x with binned qualities. Deeper, reads are soon sampled, and their number decides what calling
/// takes, while a draw would take long.
const DEEPEST: f64 = 64.0;
/// Length of what a BAM's index counts as one: reads at its start are found at once. Others are drawn where fewer pieces hold such a start, and only where
/// no more than twice the bytes of a draw must be unpacked for them.
const INDEXED: u64 = 1 << 14;
const ENOUGH: usize = 200;
const DEAREST: f64 = 2.0;
/// Draws for each piece with which the search for the distance between draws begins, and growth of that distance until there are few enough. More than
/// one, so that light pieces are drawn too where all can be; a piece is drawn once at most.
const MOST_PER_PIECE: f64 = 8.0;
const GROWTH: f64 = 1.1;

/// A region that is surveyed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Draw {
    /// Index of its piece.
    pub(super) piece: usize,
    pub(super) contig: ContigId,
    pub(super) interval: Interval,
    /// Bytes of reads in it, by the index.
    pub(super) bytes: f64,
}

/// A draw that can be made.
#[derive(Clone, Copy)]
struct Possible {
    draw: Draw,
    /// Bytes of reads in its piece.
    of_piece: f64,
    /// Bytes that are unpacked for it.
    unpacked: f64,
}

/// The regions to survey, at most one in each piece and in their order; none where there are no reads.
pub(super) fn draws(pieces: &[Region], bytes: &ReadBytes, region_size: u64) -> Vec<Draw> {
    let within = |contig, interval| bytes.within(contig, interval);
    let most = DEAREST * DEEPEST * bases(region_size);
    let of_piece = |(number, piece): (usize, &Region)| {
        let draw = draw(number, piece, region_size, within)?;
        let unpacked = bytes.to_fetch(draw.contig, draw.interval);
        Some(Possible { draw, of_piece: within(piece.contig, piece.interval), unpacked })
    };
    let mut possible: Vec<Possible> = pieces.iter().enumerate().filter_map(of_piece).collect();
    let is_indexed = |of: &Possible| of.draw.interval.start().is_multiple_of(INDEXED);
    let enough = possible.iter().filter(|of| is_indexed(of)).count() >= ENOUGH;
    possible.retain(|of| is_indexed(of) || !enough && of.unpacked <= most.max(bytes.least_to_fetch()));
    spread(&possible)
}

#[allow(clippy::cast_precision_loss, reason = "lengths of regions")]
fn bases(length: u64) -> f64 {
    length as f64
}

/// The region of a piece that is surveyed if the piece is.
fn draw(number: usize, piece: &Region, region_size: u64, within: impl Fn(ContigId, Interval) -> f64) -> Option<Draw> {
    let (start, end) = (piece.interval.start(), piece.interval.end());
    let indexed = start.div_ceil(INDEXED) * INDEXED;
    let start = if indexed < end { indexed } else { start };
    let interval = Interval::new(start, end.min(start + region_size));
    let bytes = within(piece.contig, interval);
    let fits = bytes > 0.0 && bytes <= DEEPEST * bases(interval.len());
    fits.then_some(Draw { piece: number, contig: piece.contig, interval, bytes })
}

/// Draws at even distances along the bytes, as many as the bounds of the bytes to unpack allow.
fn spread(possible: &[Possible]) -> Vec<Draw> {
    let total: f64 = possible.iter().map(|of| of.of_piece).sum();
    let budget = (SHARE * total).clamp(LEAST_BYTES, MOST_BYTES);
    #[allow(clippy::cast_precision_loss, reason = "number of pieces, far below 2^52")]
    let mut distance = total / (possible.len().max(1) as f64 * MOST_PER_PIECE);
    loop {
        let mut passed = distance / 2.0;
        let is_drawn = |of: &&Possible| {
            let before = (passed / distance).floor();
            passed += of.of_piece;
            (passed / distance).floor() > before
        };
        let drawn: Vec<&Possible> = possible.iter().filter(is_drawn).collect();
        if drawn.len() <= 1 || drawn.iter().map(|of| of.unpacked).sum::<f64>() <= budget {
            return drawn.into_iter().map(|of| of.draw).collect();
        }
        distance *= GROWTH;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, end: u64) -> Region {
        Region { sequence: 0, contig: ContigId(0), interval: Interval::new(start, end) }
    }

    /// The region of a piece where each position has so many bytes.
    fn region(start: u64, end: u64, density: f64) -> Option<(u64, u64)> {
        let found = draw(3, &piece(start, end), 1000, |_, interval| bases(interval.len()) * density)?;
        assert!((found.bytes - bases(found.interval.len()) * density).abs() < 1e-6 && found.piece == 3);
        Some((found.interval.start(), found.interval.end()))
    }

    #[test]
    fn draws_begin_where_the_index_does_and_are_not_of_deep_stretches() {
        assert_eq!(region(10_000, 20_000, 15.0), Some((16_384, 17_384)));
        assert_eq!(region(20_000, 30_000, 15.0), Some((20_000, 21_000)), "none begins there");
        assert_eq!(region(0, 300, 15.0), Some((0, 300)));
        assert_eq!(region(0, 10_000, 63.0), Some((0, 1000)));
        assert_eq!(region(0, 10_000, 65.0), None, "too deep");
        assert_eq!(region(0, 10_000, 0.0), None);
    }

    /// The pieces that are drawn, of some with such bytes in all and to unpack.
    fn drawn(pieces: &[(f64, f64)]) -> Vec<usize> {
        let of = |(piece, &(of_piece, unpacked)): (usize, &(f64, f64))| {
            let draw = Draw { piece, contig: ContigId(0), interval: Interval::new(0, 1000), bytes: unpacked };
            Possible { draw, of_piece, unpacked }
        };
        let possible: Vec<_> = pieces.iter().enumerate().map(of).collect();
        spread(&possible).iter().map(|draw| draw.piece).collect()
    }

    #[test]
    fn few_bytes_are_all_drawn() {
        assert_eq!(drawn(&[(15e3, 16e3), (150e3, 16e3), (15e3, 16e3)]), [0, 1, 2]);
        assert!(drawn(&[]).is_empty());
    }

    #[test]
    fn draws_are_spread_over_bytes_and_bounded() {
        // 500 pieces of 160 kB, 20 of them of 640 kB; 2 % of it all are 1.8 MB.
        let of = |i| if (200..220).contains(&i) { (640e3, 64e3) } else { (160e3, 16e3) };
        let pieces: Vec<(f64, f64)> = (0..500).map(of).collect();
        let found = drawn(&pieces);
        let cost: f64 = found.iter().map(|&piece| pieces[piece].1).sum();
        assert!((1.4e6..=1.8e6).contains(&cost), "{cost}");
        assert!(found.is_sorted_by(|a, b| a < b), "one of each at most");
        let [before, deep, after] =
            [0..200, 200..220, 220..500].map(|part| found.iter().filter(|piece| part.contains(*piece)).count());
        assert!(
            before.abs_diff(after * 200 / 280) < 4 && deep.abs_diff(before * 80 / 200) < 4,
            "{before} {deep} {after}"
        );
        // Of a whole genome no more than 64 MB.
        let genome = drawn(&vec![(160e3, 20e3); 300_000]);
        assert!((2800..=3200).contains(&genome.len()), "{}", genome.len());
    }
}
