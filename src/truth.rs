//! A VCF of known variants -> the variants its sample carries; alleles in a normal form that can be compared.

use std::collections::BTreeMap;
use std::path::Path;

use rust_htslib::bcf::{self, Read as _, record::GenotypeAllele};

use crate::error::{Error, Result};
use crate::genome::{ContigId, Contigs, ReferenceWindow};

/// An allele without shared ends, as far left as it goes (Tan et al., Bioinformatics 31:2202, 2015).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalAllele {
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// Reference bases.
    pub reference: Vec<u8>,
    /// Alternative bases.
    pub alternative: Vec<u8>,
}

impl NormalAllele {
    /// Normalises `reference` -> `alternative` at `position` (0-based).
    #[must_use]
    pub fn new(position: u64, reference: &[u8], alternative: &[u8], window: &ReferenceWindow) -> Self {
        let mut position = position.cast_signed();
        let (mut reference, mut alternative) = (reference.to_vec(), alternative.to_vec());
        loop {
            let same_end = reference.last() == alternative.last() && reference.last().is_some();
            if same_end && (reference.len() > 1 || alternative.len() > 1) {
                reference.pop();
                alternative.pop();
            } else if !(reference.is_empty() || alternative.is_empty()) {
                break;
            }
            if reference.is_empty() || alternative.is_empty() {
                let before = window.base(position - 1);
                if before == b'N' {
                    // Nothing to the left: anchored by the base that follows (VCF specification, section 1.6.1).
                    let after = window.base(position + i64::try_from(reference.len()).unwrap_or(0));
                    reference.push(after);
                    alternative.push(after);
                    break;
                }
                position -= 1;
                reference.insert(0, before);
                alternative.insert(0, before);
            }
        }
        while reference.len() > 1 && alternative.len() > 1 && reference[0] == alternative[0] {
            reference.remove(0);
            alternative.remove(0);
            position += 1;
        }
        Self { position: u64::try_from(position).unwrap_or(0), reference, alternative }
    }

    /// Position after the last reference base, 0-based.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position + self.reference.len() as u64
    }
}

/// A variant of the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownVariant {
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// Reference bases.
    pub reference: Vec<u8>,
    /// The alternative alleles of its record.
    pub alternatives: Vec<Vec<u8>>,
    /// The sample's two alleles, in either order: 0 for the reference, `i` for `alternatives[i - 1]`.
    pub genotype: [usize; 2],
}

impl KnownVariant {
    /// Position after the last reference base, 0-based.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position + self.reference.len() as u64
    }

    /// The alternative alleles that the sample carries, each once, in normal form.
    pub fn alleles<'a>(&'a self, window: &'a ReferenceWindow) -> impl Iterator<Item = NormalAllele> + 'a {
        let [a, b] = self.genotype;
        let carried = [Some(a), (b != a).then_some(b)].into_iter().flatten();
        carried
            .filter_map(|allele| self.alternatives.get(allele.checked_sub(1)?))
            .map(|bases| NormalAllele::new(self.position, &self.reference, bases, window))
    }
}

/// The variants of one sample, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    by_contig: BTreeMap<ContigId, Vec<KnownVariant>>,
}

impl Truth {
    /// Reads the variants that the first sample of a VCF carries; contigs that `contigs` lacks are passed over, and
    /// alleles that are not plain bases. A haploid genotype counts as homozygous, a missing allele as the reference.
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
        let cannot = |e: rust_htslib::errors::Error| Error::input(path, format!("cannot be read as VCF: {e}"));
        let mut reader = bcf::Reader::from_path(path).map_err(cannot)?;
        let samples = reader.header().sample_count();
        if samples == 0 && sample_needed {
            return Err(Error::input(path, "has no sample column; truth needs genotypes"));
        }
        let mut truth = Self::default();
        for record in reader.records() {
            let record = record.map_err(cannot)?;
            let name = record.rid().and_then(|rid| record.header().rid2name(rid).ok()).map(String::from_utf8_lossy);
            let Some(contig) = name.and_then(|name| contigs.id(&name)) else { continue };
            let Ok(position) = u64::try_from(record.pos()) else { continue };
            let mut alleles: Vec<Vec<u8>> = record.alleles().iter().map(|a| a.to_ascii_uppercase()).collect();
            let genotypes: Vec<[usize; 2]> = if samples == 0 {
                (1..alleles.len()).map(|alt| [0, alt]).collect()
            } else {
                let carried: Vec<usize> =
                    record.genotypes().map_err(cannot)?.get(0).iter().map(|a| index(*a)).collect();
                vec![[carried.first().copied().unwrap_or(0), carried.last().copied().unwrap_or(0)]]
            };
            let plain = |allele: usize| {
                allele == 0 || alleles.get(allele).is_some_and(|a| a.iter().all(|base| b"ACGT".contains(base)))
            };
            let known: Vec<_> = genotypes.into_iter().map(|g| g.map(|a| if plain(a) { a } else { 0 })).collect();
            let reference = alleles.remove(0);
            for genotype in known.into_iter().filter(|genotype| *genotype != [0, 0]) {
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

    /// How many variants there are.
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

/// The allele's index in its record, 0 where it is missing.
fn index(allele: GenotypeAllele) -> usize {
    match allele {
        GenotypeAllele::Unphased(index) | GenotypeAllele::Phased(index) => usize::try_from(index).unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(position: u64, reference: &str, alternative: &str) -> (u64, String, String) {
        //                                    0123456789
        let window = ReferenceWindow::new(0, b"GCACACATTTTG".to_vec());
        let n = NormalAllele::new(position, reference.as_bytes(), alternative.as_bytes(), &window);
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
        (n.position, text(n.reference), text(n.alternative))
    }

    #[test]
    fn indels_move_left() {
        assert_eq!(normal(8, "TT", "T"), (6, "AT".into(), "A".into()));
        assert_eq!(normal(10, "T", "TT"), (6, "A".into(), "AT".into()));
        assert_eq!(normal(3, "CAC", "C"), (0, "GCA".into(), "G".into()));
    }

    #[test]
    fn shared_ends_are_trimmed() {
        assert_eq!(normal(7, "TTT", "TCT"), (8, "T".into(), "C".into()));
        assert_eq!(normal(6, "ATT", "GT"), (6, "AT".into(), "G".into()));
    }

    #[test]
    fn at_the_contigs_start() {
        assert_eq!(normal(0, "GC", "C"), (0, "GC".into(), "C".into()));
    }
}
