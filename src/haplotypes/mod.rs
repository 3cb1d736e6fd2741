//! [`Call`]s in genome order with the alleles that fragments show -> the same calls, phased; and the haplotype of each fragment
//! ([`FragmentTag`]).
//!
//! ```text
//! Call -> Phaser: waits until no fragment reaches on -> solve: orientations of sites, phase sets -> Call with its phase set -> Mnps: joined SNPs
//! ```
//!
//! Heterozygous calls are gathered as long as a fragment that shows an allele at one of them may show one at the next ([`Phaser`]); then the
//! window is solved as a whole (`solve`). What is found depends on calls and fragments alone, not on regions or threads.
//!
//! # Memory
//! The calls of one window with, for each heterozygous one, 16 bytes for each fragment. A window ends at multiples of
//! [`PhaseOptions::cut`], which end phase sets too, so that a genome that is called in chunks has the same ones; and after [`MOST_SITES`] sites.

mod block;
mod matrix;
pub(crate) mod mnps;
pub(crate) mod solve;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rustc_hash::FxHashMap;

use crate::evidence::FragmentAllele;
use crate::genome::ContigId;
use crate::genotype::{Call, Filter};
use crate::variant::Genotype;
use matrix::Shown;
use solve::{attach, solve};

pub use mnps::Mnps;

/// Phase sets end at multiples of this, in bp.
pub const DEFAULT_CUT: u64 = 10_000_000;
/// Least Phred-scaled probability that a phase is right.
pub const DEFAULT_MIN_QUALITY: f64 = 10.0;
/// Least GQ of a call that binds others to each other, Phred. One that is heterozygous by mistake shows the same alleles on both haplotypes, or errors
/// that depend on more than the haplotype, and would join what does not belong together; it only gets a phase.
pub const MIN_BINDING_QUALITY: i32 = 20;
/// Most heterozygous calls of a window.
pub const MOST_SITES: usize = 20_000;

/// How calls are phased.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhaseOptions {
    /// Phase sets end at multiples of this, in bp.
    pub cut: u64,
    /// Least Phred-scaled probability that a site's phase is right, and that two parts of a phase set belong together as they are.
    pub min_quality: f64,
    /// SNPs at most this far from each other, in bp, are joined if fragments show them together; 0 joins none.
    pub join_snps_within: u64,
}

impl Default for PhaseOptions {
    fn default() -> Self {
        Self { cut: DEFAULT_CUT, min_quality: DEFAULT_MIN_QUALITY, join_snps_within: 0 }
    }
}

/// The haplotype of a fragment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FragmentTag {
    /// Its number.
    pub fragment: u64,
    /// The contig.
    pub contig: ContigId,
    /// Position behind which it shows nothing more, 0-based.
    pub end: u64,
    /// The phase set: position of its first variant as it is written, 0-based.
    pub phase_set: u64,
    /// Where that variant lies, 0-based.
    pub position: u64,
    /// 1 or 2.
    pub haplotype: u8,
    /// Natural logarithm of the odds that it is this one.
    pub log_odds: f64,
}

/// Calls that are final, in genome order, and what was found of fragments.
#[derive(Debug, Default)]
pub struct Phased {
    /// The calls.
    pub calls: Vec<Call>,
    /// The fragments.
    pub fragments: Vec<FragmentTag>,
}

/// Holds calls back until the fragments that phase them are known.
#[derive(Debug)]
pub struct Phaser {
    options: PhaseOptions,
    waiting: VecDeque<Call>,
    /// Indexes in `waiting` of the heterozygous calls.
    sites: Vec<usize>,
    /// Position behind which no fragment of these shows anything.
    reach: u64,
}

impl Phaser {
    /// Phases by these options.
    #[must_use]
    pub fn new(options: PhaseOptions) -> Self {
        Self { options, waiting: VecDeque::new(), sites: Vec::new(), reach: 0 }
    }

    /// Takes the next call; gives those that are final. A call that is not to be phased (`phase`) passes through in its place.
    pub fn push(&mut self, call: Call, phase: bool) -> Phased {
        let mut done = self.advance((call.contig, call.position));
        let is_site = phase && heterozygous(&call).is_some() && !call.fragments.is_empty();
        if is_site {
            let end = |shown: &FragmentAllele| call.position + u64::from(shown.ahead);
            self.reach = call.fragments.iter().map(end).fold(self.reach, u64::max);
            self.sites.push(self.waiting.len());
        } else if self.sites.is_empty() {
            done.calls.push(call);
            return done;
        }
        self.waiting.push_back(call);
        done
    }

    /// Gives the calls that are final if all that follow begin at `next` or later.
    pub fn advance(&mut self, next: (ContigId, u64)) -> Phased {
        let Some(first) = self.first_waiting() else { return Phased::default() };
        let cut = |position: u64| position / self.options.cut.max(1);
        let goes_on = first.contig == next.0
            && next.1 < self.reach
            && cut(first.position) == cut(next.1)
            && self.sites.len() < MOST_SITES;
        if goes_on { Phased::default() } else { self.finish() }
    }

