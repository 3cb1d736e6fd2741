//! Calls of the lowest GQ -> pictures of their reads, as the run had them.

use std::collections::BTreeMap;

use super::page::Picture;
use super::summary::ListedCall;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::Gatherer;
use crate::genome::{ContigId, Contigs};
use crate::pileup::{AltSet, ImageSpec, png};
use crate::pipeline::sketches::{Sketch, Sketches};
use crate::predict::{Decider, Decision, Probabilities, decide};
use crate::regions::Targets;

/// What draws pictures.
pub struct Artist<'a> {
    /// What the run kept.
    pub sketches: &'a Sketches,
    /// Gathers the evidence of what it has not kept, as in the run.
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
    /// A picture of each of the calls that is a candidate of the reads, in their order.
    ///
    /// # Errors
    /// As [`Gatherer::gather`] and `png::encoded`.
    pub fn pictures<'c>(&mut self, calls: impl Iterator<Item = &'c ListedCall>) -> Result<Vec<Picture>> {
        let calls: Vec<(&ListedCall, ContigId)> =
            calls.filter_map(|call| Some((call, self.contigs.id(&call.chrom)?))).collect();
        let mut sketches: Vec<_> = calls.iter().map(|&(call, contig)| self.sketches.of(contig, call.pos - 1)).collect();
        self.gather(&calls, &mut sketches)?;
        let drawn = calls.iter().zip(sketches).filter_map(|((call, _), sketch)| Some(self.picture(call, sketch?)));
        drawn.collect()
    }

    /// Gathers what is missing. Calls of the same region share its evidence.
    fn gather(&mut self, calls: &[(&ListedCall, ContigId)], sketches: &mut [Option<Sketch>]) -> Result<()> {
        let mut places: BTreeMap<ContigId, Vec<u64>> = BTreeMap::new();
        for (&(call, contig), _) in calls.iter().zip(&*sketches).filter(|(_, sketch)| sketch.is_none()) {
            places.entry(contig).or_default().push(call.pos - 1);
        }
        for region in &Targets::of_positions(places.into_iter()).whole_regions(self.region_size, self.contigs) {
            let evidence = self.gatherer.gather(region)?;
            let is_there =
                |call: &ListedCall, contig| contig == region.contig && region.interval.contains(call.pos - 1);
            let missing = calls.iter().zip(&mut *sketches);
            for (&(call, _), sketch) in
                missing.filter(|((call, contig), sketch)| sketch.is_none() && is_there(call, *contig))
            {
                let candidate = evidence.candidates.iter().find(|candidate| candidate.position == call.pos - 1);
                *sketch = candidate.and_then(|candidate| {
                    let set = drawn(candidate);
                    let decisions = decide(candidate, &evidence, self.decider);
                    let decision = decisions.into_iter().find_map(|(of, decision)| (of == set).then_some(decision))?;
                    let image = evidence.render(self.image, candidate, set);
                    Some(Sketch { contig: region.contig, candidate: candidate.clone(), set, image, decision })
                });
            }
        }
        Ok(())
    }

    fn picture(&self, call: &ListedCall, sketch: Sketch) -> Result<Picture> {
        let Sketch { candidate, set, image, decision, .. } = sketch;
        let title = png::title(&call.chrom, &candidate, set);
        let image = image.without_empty_rows();
        let haplotypes = png::haplotypes(self.image, &image);
        let png = png::encoded(&png::picture(self.image, &image, &title, candidate.position, &haplotypes))?;
        Ok(Picture {
            place: (call.chrom.clone(), call.pos),
            png,
            about: format!("Pileup image of {title}"),
            models: models(&decision),
        })
    }
}

/// The alternative allele that most reads support, the first of equals.
fn drawn(candidate: &Candidate) -> AltSet {
    let n = candidate.alts.len();
    AltSet::One((0..n).max_by_key(|&alt| (candidate.alts[alt].count, n - alt)).unwrap_or(0))
}

/// What is known of the alleles of a picture before the image.
fn models(decision: &Decision) -> String {
    let numbers =
        |p: Probabilities| format!("hom-ref {:.3}, het {:.3}, hom-alt {:.3}", p.hom_ref(), p.het(), p.hom_alt());
    match decision {
        Decision::Decided(prediction) => {
            format!("Decided by {}: {}.", prediction.predictor, numbers(prediction.probabilities))
        }
        Decision::NeedsImage(undecided) => match undecided.estimate() {
            Some((estimate, _)) => {
                format!("The small model is not certain ({}); the CNN classified the image.", numbers(estimate))
            }
            None => "The CNN classified the image.".into(),
        },
    }
}
