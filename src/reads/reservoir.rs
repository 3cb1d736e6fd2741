//! A stream of items of any length -> at most `capacity` of them, or as many as have so many bases, the same ones every time.

use rand::Rng;
use rand_pcg::Pcg64;

/// Mixed into every seed, so that no region's stream is the bare generator's.
const SEED: u64 = 0x7661_7270_6978;

/// Reservoir sampling, algorithm R (Vitter, ACM Trans. Math. Softw. 11:37, 1985).
///
/// Whether an item is kept is decided before it is made, so that a million reads at one site cost no memory.
pub struct Reservoir<T> {
    capacity: usize,
    /// Most bases of all items together, but for the item that passes it.
    most_bases: Option<u64>,
    seen: u64,
    /// Items with their bases.
    kept: Vec<(u64, T)>,
    /// Bases of all of them.
    bases: u64,
    random: Pcg64,
}

impl<T> Reservoir<T> {
    /// An empty reservoir for the locus `contig:start` (index and 0-based position), which alone seeds it: what is
    /// sampled depends on neither threads nor which regions came before.
    #[must_use]
    pub fn new(capacity: usize, contig: usize, start: u64) -> Self {
        let random = locus_random(contig, start);
        Self { capacity, most_bases: None, seen: 0, kept: Vec::new(), bases: 0, random }
    }

    /// Keeps no more items once they have so many bases together.
    #[must_use]
    pub fn with_most_bases(mut self, bases: Option<u64>) -> Self {
        self.most_bases = bases;
        self
    }

    /// Offers one item of so many bases, made by `make` only if it is kept.
    pub fn offer(&mut self, bases: u64, make: impl FnOnce() -> Option<T>) {
        self.seen += 1;
        if self.kept.len() < self.capacity && self.most_bases.is_none_or(|most| self.bases < most) {
            if let Some(item) = make() {
                self.kept.push((bases, item));
                self.bases += bases;
            }
            return;
        }
        let slot = self.random.random_range(0..self.seen);
        if let Some(slot) = usize::try_from(slot).ok().and_then(|slot| self.kept.get_mut(slot))
            && let Some(item) = make()
        {
            self.bases = self.bases - slot.0 + bases;
            *slot = (bases, item);
        }
    }

    /// Items offered so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The items kept, in no particular order.
    #[must_use]
    pub fn into_kept(self) -> Vec<T> {
        let mut before = 0;
        let fits = |bases: u64| {
            let fits = self.most_bases.is_none_or(|most| before < most);
            before += bases;
            fits
        };
        let fits: Vec<bool> = self.kept.iter().map(|(bases, _)| *bases).map(fits).collect();
        self.kept.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|((_, item), _)| item).collect()
    }
}

/// The generator of a locus.
#[must_use]
pub fn locus_random(contig: usize, start: u64) -> Pcg64 {
    Pcg64::new(u128::from(SEED ^ start), contig as u128)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(capacity: usize, n: u32, start: u64) -> Vec<u32> {
        let mut reservoir = Reservoir::new(capacity, 0, start);
        (0..n).for_each(|i| reservoir.offer(1, || Some(i)));
        reservoir.into_kept()
    }

    #[test]
    fn a_short_stream_is_kept_whole() {
        assert_eq!(sample(10, 4, 0), [0, 1, 2, 3]);
    }

    #[test]
    fn the_locus_alone_decides() {
        assert_eq!(sample(10, 1000, 7), sample(10, 1000, 7));
        assert_ne!(sample(10, 1000, 7), sample(10, 1000, 8));
    }

    #[test]
    fn the_stream_is_the_one_that_calls_were_made_with() {
        // Another stream, of a newer generator for example, would change the calls of deep regions.
        let mut other_contig = Reservoir::new(8, 21, 1000);
        (0..5000_u32).for_each(|i| other_contig.offer(1, || Some(i)));
        let kept = [sample(8, 100, 0), sample(8, 100, 10_000_000), other_contig.into_kept()];
        assert_eq!(kept[0], [0, 1, 61, 9, 52, 32, 22, 7]);
        assert_eq!(kept[1], [13, 61, 95, 3, 31, 58, 34, 7]);
        assert_eq!(kept[2], [2452, 2454, 4522, 3817, 1481, 1506, 4996, 385]);
    }

    #[test]
    fn bases_may_be_the_limit() {
        let kept = |bases: &[u64]| {
            let mut reservoir = Reservoir::new(usize::MAX, 0, 7).with_most_bases(Some(100));
            for &bases in bases {
                reservoir.offer(bases, || Some(bases));
            }
            reservoir.into_kept()
        };
        // The one that passes the limit is kept.
        assert_eq!(kept(&[40, 40, 30]), [40, 40, 30]);
        assert_eq!(kept(&[]), [0; 0]);
        for n in 4..60 {
            let kept = kept(&vec![30; n]);
            assert_eq!(kept, [30; 4], "{n} items");
        }
        let mixed: Vec<u64> = (1..80).map(|i| i % 7 * 9 + 1).collect();
        let all_but_last = |kept: &[u64]| kept[..kept.len() - 1].iter().sum::<u64>();
        assert!(all_but_last(&kept(&mixed)) < 100);
    }

    #[test]
    fn every_item_is_about_equally_likely() {
        // 2,000 samples of 10 from 100: each tenth of the stream gives 2,000 items, give or take 3 sigma (127).
        let mut tenths = [0_i32; 10];
        for start in 0..2000 {
            for i in sample(10, 100, start) {
                tenths[i as usize / 10] += 1;
            }
        }
        assert!(tenths.iter().all(|&n| (n - 2000).abs() < 150), "{tenths:?}");
    }
}
