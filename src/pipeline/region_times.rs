//! Time of workers, region by region -> time along the genome, and the slowest regions.

use std::time::Duration;

/// Most parts of a run whose time is given.
pub const MOST_PARTS: usize = 400;
/// Most regions that are named.
const MOST_SLOW: usize = 10;

/// Time that workers spent on regions, waiting aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionTimes {
    /// Regions of the run.
    regions: usize,
    parts: Vec<Duration>,
    slowest: Vec<(Duration, usize)>,
}

impl RegionTimes {
    /// Of a run of so many regions.
    #[must_use]
    pub fn new(regions: usize) -> Self {
        Self { regions, parts: vec![Duration::ZERO; regions.min(MOST_PARTS)], slowest: Vec::new() }
    }

    /// Adds the time of a region, given its number in genome order.
    pub(super) fn add(&mut self, region: usize, time: Duration) {
        let parts = self.parts.len();
        if let Some(part) = self.parts.get_mut(region * parts / self.regions.max(1)) {
            *part += time;
        }
        if self.slowest.len() == MOST_SLOW && self.slowest.last().is_some_and(|(least, _)| *least >= time) {
            return;
        }
        let at = self.slowest.partition_point(|(other, _)| *other >= time);
        self.slowest.insert(at, (time, region));
        self.slowest.truncate(MOST_SLOW);
    }

    /// Adds the times of another worker of the same run.
    pub(super) fn merge(&mut self, other: &Self) {
        self.parts.iter_mut().zip(&other.parts).for_each(|(sum, time)| *sum += *time);
        self.slowest.extend(&other.slowest);
        self.slowest.sort_by(|(time, region), (other, then)| other.cmp(time).then(region.cmp(then)));
        self.slowest.truncate(MOST_SLOW);
    }

    /// Numbers of the first region of each part, and the time of the part.
    pub fn parts(&self) -> impl Iterator<Item = (usize, Duration)> {
        let (regions, parts) = (self.regions, self.parts.len().max(1));
        self.parts.iter().enumerate().map(move |(part, &time)| ((part * regions).div_ceil(parts), time))
    }

    /// Numbers and times of the regions that took longest, the slowest first.
    #[must_use]
    pub fn slowest(&self) -> &[(Duration, usize)] {
        &self.slowest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_summed_by_part() {
        let mut times = RegionTimes::new(1000);
        for region in 0..1000 {
            times.add(region, Duration::from_millis(if region == 700 { 50 } else { 1 }));
        }
        let firsts: Vec<usize> = times.parts().map(|(first, _)| first).collect();
        assert_eq!((firsts.len(), firsts[..4].to_vec()), (MOST_PARTS, vec![0, 3, 5, 8]));
        assert_eq!(times.parts().map(|(_, time)| time.as_millis()).sum::<u128>(), 1049);
        assert_eq!(times.slowest()[0], (Duration::from_millis(50), 700));
        // A part begins where the region that is counted in it does.
        let part = times.parts().position(|(first, _)| first > 700).unwrap() - 1;
        assert!(times.parts().nth(part).unwrap().1 > Duration::from_millis(50));
        let mut both = RegionTimes::new(1000);
        both.merge(&times);
        assert_eq!(both, times);
        assert_eq!(RegionTimes::new(0).parts().count(), 0);
    }
}
