//! Counts of whole values -> counts in bins of one width.

use serde::Serialize;

/// Most bins of a histogram of depths.
const MOST_BINS: u64 = 100;
/// Share of the values that lie in the last bin, which is open, so that a few very deep places do not make the others indistinct.
const BEYOND: f64 = 0.001;

/// Counts in bins of one width; the first begins at 0, the last holds all that is beyond, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Histogram {
    /// Width of a bin, in the unit of the values.
    pub bin_width: f64,
    /// Values in each bin.
    pub counts: Vec<u64>,
}

impl Histogram {
    /// Values with their counts, ascending, in at most a hundred bins of a round width.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "counts of positions, and widths of some thousand")]
    pub fn of_counts(counted: impl Iterator<Item = (u64, u64)> + Clone) -> Self {
        let all: u64 = counted.clone().map(|(_, n)| n).sum();
        let mut below = 0;
        let highest = counted.clone().find(|&(_, n)| {
            below += n;
            below as f64 >= (1.0 - BEYOND) * all as f64
        });
        let highest = highest.map_or(0, |(value, _)| value);
        let width = Self::width(highest);
        let mut counts = Vec::new();
        for (value, n) in counted.filter(|&(_, n)| n > 0) {
            let bin = usize::try_from(value.min(highest) / width).unwrap_or(0);
            counts.resize(counts.len().max(bin + 1), 0);
            counts[bin] += n;
        }
        Self { bin_width: width as f64, counts }
    }

    /// The least of 1, 2, 5, 10, 20, 50 and so on that needs no more than [`MOST_BINS`] bins.
    fn width(highest: u64) -> u64 {
        let round =
            (0..).flat_map(|power| [1, 2, 5].map(|digit: u64| digit.saturating_mul(10_u64.saturating_pow(power))));
        round.take(60).find(|width| highest / width < MOST_BINS).unwrap_or(u64::MAX)
    }
}

/// Counts a value in its bin.
pub(super) fn count(bins: &mut Vec<u64>, bin: usize) {
    if bins.len() <= bin {
        bins.resize(bin + 1, 0);
    }
    bins[bin] += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_have_round_widths() {
        assert_eq!([0, 99, 100, 199, 200, 499, 500, 5000].map(Histogram::width), [1, 1, 2, 2, 5, 5, 10, 100]);
    }

    #[test]
    fn a_few_deep_places_do_not_stretch_it() {
        let counted = [(0, 5), (30, 99_990), (9000, 5)];
        let histogram = Histogram::of_counts(counted.into_iter());
        assert_eq!((histogram.bin_width.to_bits(), histogram.counts.len()), (1.0_f64.to_bits(), 31));
        assert_eq!((histogram.counts[0], histogram.counts[30]), (5, 99_995));
        assert!(Histogram::of_counts(std::iter::empty()).counts.is_empty());
    }
}
