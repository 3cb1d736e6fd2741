//! A VCF or BCF of known variants -> the variants that its first sample carries: [`Truth`].

use std::collections::BTreeMap;
use std::path::Path;

use super::allele::Allele;
use super::genotype::Genotype;
use super::records::{Variant, Variants, shortened};
use crate::error::{Error, Result};
use crate::genome::{ContigId, Contigs, Interval, Reference, ReferenceWindow};

/// A variant of the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownVariant {
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// Reference bases.
    pub reference: Vec<u8>,
    /// The alternative alleles of its record.
    pub alternatives: Vec<Vec<u8>>,
    /// The sample's two alleles, in the record's order.
    pub genotype: Genotype,
}

impl KnownVariant {
    /// Position after the last reference base, 0-based.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position + self.reference.len() as u64
    }

    /// The alternative alleles that the sample carries, each once, in normal form.
    pub fn alleles<'a>(&'a self, window: &'a ReferenceWindow) -> impl Iterator<Item = Allele> + 'a {
        self.genotype
            .alleles()
            .take(if self.genotype.is_homozygous() { 1 } else { 2 })
            .filter_map(|allele| self.alternatives.get(allele.checked_sub(1)?))
            .map(|bases| Allele::new(self.position, &self.reference, bases).normal(window))
    }
}

/// The variants of one sample, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    by_contig: BTreeMap<ContigId, Vec<KnownVariant>>,
    /// Records on contigs that the reference lacks, by their names.
    elsewhere: BTreeMap<String, u64>,
}

/// Variants whose REF is compared with the reference, and the share of differing ones above which they belong to another genome: a few
/// may differ where one has N or another code for several bases.
const COMPARED: usize = 2000;
const MOST_OTHERS: f64 = 0.05;

impl Truth {
    /// Reads the variants that the first sample of a VCF carries; contigs that `contigs` lacks are skipped, and alleles
    /// that are not of A, C, G, T. A haploid genotype counts as homozygous, a missing allele as the reference.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read or holds no sample.
    pub fn read(path: &Path, contigs: &Contigs) -> Result<Self> {
        Self::read_either(path, contigs, true)
    }

    /// Like [`Truth::read`]; of a file without samples, all alternative alleles, each as a variant of its own.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read.
    pub fn read_alleles(path: &Path, contigs: &Contigs) -> Result<Self> {
        Self::read_either(path, contigs, false)
    }

    fn read_either(path: &Path, contigs: &Contigs, sample_needed: bool) -> Result<Self> {
        let variants = Variants::open(path)?;
        let samples = variants.samples();
        if samples == 0 && sample_needed {
            return Err(Error::input(path, "has no sample column; truth needs genotypes"));
        }
        let mut truth = Self::default();
        for (number, record) in (1..).zip(variants) {
            let Variant { contig, position, mut alleles, genotype } = record?;
            let Some(contig) = contigs.id(&contig) else {
                *truth.elsewhere.entry(contig).or_default() += 1;
                continue;
            };
            let Some(position) = position else { continue };
            let genotypes: Vec<[usize; 2]> = if samples == 0 {
                (1..alleles.len()).map(|alt| [0, alt]).collect()
            } else {
                let (Some(first), Some(last)) = (genotype.first(), genotype.last()) else {
                    return Err(Error::input(path, format!("record {number}: has no genotype (GT)")));
                };
                vec![[first.unwrap_or(0), last.unwrap_or(0)]]
            };
            let plain = |allele: usize| {
                allele == 0 || alleles.get(allele).is_some_and(|a| a.iter().all(|base| b"ACGT".contains(base)))
            };
            let known = genotypes.into_iter().map(|g| g.map(|a| if plain(a) { a } else { 0 }));
            let known: Vec<Genotype> = known.map(|[a, b]| Genotype::Diploid(a, b)).collect();
            let reference = alleles.remove(0);
            for genotype in known.into_iter().filter(|&genotype| genotype != Genotype::HOM_REF) {
                let variant =
                    KnownVariant { position, reference: reference.clone(), alternatives: alleles.clone(), genotype };
                truth.by_contig.entry(contig).or_default().push(variant);
            }
        }
        truth.by_contig.values_mut().for_each(|variants| variants.sort_by_key(|variant| variant.position));
        Ok(truth)
    }

    /// The variants that begin within `start..end` (0-based), by position.
    pub fn variants(&self, contig: ContigId, start: u64, end: u64) -> impl Iterator<Item = &KnownVariant> {
        let variants = self.by_contig.get(&contig).map_or(&[][..], Vec::as_slice);
        let from = variants.partition_point(|variant| variant.position < start);
        variants[from..].iter().take_while(move |variant| variant.position < end)
    }

    /// The number of records that were skipped since the reference lacks their contig, and these contigs.
    #[must_use]
    pub fn elsewhere(&self) -> (u64, Vec<&str>) {
        (self.elsewhere.values().sum(), self.elsewhere.keys().map(String::as_str).collect())
    }

    /// Compares the REF of some variants with the reference.
    ///
    /// # Errors
    /// [`Error::Input`] for `path`, the file that they are of, where they are of another genome; as [`Reference::bases`].
    pub fn matches(&self, reference: &mut Reference, path: &Path) -> Result<()> {
        let step = self.len().div_ceil(COMPARED).max(1);
        let all = self.by_contig.iter().flat_map(|(&contig, variants)| variants.iter().map(move |v| (contig, v)));
        let (mut compared, mut other, mut first) = (0_u32, 0_u32, None);
        for (contig, variant) in all.step_by(step) {
            let length = reference.contigs().get(contig).length;
            let there = if variant.end() > length {
                Vec::new()
            } else {
                reference.bases(contig, Interval::new(variant.position, variant.end()))?
            };
            compared += 1;
            if !there.eq_ignore_ascii_case(&variant.reference) {
                other += 1;
                first.get_or_insert((contig, variant, there));
            }
        }
        match first {
            Some((contig, variant, there)) if f64::from(other) > MOST_OTHERS * f64::from(compared) => {
                let name = &reference.contigs().get(contig).name;
                let there = if there.is_empty() { "no such position".into() } else { shortened(&there) };
                Err(Error::input(
                    path,
                    format!(
                        "is of another genome than the reference: REF differs in {other} of {compared} variants, first at {name}:{} ({}, the reference has {there})",
                        variant.position + 1,
                        shortened(&variant.reference),
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    /// Number of variants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_contig.values().map(Vec::len).sum()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
