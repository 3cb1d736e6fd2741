//! Candidates -> what pictures of the least certain ones are drawn from, kept while their reads are at hand.
//!
//! Which calls are the least certain is known at the end of a run only, so this keeps a few more: candidates of one alternative allele, as how certain
//! a call of several is follows from several images. A call that it has not kept is gathered again by who draws it: pictures do not depend on it.

use std::sync::{Mutex, PoisonError};

use crate::candidates::Candidate;
use crate::genome::ContigId;
use crate::pileup::{AltSet, PileupImage};
use crate::predict::small::certainty;
use crate::predict::{Decision, Probabilities};

/// Most candidates that are kept of those that seem to be variants, and of those that do not: more than are shown. An image of
/// `models/wgs` has 66 kB.
const MOST: [usize; 2] = [16, 8];

/// Candidates as certain as this, Phred, are not kept: most of a run's are. Where the least certain calls are too, the run is short, and they are
/// gathered again.
const SURE: f64 = 40.0;

/// What a picture of a candidate is drawn from.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// The candidate's contig.
    pub contig: ContigId,
    /// The candidate.
    pub candidate: Candidate,
    /// The allele that is drawn.
    pub set: AltSet,
    /// The image of that allele.
    pub image: PileupImage,
    /// What was decided of it before the image.
    pub decision: Decision,
}

/// A candidate that is kept.
struct Kept {
    certainty: f64,
    sketch: Sketch,
}

/// The candidates that are kept: those that seem to be variants, and the others; the least certain first.
#[derive(Default)]
pub struct Sketches(Mutex<[Vec<Kept>; 2]>);

impl Sketches {
    /// Keeps a candidate with such probabilities where it is one of the least certain so far.
    pub(super) fn offer(&self, probabilities: Probabilities, sketch: impl FnOnce() -> Sketch) {
        let kind = usize::from(probabilities.hom_ref() >= probabilities.het().max(probabilities.hom_alt()));
        let certainty = certainty(probabilities);
        if certainty >= SURE || !self.is_wanted(kind, certainty) {
            return;
        }
        // Other workers go on meanwhile.
        let sketch = sketch();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept[kind].partition_point(|other| other.certainty <= certainty);
        kept[kind].insert(at, Kept { certainty, sketch });
        kept[kind].truncate(MOST[kind]);
    }

    fn is_wanted(&self, kind: usize, certainty: f64) -> bool {
        let kept = &self.0.lock().unwrap_or_else(PoisonError::into_inner)[kind];
        kept.len() < MOST[kind] || kept.last().is_some_and(|last| certainty < last.certainty)
    }

    /// What is kept of the candidate at a position, 0-based.
    #[must_use]
    pub fn of(&self, contig: ContigId, position: u64) -> Option<Sketch> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sketches = kept.iter().flatten().map(|kept| &kept.sketch);
        sketches.find(|sketch| sketch.contig == contig && sketch.candidate.position == position).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::ImageShape;
    use crate::predict::{Prediction, Predictor};

    fn sketch(contig: ContigId, position: u64, probabilities: Probabilities) -> Sketch {
        Sketch {
            contig,
            candidate: crate::testing::candidate(position, "A", &[("C", 9, &[])], 9),
            set: AltSet::One(0),
            image: PileupImage::empty(ImageShape { height: 1, width: 1, channels: 1 }),
            decision: Decision::Decided(Prediction { probabilities, predictor: Predictor::SmallModel }),
        }
    }

    #[test]
    fn the_least_certain_of_each_kind_are_kept() {
        let sketches = Sketches::default();
        for position in 0..200_u32 {
            let sure = 0.5 + 0.002 * f64::from(position);
            for (contig, probabilities) in [[0.0, sure, 1.0 - sure], [sure, 1.0 - sure, 0.0]].into_iter().enumerate() {
                let probabilities = Probabilities(probabilities);
                sketches.offer(probabilities, || sketch(ContigId(contig), u64::from(position), probabilities));
            }
        }
        let sketches = &sketches;
        let kept = |contig| (0..200).filter(move |&position| sketches.of(ContigId(contig), position).is_some());
        assert!(kept(0).eq(0..16) && kept(1).eq(0..8), "{:?}", kept(0).collect::<Vec<_>>());
        let sure = Probabilities([0.0, 1.0, 0.0]);
        sketches.offer(sure, || panic!("it is sure"));
        Sketches::default().offer(sure, || panic!("it is sure, though there is no other"));
        assert_eq!(sketches.of(ContigId(1), 3).map(|sketch| sketch.candidate.position), Some(3));
    }
}
