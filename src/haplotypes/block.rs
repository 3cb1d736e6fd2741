//! The sites of one block with their orientations -> the phase sets that it consists of.

use super::matrix::{Matrix, agreement};

/// Highest natural logarithm of the odds with which a fragment is of a haplotype: one in a thousand is misplaced or of two molecules.
const MOST_LOG_ODDS: f64 = 7.0;
/// Rounds of turning sites over; a few are enough.
const MOST_ROUNDS: usize = 12;

/// Sites that fragments bind to each other.
pub(super) struct Block<'a> {
    matrix: &'a Matrix,
    /// Indexes of the sites, ascending.
    sites: Vec<usize>,
    /// 1 where a site's first allele lies on haplotype 1, -1 where its second does.
    orientations: Vec<f64>,
    /// For each site of the block its fragments, numbered here, with their weights.
    shown: Vec<Vec<(usize, f64)>>,
    /// For each fragment the first and the last of the block's sites at which it shows an allele.
    spans: Vec<(usize, usize)>,
    /// The fragments' indexes in the matrix.
    fragments: Vec<usize>,
}

/// Sites whose phases belong together.
pub(super) struct PhaseSet {
    /// Indexes of the sites, ascending, two at least.
    pub(super) sites: Vec<usize>,
    /// 1 where a site's first allele lies on haplotype 1, -1 where its second does. The first site has 1.
    pub(super) orientations: Vec<f64>,
    /// Indexes of fragments with the log odds that they are of haplotype 1.
    pub(super) fragments: Vec<(usize, f64)>,
}

pub(super) fn bounded(log_odds: f64) -> f64 {
    log_odds.clamp(-MOST_LOG_ODDS, MOST_LOG_ODDS)
}

impl<'a> Block<'a> {
    pub(super) fn new(matrix: &'a Matrix, sites: Vec<usize>, orientations: Vec<f64>) -> Self {
        let mut here: Vec<(usize, usize)> = Vec::new();
        for (slot, &site) in sites.iter().enumerate() {
            here.extend(matrix.sites[site].iter().map(|&(fragment, _)| (fragment, slot)));
        }
        here.sort_unstable();
        let (mut fragments, mut spans) = (Vec::new(), Vec::new());
        for same in here.chunk_by(|a, b| a.0 == b.0) {
            fragments.push(same[0].0);
            spans.push((same[0].1, same[same.len() - 1].1));
        }
        let number = |fragment: usize| fragments.partition_point(|&other| other < fragment);
        let shown = sites
            .iter()
            .map(|&site| matrix.sites[site].iter().map(|&(fragment, weight)| (number(fragment), weight)).collect())
            .collect();
        Self { matrix, sites, orientations, shown, spans, fragments }
    }

    /// The phase sets.
    pub(super) fn solve(mut self, least: f64) -> Vec<PhaseSet> {
        self.refine();
        let scores = self.site_scores();
        let keeps: Vec<usize> = (0..self.sites.len()).filter(|&slot| scores[slot] >= least).collect();
        if keeps.len() < self.sites.len() {
            let sites = keeps.iter().map(|&slot| self.sites[slot]).collect();
            let orientations = keeps.iter().map(|&slot| self.orientations[slot]).collect();
            self = Self::new(self.matrix, sites, orientations);
        }
        let cuts =
            self.gap_scores().into_iter().enumerate().filter(|(_, score)| *score < least).map(|(gap, _)| gap + 1);
        let mut bounds: Vec<usize> = std::iter::once(0).chain(cuts).collect();
        bounds.push(self.sites.len());
        let parts = bounds.windows(2).filter(|bounds| bounds[1] - bounds[0] > 1);
        parts.map(|bounds| self.part(bounds[0], bounds[1])).collect()
    }

    /// Turns sites over as long as that makes the fragments more probable.
    fn refine(&mut self) {
        for _ in 0..MOST_ROUNDS {
            let sites = self.turn_sites();
            let tails = self.turn_tails();
            if !sites && !tails {
                break;
            }
        }
    }

