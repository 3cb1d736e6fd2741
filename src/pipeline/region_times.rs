//! Time of workers, region by region -> time along the genome, and the slowest regions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most parts of a run whose time is given.
pub const MOST_PARTS: usize = 400;
/// Most regions that are named.
const MOST_SLOW: usize = 10;

/// Time that workers spent on regions, waiting aside. Where a run was resumed, regions that were worked on twice count with both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionTimes {
    /// Regions of the run.
    regions: usize,
    /// Microseconds: a journal holds them.
    parts: Vec<u64>,
    /// Microseconds, and numbers of regions.
    slowest: Vec<(u64, usize)>,
}

impl RegionTimes {
    /// Of a run of so many regions.
    #[must_use]
    pub fn new(regions: usize) -> Self {
        Self { regions, parts: vec![0; regions.min(MOST_PARTS)], slowest: Vec::new() }
    }

    /// Adds the time of a region, given its number in genome order.
    pub(super) fn add(&mut self, region: usize, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let parts = self.parts.len();
        if let Some(part) = self.parts.get_mut(region * parts / self.regions.max(1)) {
            *part += time;
        }
        if self.slowest.len() == MOST_SLOW && self.slowest.last().is_some_and(|(least, _)| *least >= time) {
            return;
        }
        // One that is worked on again after an interruption is named once.
        let before = self.slowest.iter().position(|&(_, other)| other == region);
        let time = before.map_or(time, |at| self.slowest.remove(at).0.max(time));
        let at = self.slowest.partition_point(|(other, _)| *other >= time);
        self.slowest.insert(at, (time, region));
        self.slowest.truncate(MOST_SLOW);
    }

    /// Numbers of the first region of each part, and the time of the part.
    pub fn parts(&self) -> impl Iterator<Item = (usize, Duration)> {
        let (regions, parts) = (self.regions, self.parts.len().max(1));
        let part = move |(part, &time): (usize, &u64)| ((part * regions).div_ceil(parts), Duration::from_micros(time));
        self.parts.iter().enumerate().map(part)
    }

    /// Numbers and times of the regions that took longest, the slowest first.
    pub fn slowest(&self) -> impl Iterator<Item = (Duration, usize)> {
        self.slowest.iter().map(|&(time, region)| (Duration::from_micros(time), region))
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
        assert_eq!(times.slowest().next(), Some((Duration::from_millis(50), 700)));
        // A part begins where the region that is counted in it does.
        let part = times.parts().position(|(first, _)| first > 700).unwrap() - 1;
        assert!(times.parts().nth(part).unwrap().1 > Duration::from_millis(50));
        // Worked on again: both times count, and it is named once.
        times.add(700, Duration::from_millis(60));
        let named = times.slowest().filter(|&(_, region)| region == 700).collect::<Vec<_>>();
        assert_eq!((named, times.slowest().count()), (vec![(Duration::from_millis(60), 700)], MOST_SLOW));
        assert_eq!(times.parts().map(|(_, time)| time.as_millis()).sum::<u128>(), 1109);
        assert_eq!(RegionTimes::new(0).parts().count(), 0);
    }
}
