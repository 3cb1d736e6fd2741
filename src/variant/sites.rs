//! A VCF or BCF of alleles to genotype -> [`SiteRecords`], as they are written; with a reference -> [`NormalSite`]s, their alleles in
//! normal form.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::allele::Allele;
use super::records::{Variant, Variants, shortened};
use crate::error::{Error, Result};
use crate::genome::{ContigId, Contigs, Reference, ReferenceWindow};

/// Most alternative alleles of a record: each pair of them needs an image.
const MOST_ALTS: usize = 16;
/// How far left of a record the normal form of its alleles may begin, in bp; extended eightfold where that is not enough.
const SHIFT_ROOM: i64 = 1000;

/// A record's alleles, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRecord {
    /// Position of the first base of `reference`, 0-based.
    pub position: u64,
    /// REF.
    pub reference: Vec<u8>,
    /// ALT, at least one.
    pub alts: Vec<Vec<u8>>,
}

/// The records of a file, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct SiteRecords {
    path: PathBuf,
    by_contig: BTreeMap<ContigId, Vec<SiteRecord>>,
}

/// A record and its alleles in normal form.
#[derive(Clone, Debug)]
pub struct NormalSite {
    /// The record.
    pub written: SiteRecord,
    /// Its alternative alleles, each in normal form.
    pub normal: Vec<Allele>,
    /// All positions that any of these changes: the reference's allele, from the first of them on.
    pub reference: Vec<u8>,
    /// The alternative alleles over these positions.
    pub alternatives: Vec<Vec<u8>>,
}

impl NormalSite {
    /// The first position that any of its alleles changes, 0-based.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.normal.iter().map(|allele| allele.position).min().unwrap_or(self.written.position)
    }
}

impl SiteRecords {
    /// Reads a VCF or BCF file.
    ///
    /// # Errors
    /// [`Error::Input`] naming the record that cannot be genotyped: on a contig that `contigs` lacks, out of order, without
    /// alternative alleles, or with one that is not of plain bases.
    pub fn read(path: &Path, contigs: &Contigs) -> Result<Self> {
        let mut sites = Self { path: path.to_owned(), by_contig: BTreeMap::new() };
        for (number, record) in (1..).zip(Variants::open(path)?) {
            let Variant { contig: name, position, mut alleles, .. } = record?;
            let locus = format!("record {number} ({name}:{})", position.map_or(0, |position| position + 1));
            let bad = |why: String| Error::input(path, format!("{locus} {why}"));
            let contig =
                contigs.id(&name).ok_or_else(|| bad(format!("cannot be genotyped: {}", contigs.unknown(&name))))?;
            let position = position.ok_or_else(|| bad("has no position".into()))?;
            let plain = |allele: &Vec<u8>| !allele.is_empty() && allele.iter().all(|base| b"ACGT".contains(base));
            if let Some(odd) = alleles.iter().find(|allele| !plain(allele)) {
                let odd = shortened(odd);
                return Err(bad(format!("has the allele {odd}; only A, C, G, T can be genotyped")));
            }
            if alleles.len() < 2 || alleles.len() > MOST_ALTS + 1 {
                return Err(bad(format!(
                    "has {} alternative alleles; 1 to {MOST_ALTS} can be genotyped",
                    alleles.len().saturating_sub(1)
                )));
            }
            let distinct: BTreeSet<&Vec<u8>> = alleles.iter().collect();
            if distinct.len() < alleles.len() {
                return Err(bad("names an allele twice".into()));
            }
            let length = contigs.get(contig).length;
            if position.saturating_add(alleles[0].len() as u64) > length {
                return Err(bad(format!("ends behind its contig ({length} bp)")));
            }
            let of_contig = sites.by_contig.entry(contig).or_default();
            if of_contig.last().is_some_and(|last| last.position > position) {
                return Err(bad("follows a later one; sort the file with bcftools sort".into()));
            }
            let reference = alleles.remove(0);
            of_contig.push(SiteRecord { position, reference, alts: alleles });
        }
        Ok(sites)
    }

    /// Keeps the records for whose contig and position `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(ContigId, u64) -> bool) {
        for (&contig, records) in &mut self.by_contig {
            records.retain(|record| keep(contig, record.position));
        }
    }

    /// The records with their alleles in normal form, by contig, in the file's order.
    ///
    /// # Errors
    /// [`Error::Input`] where a record's REF is not the reference's, or where that cannot be read.
    pub fn normal(self, reference: &mut Reference) -> Result<BTreeMap<ContigId, Vec<NormalSite>>> {
        let Self { path, by_contig } = self;
        let of_contig = |(contig, records): (ContigId, Vec<SiteRecord>)| {
            let sites = records.into_iter().map(|record| record.normal(&path, contig, reference));
            Ok((contig, sites.collect::<Result<_>>()?))
        };
        by_contig.into_iter().map(of_contig).collect()
    }
}

