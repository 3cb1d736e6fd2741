//! A half-open stretch of a contig.

/// Positions `start..end` of a contig, 0-based, half-open, in bp. `start <= end` always holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    start: u64,
    end: u64,
}

impl Interval {
    /// The interval `start..end`; an end before the start gives the empty interval at `start`.
    #[must_use]
    pub fn new(start: u64, end: u64) -> Self {
        Self { start, end: end.max(start) }
    }

    /// First position, 0-based.
    #[must_use]
    pub fn start(self) -> u64 {
        self.start
    }

    /// Position after the last, 0-based.
    #[must_use]
    pub fn end(self) -> u64 {
        self.end
    }

    /// Length in bp.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "`is_empty` is below")]
    pub fn len(self) -> u64 {
        self.end - self.start
    }

    /// True where it holds no position.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// True where `position` (0-based) lies inside.
    #[must_use]
    pub fn contains(self, position: u64) -> bool {
        self.start <= position && position < self.end
    }

    /// True where the two share a position.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// The positions in both.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// Grown by `padding` bp on both sides, kept within `0..contig_length`.
    #[must_use]
    pub fn padded(self, padding: u64, contig_length: u64) -> Self {
        Self::new(self.start.saturating_sub(padding), (self.end + padding).min(contig_length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_open() {
        let interval = Interval::new(10, 20);
        assert!(interval.contains(10) && interval.contains(19) && !interval.contains(20));
        assert!(!interval.overlaps(Interval::new(20, 30)) && interval.overlaps(Interval::new(19, 30)));
    }

    #[test]
    fn padding_stays_on_the_contig() {
        assert_eq!(Interval::new(3, 8).padded(5, 10), Interval::new(0, 10));
    }

    #[test]
    fn disjoint_intervals_share_nothing() {
        assert!(Interval::new(0, 5).intersect(Interval::new(7, 9)).is_empty());
    }
}
