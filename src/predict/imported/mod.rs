//! A set of a candidate's alternative alleles with its evidence -> probabilities, where a small model of DeepVariant's is sure of them.
//!
//! DeepVariant has such a model since 1.8: a network of dense layers over some numbers of the reads ([`features`]). From 1.9 on it takes each set
//! of a site's alternative alleles by itself; sets that it is not sure of go to the CNN, so that a site may have probabilities of both.

pub mod dense;
pub mod features;
pub mod layout;

use std::sync::Arc;

use self::dense::DenseNetwork;
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::{Evidence, EvidenceOptions};
use crate::model::checksums::IMPORTED_SMALL_MODEL;
use crate::model::{ImportedSmallModelOptions, Model};
use crate::pileup::AltSet;
use crate::predict::Probabilities;

/// Least chance that the most probable genotype is wrong.
const LEAST_ERROR: f64 = 1e-7;

/// A small model of DeepVariant's.
#[derive(Clone, Debug)]
pub struct ImportedSmallModel {
    network: Arc<DenseNetwork>,
    options: ImportedSmallModelOptions,
}

/// What it says of a set of alternative alleles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportedEstimate {
    /// Its probabilities.
    pub probabilities: Probabilities,
    /// Phred of the chance that the most probable genotype is wrong.
    pub quality: f64,
    /// The quality from which on it decides, Phred.
    pub needed: f64,
}

impl ImportedEstimate {
    /// Whether it decides without the CNN.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.quality >= self.needed
    }
}

impl ImportedSmallModel {
    /// The small model of a network, with the limits that `options` give.
    #[must_use]
    pub fn new(network: DenseNetwork, options: ImportedSmallModelOptions) -> Self {
        Self { network: Arc::new(network), options }
    }

    /// The small model of a model's folder, if it has one.
    ///
    /// # Errors
    /// As [`DenseNetwork::read`]; [`Error::Model`] where the model's evidence lacks what it takes.
    pub fn of(model: &Model) -> Result<Option<Self>> {
        let Some(options) = model.config.imported_small_model else { return Ok(None) };
        let path = model.folder.join(IMPORTED_SMALL_MODEL);
        let network = DenseNetwork::read(&path, model.config.checksums.imported_small_model.as_deref())?;
        let mut evidence = model.config.evidence;
        prepare(&network, &mut evidence).map_err(|problem| Error::model(&path, problem))?;
        if evidence != model.config.evidence {
            let problem = "needs evidence.allele_context and evidence.track_reference_reads in model.json; import the model again";
            return Err(Error::model(&path, problem));
        }
        Ok(Some(Self::new(network, options)))
    }

    /// The SHA-256 of its network, in hexadecimal.
    ///
    /// # Errors
    /// As [`DenseNetwork::to_bytes`].
    pub fn checksum(&self) -> Result<String> {
        self.network.checksum()
    }

    /// Whether its inputs can describe sites of several alternative alleles; those of 1.8 cannot.
    #[must_use]
    pub fn takes_several_alleles(&self) -> bool {
        !self.network.layout().is_of_1_8()
    }

    /// What it says of a set of a candidate's alternative alleles; `None` where it does not take such a candidate.
    #[must_use]
    pub fn estimate(&self, candidate: &Candidate, set: AltSet, evidence: &Evidence) -> Option<ImportedEstimate> {
        let layout = self.network.layout();
        let takes_several = self.options.multi_allelic && self.takes_several_alleles();
        if candidate.alts.len() > 1 && !takes_several {
            return None;
        }
        let inputs = features::features(layout, candidate, set, evidence)?;
        let probabilities = self.network.probabilities(&inputs)?;
        let is_snp = features::is_snp(candidate, set);
        let needed = if is_snp { self.options.min_gq_snps } else { self.options.min_gq_indels };
        Some(ImportedEstimate { probabilities, quality: quality(probabilities), needed })
    }
}

