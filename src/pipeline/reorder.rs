//! Predictions in any order -> the candidates of each region with theirs, in genome order; calls of given sites -> the order of these sites.

use std::collections::BTreeMap;

use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::genotype::Call;
use crate::genotype::merge::BySet;
use crate::pileup::AltSet;
use crate::predict::Prediction;

/// Calls that were asked for, by where their alleles lie, until those that were asked for before them are there too. A record and its
/// normal form lie close together, so few wait.
#[derive(Debug, Default)]
pub(super) struct AskedOrder {
    next: usize,
    waiting: BTreeMap<usize, Call>,
}

impl AskedOrder {
    /// For a run that goes on after `next` calls.
    pub(super) fn after(next: usize) -> Self {
        Self { next, waiting: BTreeMap::new() }
    }

    /// How many calls were given out; `None` where some wait.
    pub(super) fn given(&self) -> Option<usize> {
        self.waiting.is_empty().then_some(self.next)
    }

    /// Takes a call; gives those whose turn it is, as they were asked for. What nobody asked for goes through.
    pub(super) fn push(&mut self, call: Call) -> Vec<Call> {
        let Some(rank) = call.asked.as_ref().map(|asked| asked.rank) else { return vec![call] };
        self.waiting.insert(rank, call);
        let mut ready = Vec::new();
        while let Some(call) = self.waiting.remove(&self.next) {
            ready.push(call.as_asked());
            self.next += 1;
        }
        ready
    }
}

/// A candidate, its predictions, and whether the CNN classified an image of it.
pub(super) type Predicted = (Candidate, BySet, bool);

/// Regions begun and not written; the pipeline bounds how many.
#[derive(Debug, Default)]
pub(super) struct Reorder {
    next: usize,
    waiting: BTreeMap<usize, Pending>,
}

#[derive(Debug)]
struct Pending {
    candidates: Vec<Candidate>,
    results: Vec<BySet>,
    /// For each candidate whether the CNN classified an image of it.
    by_images: Vec<bool>,
    missing: usize,
}

impl Reorder {
    /// For a run that goes on with the region `next`.
    pub(super) fn after(next: usize) -> Self {
        Self { next, waiting: BTreeMap::new() }
    }

    /// The first region that is not handed out.
    pub(super) fn written(&self) -> usize {
        self.next
    }

    /// A region's candidates, which wait for `images` results.
    pub(super) fn gathered(&mut self, region: usize, candidates: Vec<Candidate>, images: usize) -> Result<()> {
        let (results, by_images) = (vec![BySet::new(); candidates.len()], vec![false; candidates.len()]);
        match self.waiting.insert(region, Pending { candidates, results, by_images, missing: images }) {
            None => Ok(()),
            Some(_) => Err(Error::Internal(format!("region {region} was gathered twice"))),
        }
    }

    /// One prediction for a region that was gathered.
    pub(super) fn predicted(
        &mut self,
        region: usize,
        candidate: usize,
        set: AltSet,
        prediction: Prediction,
    ) -> Result<()> {
        let unexpected = || Error::Internal(format!("an image of region {region} was not expected"));
        let pending = self.waiting.get_mut(&region).ok_or_else(unexpected)?;
        let results = pending.results.get_mut(candidate).ok_or_else(unexpected)?;
        pending.missing = pending.missing.checked_sub(1).ok_or_else(unexpected)?;
        pending.by_images[candidate] |= prediction.predictor.is_of_images();
        if results.insert(set, prediction.probabilities).is_some() {
            return Err(unexpected());
        }
        Ok(())
    }

    /// The next region in genome order with its candidates, their predictions, and whether any is of an image, if all are there.
    pub(super) fn next_ready(&mut self) -> Option<(usize, Vec<Predicted>)> {
        if self.waiting.get(&self.next)?.missing > 0 {
            return None;
        }
        let pending = self.waiting.remove(&self.next)?;
        let region = self.next;
        self.next += 1;
        let predicted = pending.candidates.into_iter().zip(pending.results).zip(pending.by_images);
        Some((region, predicted.map(|((candidate, by_set), by_images)| (candidate, by_set, by_images)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidates::Asked;
    use crate::genotype::{CallOptions, call};
    use crate::predict::{Predictor, Probabilities};

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        let asked = |rank: usize, position: u64| {
            let mut one = candidate(100 - position);
            let alts = vec![b"TT".to_vec()];
            one.asked = Some(Box::new(Asked { rank, position, reference: b"AT".to_vec(), alts, apart: Vec::new() }));
            call(&one, &BySet::from([(AltSet::One(0), Probabilities([0.0, 1.0, 0.0]))]), CallOptions::default())
        };
        let mut order = AskedOrder::default();
        let mut out = Vec::new();
        for (rank, position) in [(1, 8), (2, 9), (0, 7), (3, 9)] {
            out.extend(order.push(asked(rank, position)));
        }
        let places: Vec<_> = out.iter().map(|call| (call.position, call.reference.as_slice())).collect();
        assert_eq!(places, [7, 8, 9, 9].map(|position| (position, b"AT".as_slice())));
    }

    fn candidate(position: u64) -> Candidate {
        crate::testing::candidate(position, "A", &[("C", 2, &[0, 1])], 0)
    }

    const P: Prediction = Prediction { probabilities: Probabilities([0.0, 0.1, 0.9]), predictor: Predictor::Cnn };

    #[test]
    fn regions_leave_in_order_and_complete() {
        let mut reorder = Reorder::default();
        reorder.gathered(1, vec![candidate(7)], 1).unwrap();
        reorder.predicted(1, 0, AltSet::One(0), P).unwrap();
        assert!(reorder.next_ready().is_none());
        reorder.gathered(0, vec![candidate(3)], 1).unwrap();
        assert!(reorder.next_ready().is_none());
        reorder.predicted(0, 0, AltSet::One(0), P).unwrap();
        let positions: Vec<_> = std::iter::from_fn(|| reorder.next_ready())
            .map(|(region, predicted)| (region, predicted[0].0.position))
            .collect();
        assert_eq!(positions, [(0, 3), (1, 7)]);
        assert_eq!(reorder.written(), 2);
    }

    #[test]
    fn a_result_comes_once() {
        let mut reorder = Reorder::default();
        reorder.gathered(0, vec![candidate(3)], 1).unwrap();
        reorder.predicted(0, 0, AltSet::One(0), P).unwrap();
        assert!(reorder.predicted(0, 0, AltSet::One(0), P).is_err());
        assert!(reorder.predicted(5, 0, AltSet::One(0), P).is_err());
    }
}