    /// The log odds of each fragment that it is of haplotype 1, by all sites.
    fn totals(&self) -> Vec<f64> {
        let mut totals = vec![0.0; self.fragments.len()];
        for (shown, orientation) in self.shown.iter().zip(&self.orientations) {
            for &(fragment, weight) in shown {
                totals[fragment] += orientation * weight;
            }
        }
        totals
    }

    /// Log odds of a site's orientation against the opposite one, by what all others say of its fragments.
    fn site_score(&self, slot: usize, totals: &[f64]) -> f64 {
        let score = |&(fragment, weight): &(usize, f64)| {
            let own = self.orientations[slot] * weight;
            agreement(bounded(totals[fragment] - own), own)
        };
        self.shown[slot].iter().map(score).sum()
    }

    fn site_scores(&self) -> Vec<f64> {
        let totals = self.totals();
        (0..self.sites.len()).map(|slot| self.site_score(slot, &totals)).collect()
    }

    fn turn_sites(&mut self) -> bool {
        let mut totals = self.totals();
        let mut changed = false;
        for slot in 0..self.sites.len() {
            if self.site_score(slot, &totals) < 0.0 {
                self.orientations[slot] = -self.orientations[slot];
                let twice = 2.0 * self.orientations[slot];
                for &(fragment, weight) in &self.shown[slot] {
                    totals[fragment] += twice * weight;
                }
                changed = true;
            }
        }
        changed
    }

    /// Goes along the gaps between neighbouring sites, with what the sites to the left say of each fragment and what all do. `visit` gets the
    /// log odds of the two sides of a gap belonging together as they are, and returns whether all sites to the right are turned over. Returns the
    /// orientations then.
    fn sweep(&self, mut visit: impl FnMut(f64) -> bool) -> Vec<f64> {
        let totals = self.totals();
        // As they were, and as they are now.
        let (mut before, mut now) = (vec![0.0; totals.len()], vec![0.0; totals.len()]);
        let mut open: Vec<usize> = Vec::new();
        let mut sign = 1.0;
        let mut orientations = self.orientations.clone();
        for (slot, shown) in self.shown.iter().enumerate() {
            orientations[slot] *= sign;
            for &(fragment, weight) in shown {
                before[fragment] += self.orientations[slot] * weight;
                now[fragment] += orientations[slot] * weight;
                if self.spans[fragment].0 == slot && self.spans[fragment].1 > slot {
                    open.push(fragment);
                }
            }
            if slot + 1 == self.sites.len() {
                break;
            }
            open.retain(|&fragment| self.spans[fragment].1 > slot);
            let of_fragment = |&fragment: &usize| {
                agreement(bounded(now[fragment]), bounded(sign * (totals[fragment] - before[fragment])))
            };
            let score: f64 = open.iter().map(of_fragment).sum();
            if visit(score) {
                sign = -sign;
            }
        }
        orientations
    }

    fn turn_tails(&mut self) -> bool {
        let mut changed = false;
        self.orientations = self.sweep(|score| {
            changed |= score < 0.0;
            score < 0.0
        });
        changed
    }

    fn gap_scores(&self) -> Vec<f64> {
        let mut scores = Vec::new();
        self.sweep(|score| {
            scores.push(score);
            false
        });
        scores
    }

    fn part(&self, from: usize, to: usize) -> PhaseSet {
        let first = self.orientations[from];
        let orientations: Vec<f64> =
            self.orientations[from..to].iter().map(|orientation| orientation * first).collect();
        let mut log_odds = vec![0.0; self.fragments.len()];
        for (shown, orientation) in self.shown[from..to].iter().zip(&orientations) {
            for &(fragment, weight) in shown {
                log_odds[fragment] += orientation * weight;
            }
        }
        let fragments = self.fragments.iter().copied().zip(log_odds).filter(|(_, log_odds)| *log_odds != 0.0);
        PhaseSet { sites: self.sites[from..to].to_vec(), orientations, fragments: fragments.collect() }
    }
}
