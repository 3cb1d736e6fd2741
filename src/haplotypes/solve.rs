//! Heterozygous sites with the alleles that fragments show ([`Shown`]) -> the phase of each site and the haplotype of each fragment
//! ([`Solution`]).
//!
//! The orientation of a site says which of its two alleles lies on haplotype 1. Orientations are sought that make the fragments most probable, if each
//! lies on one haplotype and shows wrong alleles at the rates of their qualities: the weighted minimum error correction of
//! Patterson et al. (J Comput Biol 22:498, 2015), in its likelihood form (Edge et al., Genome Res 27:801, 2017, `HapCUT2`), by local search:
//!
//! 1. Left to right, a site joins the blocks to which its fragments bind it, and by that joins these blocks ([`Builder`]).
//! 2. In each block, single sites and all sites behind a place are turned over as long as that makes the fragments more probable ([`Block::refine`]).
//! 3. Sites of which the fragments do not tell the phase leave the block, and it is cut where they do not tell how its two sides belong together.
//!
//! All sums are taken in the order of sites and fragments, so equal input gives equal results.

use rustc_hash::FxHashMap;

use super::block::{Block, bounded};
use super::matrix::{Entry, Matrix, Shown, agreement};

/// A site's place in its phase set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SitePhase {
    /// Index of the first site of the phase set.
    pub set: usize,
    /// Whether the second allele lies on haplotype 1.
    pub swapped: bool,
}

/// A fragment's haplotype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FragmentPhase {
    /// The fragment's number.
    pub fragment: u64,
    /// Index of the first site of its phase set.
    pub set: usize,
    /// 1 or 2.
    pub haplotype: u8,
    /// Natural logarithm of the odds that it is this one.
    pub log_odds: f64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Solution {
    /// One for each site; `None` where its phase is not known.
    pub sites: Vec<Option<SitePhase>>,
    /// The fragments whose haplotype is known, each in one phase set, in the order in which they are first seen.
    pub fragments: Vec<FragmentPhase>,
}

/// Sites before a site that are looked at to tell a fragment's haplotype there; more say nothing new.
const SITES_BEFORE: usize = 64;

/// Phases sites in the order of their positions. `least` is the least natural logarithm of the odds at which a phase is believed.
#[must_use]
pub fn solve(sites: &[Vec<Shown>], least: f64) -> Solution {
    let matrix = Matrix::new(sites);
    let mut found = Solution { sites: vec![None; sites.len()], fragments: Vec::new() };
    let mut of_fragments: Vec<Option<FragmentPhase>> = vec![None; matrix.fragments.len()];
    for (sites, orientations) in Builder::blocks(&matrix, least) {
        for set in Block::new(&matrix, sites, orientations).solve(least) {
            let first = set.sites[0];
            for (&site, &orientation) in set.sites.iter().zip(&set.orientations) {
                found.sites[site] = Some(SitePhase { set: first, swapped: orientation < 0.0 });
            }
            for (fragment, log_odds) in set.fragments {
                let known = of_fragments[fragment].map_or(0.0, |known| known.log_odds);
                if log_odds.abs() > known {
                    let haplotype = if log_odds > 0.0 { 1 } else { 2 };
                    let number = matrix.numbers[fragment];
                    of_fragments[fragment] =
                        Some(FragmentPhase { fragment: number, set: first, haplotype, log_odds: log_odds.abs() });
                }
            }
        }
    }
    found.fragments = of_fragments.into_iter().flatten().collect();
    found
}

/// The phase of a site that binds nothing itself, by the haplotypes of fragments, which are in `found`; `site` is its index.
#[must_use]
pub fn attach(site: usize, shown: &[Shown], found: &FxHashMap<u64, FragmentPhase>, least: f64) -> Option<SitePhase> {
    let matrix = Matrix::new(&[shown.to_vec()]);
    let mut scores: Vec<(usize, f64)> = Vec::new();
    for &(fragment, weight) in &matrix.sites[0] {
        // A phase set is named by its first site, so none may be added before that.
        let Some(known) = found.get(&matrix.numbers[fragment]).filter(|known| known.set < site) else { continue };
        let log_odds = bounded(if known.haplotype == 1 { known.log_odds } else { -known.log_odds });
        let score = agreement(log_odds, weight);
        match scores.iter_mut().find(|(set, _)| *set == known.set) {
            Some((_, sum)) => *sum += score,
            None => scores.push((known.set, score)),
        }
    }
    let best = scores.into_iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()).then(b.0.cmp(&a.0)));
    best.filter(|(_, score)| score.abs() >= least).map(|(set, score)| SitePhase { set, swapped: score < 0.0 })
}

