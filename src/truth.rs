//! A truth VCF -> the alleles its sample carries, in a normal form that candidates can be compared with.

use std::collections::BTreeMap;
use std::path::Path;

use rust_htslib::bcf::{self, Read as _, record::GenotypeAllele};

use crate::error::{Error, Result};
use crate::genome::{ContigId, Reference, ReferenceWindow};

/// Reference bases to the left of a variant that left-alignment may use, in bp.
const SHIFT_ROOM: i64 = 1000;

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

/// The sample's alleles with their number of copies, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    by_contig: BTreeMap<ContigId, BTreeMap<NormalAllele, u8>>,
}

impl Truth {
    /// Reads the alleles that the first sample of a VCF carries; contigs that the reference lacks are passed over.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read or holds no sample.
    pub fn read(path: &Path, reference: &mut Reference) -> Result<Self> {
        Self::read_either(path, reference, true)
    }

    /// Like [`Truth::read`]; of a file without samples, all alternative alleles, one copy each.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read.
    pub fn read_alleles(path: &Path, reference: &mut Reference) -> Result<Self> {
        Self::read_either(path, reference, false)
    }

    fn read_either(path: &Path, reference: &mut Reference, sample_needed: bool) -> Result<Self> {
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
            let Some(contig) = name.and_then(|name| reference.contigs().id(&name)) else { continue };
            let Ok(position) = u64::try_from(record.pos()) else { continue };
            let alleles: Vec<Vec<u8>> = record.alleles().iter().map(|a| a.to_ascii_uppercase()).collect();
            let carried: Vec<usize> = if samples == 0 {
                (1..alleles.len()).collect()
            } else {
                let indexes = record.genotypes().map_err(cannot)?.get(0);
                indexes.iter().filter_map(|allele| index(*allele)).collect()
            };
            let end = record.pos() + alleles.first().map_or(1, |a| i64::try_from(a.len()).unwrap_or(1));
            let start = record.pos() - SHIFT_ROOM;
            let window = ReferenceWindow::new(start, reference.window(contig, start, end)?);
            for bases in carried.into_iter().filter(|&i| i > 0).filter_map(|i| alleles.get(i)) {
                if bases.iter().all(|b| b"ACGT".contains(b)) {
                    let allele = NormalAllele::new(position, &alleles[0], bases, &window);
                    *truth.by_contig.entry(contig).or_default().entry(allele).or_default() += 1;
                }
            }
        }
        Ok(truth)
    }

    /// The alleles that begin within `start..end` (0-based), with their copies.
    pub fn within(&self, contig: ContigId, start: u64, end: u64) -> impl Iterator<Item = (&NormalAllele, u8)> {
        let from = NormalAllele { position: start, reference: Vec::new(), alternative: Vec::new() };
        let to = NormalAllele { position: end, reference: Vec::new(), alternative: Vec::new() };
        self.by_contig
            .get(&contig)
            .into_iter()
            .flat_map(move |alleles| alleles.range(from.clone()..to.clone()).map(|(a, &n)| (a, n)))
    }

    /// How many alleles there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_contig.values().map(BTreeMap::len).sum()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The allele's index in its record, or `None` where it is missing.
fn index(allele: GenotypeAllele) -> Option<usize> {
    match allele {
        GenotypeAllele::Unphased(index) | GenotypeAllele::Phased(index) => usize::try_from(index).ok(),
        _ => None,
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
