//! Draws -> by how much stretches of the genome differ in cost, beyond what chance does ([`Rates`]).
//!
//! A draw holds a handful of events, so its own rate is mostly chance. Draws are therefore cut, in their order, into stretches of one rate each: recursively where
//! two parts differ most (binary segmentation: Scott & Knott, Biometrics 30:507, 1974), as long as they differ by so many standard errors that chance makes one such cut in 20 genomes.

/// Standard errors by which two stretches must differ. The best of many places to cut is looked for, and costs are skewed.
const ERRORS: f64 = 3.2;
/// Least difference of two stretches, of their sum: less would not be worth while.
const LEAST_DIFFERENCE: f64 = 0.02;
/// Fewest draws of a stretch.
const FEWEST: usize = 8;

/// Cost of a stretch for each kept base of reads, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rate(pub(super) f64);

/// What a draw tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sample {
    /// Index of its piece.
    pub(super) piece: usize,
    /// Kept bases of its reads.
    pub(super) exposure: f64,
    /// What candidates and realignment of its reads cost, in seconds.
    pub(super) cost: f64,
}

/// The rate of each piece.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rates {
    /// The first piece of each stretch but the first, and its rate; the first stretch begins at 0.
    stretches: Vec<(usize, Rate)>,
}

impl Rates {
    /// Of draws in the order of their pieces.
    pub(super) fn of(samples: &[Sample]) -> Self {
        let mut stretches = Vec::new();
        let mut first = 0_usize;
        for end in ends(samples) {
            let before = first.checked_sub(1).map(|last| samples[last].piece);
            // Halfway between the last draw of the stretch before and the first of this one.
            let start = before.map_or(0, |before| usize::midpoint(before, samples[first].piece) + 1);
            stretches.push((start, rate(&samples[first..end])));
            first = end;
        }
        Self { stretches }
    }

    /// The rate of a piece, by its index.
    pub(super) fn at(&self, piece: usize) -> Rate {
        let after = self.stretches.partition_point(|(start, _)| *start <= piece);
        after.checked_sub(1).map_or(Rate::default(), |found| self.stretches[found].1)
    }

    /// How many there are.
    pub(super) fn stretches(&self) -> usize {
        self.stretches.len()
    }
}

/// The ends of the stretches, as indexes of draws.
fn ends(samples: &[Sample]) -> Vec<usize> {
    let mut ends = Vec::new();
    let mut open = vec![(0, samples.len())];
    while let Some((start, end)) = open.pop() {
        match best_cut(&samples[start..end]) {
            // The first part is looked at first, so that ends are in order.
            Some(cut) => open.extend([(start + cut, end), (start, start + cut)]),
            None => ends.push(end),
        }
    }
    ends
}

fn rate(samples: &[Sample]) -> Rate {
    let (exposure, cost) = sums(samples);
    Rate(cost / exposure.max(1.0))
}

fn sums(samples: &[Sample]) -> (f64, f64) {
    samples.iter().fold((0.0, 0.0), |(exposure, cost), sample| (exposure + sample.exposure, cost + sample.cost))
}

/// Where two parts of these draws differ most, if that is more than chance: by the roots of their rates, which the few draws that hold much sway less.
#[allow(clippy::cast_precision_loss, reason = "numbers of draws")]
fn best_cut(samples: &[Sample]) -> Option<usize> {
    let count = samples.len();
    if count < 2 * FEWEST {
        return None;
    }
    let roots: Vec<f64> = samples.iter().map(|sample| (sample.cost / sample.exposure.max(1.0)).sqrt()).collect();
    let total: f64 = roots.iter().sum();
    let squares: f64 = roots.iter().map(|root| root * root).sum();
    let (mut before, mut best): (f64, Option<(f64, usize)>) = (0.0, None);
    for (at, root) in roots.iter().enumerate() {
        if (FEWEST..=count - FEWEST).contains(&at) {
            let (left, right) = (at as f64, (count - at) as f64);
            let (a, b) = (before / left, (total - before) / right);
            let scatter = (squares - left * a * a - right * b * b) / (count - 2) as f64;
            let error = (scatter.max(0.0) * (1.0 / left + 1.0 / right)).sqrt();
            let errors = (a - b).abs() / error.max(f64::MIN_POSITIVE);
            let matters = (a - b).abs() > LEAST_DIFFERENCE * (a + b);
            if matters && errors > ERRORS && best.is_none_or(|(most, _)| errors > most) {
                best = Some((errors, at));
            }
        }
        before += root;
    }
    best.map(|(_, at)| at)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use rand_pcg::Pcg64;

    use super::*;

    /// Draws of pieces 0, 10, 20 ... with the number of events of 1 s that chance gives at a mean for each.
    fn samples(means: &[(usize, f64)], seed: u128) -> Vec<Sample> {
        let mut random = Pcg64::new(seed, 1);
        let mut samples = Vec::new();
        for &(count, mean) in means {
            for _ in 0..count {
                let cost = (0..100).filter(|_| random.random_bool(mean / 100.0)).count();
                let cost = f64::from(u32::try_from(cost).unwrap());
                samples.push(Sample { piece: samples.len() * 10, exposure: 1000.0, cost });
            }
        }
        samples
    }

    #[test]
    fn chance_makes_no_stretches() {
        let cut = (0..200).filter(|&seed| Rates::of(&samples(&[(100, 1.0)], seed)).stretches() > 1).count();
        assert!(cut <= 20, "{cut} of 200");
        let rates = Rates::of(&samples(&[(100, 1.0)], 1));
        assert!((rates.at(0).0 - 1e-3).abs() < 4e-4 && rates.at(0) == rates.at(5000));
    }

    #[test]
    fn stretches_are_found_where_they_are() {
        for seed in 0..20 {
            let rates = Rates::of(&samples(&[(40, 1.0), (20, 8.0), (60, 1.0)], seed));
            assert!(rates.stretches() >= 3, "{rates:?}");
            let [before, inside, after] = [200, 500, 900].map(|piece| rates.at(piece).0 * 1e3);
            assert!(before < 2.0 && after < 2.0 && inside > 6.0, "{before} {inside} {after}");
        }
    }

    #[test]
    fn few_draws_and_none_have_one_rate() {
        let rates = Rates::of(&samples(&[(5, 0.0), (5, 50.0)], 1));
        assert_eq!((rates.stretches(), rates.at(0)), (1, rates.at(99)));
        assert_eq!(Rates::of(&[]).at(3), Rate::default());
        let nothing = vec![Sample { piece: 0, exposure: 0.0, cost: 0.0 }; 40];
        assert_eq!(Rates::of(&nothing).at(0), Rate::default());
    }

    #[test]
    fn equal_draws_are_not_cut_and_unequal_ones_without_scatter_are() {
        let sample = |piece, cost| Sample { piece, exposure: 100.0, cost };
        let equal: Vec<_> = (0..40).map(|piece| sample(piece, 0.3)).collect();
        assert_eq!(Rates::of(&equal).stretches(), 1);
        let unequal: Vec<_> = (0..40).map(|piece| sample(piece, if piece < 20 { 1.0 } else { 3.0 })).collect();
        let rates = Rates::of(&unequal);
        assert_eq!((rates.stretches(), rates.at(19), rates.at(20)), (2, Rate(0.01), Rate(0.03)));
    }
}