    /// The first call that waits.
    #[must_use]
    pub fn first_waiting(&self) -> Option<&Call> {
        self.waiting.front()
    }

    /// Gives the calls that still wait.
    pub fn finish(&mut self) -> Phased {
        let sites = std::mem::take(&mut self.sites);
        let mut calls: Vec<Call> = std::mem::take(&mut self.waiting).into();
        self.reach = 0;
        let shown: Vec<Vec<Shown>> = sites.iter().map(|&site| shown(&calls[site])).collect();
        let least = self.options.min_quality * std::f64::consts::LN_10 / 10.0;
        let is_sure = |site: usize| calls[site].genotype_quality >= MIN_BINDING_QUALITY;
        let binding = |(&site, shown): (&usize, &Vec<Shown>)| if is_sure(site) { shown.clone() } else { Vec::new() };
        let mut solution = solve(&sites.iter().zip(&shown).map(binding).collect::<Vec<_>>(), least);
        let known = solution.fragments.iter().map(|found| (found.fragment, *found)).collect();
        for (index, shown) in shown.iter().enumerate().filter(|&(index, _)| !is_sure(sites[index])) {
            solution.sites[index] = attach(index, shown, &known, least);
        }
        let names = names(&calls, &sites, &solution);
        let fragments =
            if solution.fragments.is_empty() { Vec::new() } else { tags(&calls, &sites, &solution, &names) };
        for (&site, phase) in sites.iter().zip(&solution.sites) {
            let Some(phase) = phase else { continue };
            let set = name(&names, phase.set, &calls, &sites);
            let call = &mut calls[site];
            if let Some((first, second)) = heterozygous(call) {
                let (first, second) = if phase.swapped { (second, first) } else { (first, second) };
                (call.genotype, call.phase_set) = (Some(Genotype::Diploid(first, second)), Some(set));
            }
        }
        Phased { calls, fragments }
    }
}

/// Phase sets, by the number of their first site, with the positions that they are named by.
type Names = FxHashMap<usize, u64>;

/// Names phase sets by the positions at which their first variants are written. Records that were asked for may be written at one position and
/// yet be of two sets; then one is named by its next variant.
fn names(calls: &[Call], sites: &[usize], solution: &solve::Solution) -> Names {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (site, phase) in solution.sites.iter().enumerate() {
        if let Some(phase) = phase {
            members.entry(phase.set).or_default().push(site);
        }
    }
    let mut taken = BTreeSet::new();
    let named = |(set, members): (usize, Vec<usize>)| {
        let positions = members.iter().map(|&site| calls[sites[site]].written_position());
        let free = positions.into_iter().find(|position| taken.insert(*position));
        (set, free.unwrap_or(calls[sites[set]].position))
    };
    members.into_iter().map(named).collect()
}

fn name(names: &Names, set: usize, calls: &[Call], sites: &[usize]) -> u64 {
    names.get(&set).copied().unwrap_or(calls[sites[set]].position)
}

/// The haplotypes of fragments over the calls `sites`.
fn tags(calls: &[Call], sites: &[usize], solution: &solve::Solution, names: &Names) -> Vec<FragmentTag> {
    let mut ends: FxHashMap<u64, u64> = FxHashMap::default();
    for call in sites.iter().map(|&site| &calls[site]) {
        for shown in &call.fragments {
            let end = ends.entry(shown.fragment).or_default();
            *end = (*end).max(call.position + u64::from(shown.ahead));
        }
    }
    let tag = |found: &solve::FragmentPhase| {
        let first = &calls[sites[found.set]];
        FragmentTag {
            fragment: found.fragment,
            contig: first.contig,
            end: ends.get(&found.fragment).copied().unwrap_or(0),
            phase_set: name(names, found.set, calls, sites),
            position: first.position,
            haplotype: found.haplotype,
            log_odds: found.log_odds,
        }
    };
    solution.fragments.iter().map(tag).collect()
}

/// The two alleles of a heterozygous variant of two copies.
fn heterozygous(call: &Call) -> Option<(usize, usize)> {
    match call.genotype {
        Some(Genotype::Diploid(a, b)) if a != b && !call.haploid && call.filter == Filter::Pass => Some((a, b)),
        _ => None,
    }
}

/// What fragments show of the two alleles of a heterozygous call.
fn shown(call: &Call) -> Vec<Shown> {
    let Some((first, second)) = heterozygous(call) else { return Vec::new() };
    let of_fragment = |shown: &FragmentAllele| {
        let allele = usize::from(shown.allele);
        let error = 10.0_f64.powf(-f64::from(shown.quality) / 10.0);
        (allele == first || allele == second).then_some(Shown {
            fragment: shown.fragment,
            second: allele == second,
            error,
        })
    };
    call.fragments.iter().filter_map(of_fragment).collect()
}

#[cfg(test)]
mod tests;
