//! A model's small model, of either kind: varpix's own, or one of DeepVariant's.

use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::model::Model;
use crate::pileup::alt_sets;
use crate::predict::imported::{ImportedEstimate, ImportedSmallModel};
use crate::predict::small::{Silence, SmallModel, SmallModelAccount};

/// A small model.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a run has one")]
pub enum AnySmallModel {
    /// One that varpix trains: it takes candidates of one alternative allele, and is joined with the CNN where it is not certain.
    Own(SmallModel),
    /// One of DeepVariant's: it takes each set of alternative alleles by itself, and leaves those that it is not sure of to the CNN alone.
    Imported(ImportedSmallModel),
}

impl AnySmallModel {
    /// The small model of a model's folder, if it has one.
    ///
    /// # Errors
    /// As [`SmallModel::read`] and [`ImportedSmallModel::of`].
    pub fn of(model: &Model) -> Result<Option<Self>> {
        Ok(match SmallModel::of(model)? {
            Some(own) => Some(Self::Own(own)),
            None => ImportedSmallModel::of(model)?.map(Self::Imported),
        })
    }

    /// Varpix's own.
    #[must_use]
    pub fn own(&self) -> Option<&SmallModel> {
        match self {
            Self::Own(own) => Some(own),
            Self::Imported(_) => None,
        }
    }

    /// Whether it takes features of tracts.
    #[must_use]
    pub fn takes_tracts(&self) -> bool {
        self.own().is_some_and(SmallModel::takes_tracts)
    }
}

/// What one of DeepVariant's says of a candidate, for people. Of several sets of alleles the least sure is told.
pub(super) fn account(model: &ImportedSmallModel, candidate: &Candidate, evidence: &Evidence) -> SmallModelAccount {
    let estimates: Option<Vec<ImportedEstimate>> =
        alt_sets(candidate.alts.len()).map(|set| model.estimate(candidate, set, evidence)).collect();
    let margin = |estimate: &ImportedEstimate| estimate.quality - estimate.needed;
    let least = estimates.iter().flatten().min_by(|a, b| margin(a).total_cmp(&margin(b)));
    let Some(least) = least else {
        let silence = if candidate.alts.len() > 1 { Silence::SeveralAlleles } else { Silence::NotTaken };
        return SmallModelAccount { silence: Some(silence), ..SmallModelAccount::default() };
    };
    SmallModelAccount {
        probabilities: Some(least.probabilities),
        certainty: Some(least.quality),
        needed: Some(least.needed),
        is_certain: least.is_accepted(),
        ..SmallModelAccount::default()
    }
}