impl SiteRecord {
    fn normal(self, path: &Path, contig: ContigId, reference: &mut Reference) -> Result<NormalSite> {
        let start = self.position.cast_signed();
        let end = start + i64::try_from(self.reference.len()).unwrap_or(0);
        let mut room = SHIFT_ROOM;
        let (normal, window) = loop {
            let first = (start - room).max(-1);
            // One base more: alleles at the contig's start are anchored by it.
            let window = ReferenceWindow::new(first, reference.window(contig, first, end + 1)?);
            let found = window.slice(start, end).unwrap_or_default();
            if found != self.reference {
                let name = &reference.contigs().get(contig).name;
                let (stated, found) = (String::from_utf8_lossy(&self.reference), String::from_utf8_lossy(found));
                let locus = format!("{name}:{}", self.position + 1);
                return Err(Error::input(path, format!("{locus}: REF is {stated}, the reference has {found}")));
            }
            let normal = |alt: &Vec<u8>| Allele::new(self.position, &self.reference, alt).normal(&window);
            let normal: Vec<Allele> = self.alts.iter().map(normal).collect();
            let leftmost = normal.iter().map(|allele| allele.position.cast_signed()).min().unwrap_or(start);
            if first < 0 || leftmost > first + 1 {
                break (normal, window);
            }
            room *= 8;
        };
        let from = normal.iter().map(|allele| allele.position).min().unwrap_or(self.position);
        let to = normal.iter().map(Allele::end).max().unwrap_or(self.position);
        let whole = window.slice(from.cast_signed(), to.cast_signed()).unwrap_or_default().to_vec();
        let alternatives = normal.iter().map(|allele| allele.spelled_over(from, &whole)).collect();
        Ok(NormalSite { written: self, normal, reference: whole, alternatives })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{BuiltReference, ReferenceBuilder};

    /// The records `POS REF ALT` of contig c, and the reference.
    fn sites(records: &[&str]) -> (Result<SiteRecords>, BuiltReference) {
        let built = ReferenceBuilder::new().contig("c", &format!("G{}TGACC", "CA".repeat(2000))).build();
        let path = built.folder.path().join("sites.vcf");
        let line = |record: &&str| {
            let [position, reference, alts] = record.split(' ').collect::<Vec<_>>()[..] else { panic!("{record}") };
            format!("c\t{position}\t.\t{reference}\t{alts}\t.\t.\t.\n")
        };
        let header = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
        std::fs::write(&path, header.to_owned() + &records.iter().map(line).collect::<String>()).unwrap();
        (SiteRecords::read(&path, built.file.contigs()), built)
    }

    #[test]
    fn the_normal_form_is_found_however_far_it_lies() {
        // The repeat begins 4,000 bp before.
        let (records, built) = sites(&["4000 CAT T", "4002 TG AG,T"]);
        let sites = records.unwrap().normal(&mut built.open()).unwrap().remove(&ContigId(0)).unwrap();
        assert_eq!((sites[0].start(), sites[0].reference.as_slice()), (0, b"GCA".as_slice()));
        assert_eq!(sites[0].alternatives, [b"G".to_vec()]);
        // Alleles of one record over all that they change.
        assert_eq!((sites[1].start(), sites[1].reference.as_slice()), (4001, b"TG".as_slice()));
        assert_eq!(sites[1].alternatives, [b"AG".to_vec(), b"T".to_vec()]);
        assert_eq!(sites[1].normal[0], Allele::new(4001, b"T", b"A"));
    }

    #[test]
    fn records_are_named_that_cannot_be_genotyped() {
        for (records, words) in [
            (&["9 A <DEL>"][..], "record 1 (c:9) has the allele <DEL>"),
            (&["9 A C,C"], "names an allele twice"),
            (&["9 A ."], "0 alternative alleles"),
            (&["9 A C", "7 A C"], "record 2 (c:7) follows a later one"),
            (&["4006 CT C"], "ends behind its contig"),
        ] {
            assert!(sites(records).0.unwrap_err().to_string().contains(words), "{words}");
        }
        let (records, built) = sites(&["9 T C"]);
        let error = records.unwrap().normal(&mut built.open()).unwrap_err().to_string();
        assert!(error.contains("sites.vcf: c:9: REF is T, the reference has A"), "{error}");
    }

    #[test]
    fn records_may_be_left_out() {
        let (records, built) = sites(&["9 A C", "11 A C"]);
        let mut records = records.unwrap();
        records.retain(|_, position| position > 8);
        let left = records.normal(&mut built.open()).unwrap();
        assert_eq!(left[&ContigId(0)].iter().map(NormalSite::start).collect::<Vec<_>>(), [10]);
    }
}