/// Sites that are bound to each other so far.
struct Builder {
    /// The block of each site: that of the first site of those joined to it, followed to its end.
    block: Vec<usize>,
    /// Orientation of each site relative to its block's.
    orientation: Vec<f64>,
    /// Sites of each block, by its first site.
    members: Vec<Vec<usize>>,
}

impl Builder {
    /// Blocks of two sites and more, with their orientations.
    fn blocks(matrix: &Matrix, least: f64) -> Vec<(Vec<usize>, Vec<f64>)> {
        let n = matrix.sites.len();
        let mut this = Self {
            block: (0..n).collect(),
            orientation: vec![1.0; n],
            members: (0..n).map(|site| vec![site]).collect(),
        };
        for (site, shown) in matrix.sites.iter().enumerate() {
            let mut scores: Vec<(usize, f64)> = Vec::new();
            for &(fragment, weight) in shown {
                for (block, log_odds) in this.before(&matrix.fragments[fragment], site) {
                    let score = agreement(log_odds, weight);
                    match scores.iter_mut().find(|(of, _)| *of == block) {
                        Some((_, sum)) => *sum += score,
                        None => scores.push((block, score)),
                    }
                }
            }
            scores.retain(|(_, score)| score.abs() >= least);
            scores.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            for (block, score) in scores {
                this.join(block, this.block[site], score * this.orientation[site]);
            }
        }
        this.join_blocks(matrix, least);
        let found = std::mem::take(&mut this.members).into_iter().filter(|members| members.len() > 1);
        found
            .map(|mut members| {
                members.sort_unstable();
                let orientations = members.iter().map(|&site| this.orientation[site]).collect();
                (members, orientations)
            })
            .collect()
    }

    /// What the sites before `site` say of a fragment, block by block.
    fn before(&self, entries: &[Entry], site: usize) -> Vec<(usize, f64)> {
        let here = entries.partition_point(|entry| entry.site < site);
        self.by_block(&entries[here.saturating_sub(SITES_BEFORE)..here])
    }

    fn by_block(&self, entries: &[Entry]) -> Vec<(usize, f64)> {
        let mut found: Vec<(usize, f64)> = Vec::new();
        for entry in entries {
            let (block, log_odds) = (self.block[entry.site], self.orientation[entry.site] * entry.weight);
            match found.iter_mut().find(|(of, _)| *of == block) {
                Some((_, sum)) => *sum += log_odds,
                None => found.push((block, log_odds)),
            }
        }
        found
    }

    /// Joins two blocks; `sign` says whether in the same or in opposite orientations.
    fn join(&mut self, a: usize, b: usize, sign: f64) {
        if a == b {
            return;
        }
        let (into, from) = (a.min(b), a.max(b));
        for site in std::mem::take(&mut self.members[from]) {
            self.block[site] = into;
            self.orientation[site] *= sign.signum();
            self.members[into].push(site);
        }
    }

    /// Joins blocks that fragments bind to each other by several sites, none of which was enough alone.
    fn join_blocks(&mut self, matrix: &Matrix, least: f64) {
        let mut scores: FxHashMap<(usize, usize), f64> = FxHashMap::default();
        for entries in matrix.fragments.iter().filter(|entries| entries.len() > 1) {
            let of_blocks = self.by_block(entries);
            for (i, &(a, of_a)) in of_blocks.iter().enumerate() {
                for &(b, of_b) in &of_blocks[i + 1..] {
                    *scores.entry((a.min(b), a.max(b))).or_default() += agreement(of_a, of_b);
                }
            }
        }
        let mut scores: Vec<_> = scores.into_iter().filter(|(_, score)| score.abs() >= least).collect();
        scores.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        for ((a, b), score) in scores {
            // By way of their first sites, since either may have been joined to others by now.
            let sign = score * self.orientation[a] * self.orientation[b];
            self.join(self.block[a], self.block[b], sign);
        }
    }
}
