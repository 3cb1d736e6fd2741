//! The candidates and reads of a padded region -> the reads with their haplotypes, and the phases of the candidates' alleles.

use std::collections::HashMap;

use crate::alleles::{self, AlleleCounts, CountOptions};
use crate::candidates::Candidate;
use crate::genome::ReferenceWindow;
use crate::phase::{self, PhasingOptions, ReadNumbers, SitePhase};
use crate::reads::Read;

/// What phasing found of a padded region; nothing where reads are not phased.
#[derive(Default)]
pub(super) struct Phased {
    /// Its candidates by position, with their phases.
    sites: Option<HashMap<u64, (Candidate, SitePhase)>>,
}

impl Phased {
    /// Phases the reads by all candidates of the interval of `counts`, and gives them their haplotypes.
    pub(super) fn new(
        candidates: Vec<Candidate>,
        reads: &mut [Read],
        counts: &AlleleCounts,
        (reference, count): (&ReferenceWindow, CountOptions),
        options: &PhasingOptions,
    ) -> Self {
        let positions: Vec<u64> = candidates.iter().map(|candidate| candidate.position).collect();
        let of_reference = alleles::reference_reads(&positions, reads, reference, count);
        let numbers = ReadNumbers::new(reads);
        let sites = phase::sites(&candidates, counts, &of_reference, &numbers);
        let phasing = phase::phase(&sites, numbers.count(), options);
        for (index, read) in (0..).zip(reads) {
            // Tags of the file are of another phasing.
            read.haplotype = phasing.reads.get(numbers.of(index) as usize).copied().unwrap_or(0);
        }
        let sites = candidates
            .into_iter()
            .zip(phasing.sites)
            .map(|(candidate, phase)| (candidate.position, (candidate, phase)));
        Self { sites: Some(sites.collect()) }
    }

    /// The phases of these candidates, which are those that were phased; of others, which were asked for, nothing is known.
    pub(super) fn of(&self, candidates: &[Candidate]) -> Vec<SitePhase> {
        let Some(sites) = &self.sites else { return Vec::new() };
        let phase = |candidate: &Candidate| {
            let same = |known: &Candidate| {
                let bases =
                    |candidate: &Candidate| candidate.alts.iter().map(|alt| alt.bases.clone()).collect::<Vec<_>>();
                known.reference == candidate.reference && bases(known) == bases(candidate)
            };
            let unknown = || SitePhase { alleles: vec![0; candidate.alts.len() + 1], starts_block: false };
            let known = sites.get(&candidate.position).filter(|(known, _)| same(known));
            known.map_or_else(unknown, |(_, phase)| phase.clone())
        };
        candidates.iter().map(phase).collect()
    }
}