/// Makes evidence be gathered with what the network takes.
///
/// # Errors
/// Where the network is for reads of another kind.
pub fn prepare(network: &DenseNetwork, evidence: &mut EvidenceOptions) -> Result<(), String> {
    let layout = network.layout();
    if layout.takes_haplotypes() != evidence.phasing.is_some() {
        let (wants, are) = if layout.takes_haplotypes() { ("phased", "not phased") } else { ("unphased", "phased") };
        let (inputs, about) = (layout.inputs(), layout.about());
        return Err(format!("takes {inputs} inputs ({about}), of {wants} reads, but the model's reads are {are}"));
    }
    evidence.allele_context = true;
    evidence.track_reference_reads |= layout.needs_reference_reads();
    Ok(())
}

/// Phred of the chance that the most probable genotype is wrong.
fn quality(probabilities: Probabilities) -> f64 {
    let most = probabilities.0.into_iter().fold(0.0, f64::max);
    -10.0 * (1.0 - most).max(LEAST_ERROR).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::imported::dense::tests::constant;
    use crate::predict::imported::features::tests::{gathered, options, read};
    use crate::predict::imported::layout::Layout;

    const LIMITS: ImportedSmallModelOptions =
        ImportedSmallModelOptions { min_gq_snps: 20.0, min_gq_indels: 28.0, multi_allelic: true };

    #[test]
    fn quality_is_of_the_most_probable_genotype_and_capped() {
        let near = |p, wanted: f64| (quality(Probabilities(p)) - wanted).abs() < 1e-6;
        assert!(near([0.01, 0.99, 0.0], 20.0) && near([0.5, 0.3, 0.2], 3.010_299_957));
        assert!(near([0.0, 0.0, 1.0], 70.0));
    }

    #[test]
    fn limits_depend_on_the_kind_of_the_alleles() {
        // The logits of GQ 24, between the two limits.
        let network = constant(Layout::Short1_9, [0.0, 6.2, 0.0]);
        let model = ImportedSmallModel::new(network, LIMITS);
        let of = |reads| {
            let evidence = gathered(reads, Layout::Short1_9);
            model.estimate(&evidence.candidates[0], AltSet::One(0), &evidence).unwrap()
        };
        let snp = of((0..3).map(|i| read(&i.to_string(), &[(120, b'C')]).build()).collect());
        assert!(snp.is_accepted() && (23.0..25.0).contains(&snp.quality), "{snp:?}");
        let bases = format!("{}{}", "ACGT".repeat(10), "CGTA".repeat(5));
        let deletion = of(crate::testing::ReadBuilder::new(80, &bases).cigar("40M1D20M").copies(3));
        assert!(!deletion.is_accepted() && (deletion.needed - 28.0).abs() < 1e-9);
    }

    #[test]
    fn several_alleles_are_taken_from_1_9_on() {
        let reads = [b'C', b'G']
            .iter()
            .flat_map(|&base| (0..3).map(move |i| read(&format!("{base}-{i}"), &[(120, base)]).build()));
        let reads: Vec<_> = reads.collect();
        let speaks = |layout, limits| {
            let evidence = gathered(reads.clone(), layout);
            let model = ImportedSmallModel::new(constant(layout, [0.0, 9.0, 0.0]), limits);
            model.estimate(&evidence.candidates[0], AltSet::Two(0, 1), &evidence).is_some()
        };
        assert!(speaks(Layout::Short1_9, LIMITS));
        assert!(!speaks(Layout::Short1_8, LIMITS));
        assert!(!speaks(Layout::Short1_9, ImportedSmallModelOptions { multi_allelic: false, ..LIMITS }));
    }

    #[test]
    fn networks_for_other_reads_are_refused() {
        for layout in Layout::ALL {
            let network = constant(layout, [0.0; 3]);
            for of in Layout::ALL {
                let mut evidence = EvidenceOptions { allele_context: false, ..options(of) };
                let outcome = prepare(&network, &mut evidence);
                assert_eq!(outcome.is_ok(), layout.takes_haplotypes() == of.takes_haplotypes(), "{layout:?} {of:?}");
                if outcome.is_ok() {
                    assert!(evidence.allele_context);
                    assert!(evidence.track_reference_reads || !layout.needs_reference_reads());
                }
            }
        }
        let said = prepare(&constant(Layout::Long1_9, [0.0; 3]), &mut EvidenceOptions::default()).unwrap_err();
        assert!(said.contains("106 inputs") && said.contains("not phased"), "{said}");
    }
}
