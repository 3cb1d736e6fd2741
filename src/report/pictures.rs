//! Calls of the lowest GQ -> pictures of their reads, gathered again as the run did.

use std::collections::BTreeMap;

use super::page::Picture;
use super::summary::ListedCall;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::{Evidence, Gatherer};
use crate::genome::{ContigId, Contigs};
use crate::pileup::{AltSet, ImageSpec, png};
use crate::predict::{Decider, Decision, Probabilities, decide};
use crate::regions::Targets;

/// What draws pictures.
pub struct Artist<'a> {
    /// Gathers the evidence, as in the run.
    pub gatherer: Gatherer,
    /// The images' shape and channels.
    pub image: &'a ImageSpec,
    /// Length of the run's regions, bp.
    pub region_size: u64,
    /// The reference's contigs.
    pub contigs: &'a Contigs,
    /// What decided before images were rendered.
    pub decider: &'a Decider,
}

impl Artist<'_> {
    /// A picture of each of the calls that is a candidate of the reads, in their order. Calls of the same region share its evidence.
    ///
    /// # Errors
    /// As [`Gatherer::gather`] and `png::encoded`.
    pub fn pictures<'c>(&mut self, calls: impl Iterator<Item = &'c ListedCall>) -> Result<Vec<Picture>> {
        let calls: Vec<&ListedCall> = calls.collect();
        let mut places: BTreeMap<ContigId, Vec<u64>> = BTreeMap::new();
        for call in &calls {
            if let Some(contig) = self.contigs.id(&call.chrom) {
                places.entry(contig).or_default().push(call.pos - 1);
            }
        }
        let mut pictures = Vec::new();
        for region in &Targets::of_positions(places.into_iter()).whole_regions(self.region_size, self.contigs) {
            let evidence = self.gatherer.gather(region)?;
            let name = &self.contigs.get(region.contig).name;
            for (order, call) in calls.iter().enumerate().filter(|(_, call)| call.chrom == *name) {
                let is_there = region.interval.contains(call.pos - 1);
                let candidate = evidence.candidates.iter().find(|c| is_there && c.position == call.pos - 1);
                if let Some(candidate) = candidate {
                    pictures.push((order, self.picture(call, candidate, &evidence)?));
                }
            }
        }
        pictures.sort_by_key(|(order, _)| *order);
        Ok(pictures.into_iter().map(|(_, picture)| picture).collect())
    }

    fn picture(&self, call: &ListedCall, candidate: &Candidate, evidence: &Evidence) -> Result<Picture> {
        let best = (0..candidate.alts.len()).max_by_key(|&alt| (candidate.alts[alt].count, candidate.alts.len() - alt));
        let set = AltSet::One(best.unwrap_or(0));
        let image = evidence.render(self.image, candidate, set);
        let title = png::title(&call.chrom, candidate, set);
        let haplotypes = png::haplotypes(self.image, &image);
        let png = png::encoded(&png::picture(self.image, &image, &title, candidate.position, &haplotypes))?;
        Ok(Picture {
            place: (call.chrom.clone(), call.pos),
            png,
            about: format!("Pileup image of {title}"),
            models: self.models(candidate, set, evidence),
        })
    }

    /// What is known of the alleles of the picture before the image.
    fn models(&self, candidate: &Candidate, set: AltSet, evidence: &Evidence) -> String {
        let numbers =
            |p: Probabilities| format!("hom-ref {:.3}, het {:.3}, hom-alt {:.3}", p.hom_ref(), p.het(), p.hom_alt());
        let mut decisions = decide(candidate, evidence, self.decider).into_iter();
        match decisions.find_map(|(of, decision)| (of == set).then_some(decision)) {
            Some(Decision::Decided(prediction)) => {
                format!("Decided by {}: {}.", prediction.predictor, numbers(prediction.probabilities))
            }
            Some(Decision::NeedsImage(undecided)) => match undecided.estimate() {
                Some((estimate, _)) => {
                    format!("The small model is not certain ({}); the CNN classified the image.", numbers(estimate))
                }
                None => "The CNN classified the image.".into(),
            },
            None => String::new(),
        }
    }
}
