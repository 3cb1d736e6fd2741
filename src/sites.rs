//! A VCF of alleles to genotype -> candidates for exactly these, with what the reads say of them; and [`Recount`], which
//! counts the alleles of given candidates over any number of reads.
//!
//! The alleles stay as they are written. Reads are matched to them in normal form, so an indel that a read has elsewhere in
//! its repeat counts. Every record gets an answer, in the file's order, whether reads show its alleles or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::alleles::{AlleleCount, AlleleCounts, AlleleKind};
use crate::candidates::{AltAllele, Candidate};
use crate::error::{Error, Result};
use crate::genome::{ContigId, Contigs, ReferenceWindow};
use crate::regions::{Region, Targets};
use crate::truth::NormalAllele;
use crate::variants::{Variant, Variants, shortened};

/// Most alternative alleles of a record: each pair of them needs an image.
const MOST_ALTS: usize = 16;

/// A record's alleles.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Site {
    position: u64,
    reference: Vec<u8>,
    alts: Vec<Vec<u8>>,
}

/// The sites of a file, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    by_contig: BTreeMap<ContigId, Vec<Site>>,
}

impl Sites {
    /// Reads a VCF or BCF file.
    ///
    /// # Errors
    /// [`Error::Input`] naming the record that cannot be genotyped: on a contig that `contigs` lacks, out of order, without
    /// alternative alleles, or with one that is not of plain bases.
    pub fn read(path: &Path, contigs: &Contigs) -> Result<Self> {
        let mut sites = Self::default();
        for (number, record) in (1..).zip(Variants::open(path)?) {
            let Variant { contig: name, position, mut alleles, .. } = record?;
            let place = format!("record {number} ({name}:{})", position.map_or(0, |position| position + 1));
            let bad = |why: String| Error::input(path, format!("{place} {why}"));
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
            of_contig.push(Site { position, reference, alts: alleles });
        }
        Ok(sites)
    }

    /// Without the sites that begin outside of `targets`.
    #[must_use]
    pub fn within(mut self, targets: &Targets) -> Self {
        for (&contig, sites) in &mut self.by_contig {
            sites.retain(|site| targets.contains(contig, site.position));
        }
        self
    }

    /// Where the sites begin, one position each.
    #[must_use]
    pub fn targets(&self) -> Targets {
        Targets::of_positions(
            self.by_contig
                .iter()
                .map(|(&contig, sites)| (contig, sites.iter().map(|site| site.position).collect::<Vec<_>>())),
        )
    }

    /// The candidates of a region. `reference` should hold the region and what its reads reach.
    ///
    /// # Errors
    /// [`Error::Input`] where a record's REF is not the reference's.
    pub fn candidates(
        &self,
        region: Region,
        counts: &AlleleCounts,
        reference: &ReferenceWindow,
        name: &str,
    ) -> Result<Vec<Candidate>> {
        let all = self.by_contig.get(&region.contig).map_or(&[][..], Vec::as_slice);
        let from = all.partition_point(|site| site.position < region.interval.start());
        let sites: Vec<&Site> = all[from..].iter().take_while(|site| site.position < region.interval.end()).collect();
        if sites.is_empty() {
            return Ok(Vec::new());
        }
        let shown = shown(counts, reference);
        let candidate = |site: &Site| {
            let start = site.position.cast_signed();
            let end = start + i64::try_from(site.reference.len()).unwrap_or(0);
            let there = reference.slice(start, end).unwrap_or_default();
            if there != site.reference {
                return Err(Error::input(
                    "--genotype-sites",
                    format!(
                        "{name}:{}: REF is {}, the reference has {}",
                        site.position + 1,
                        String::from_utf8_lossy(&site.reference),
                        String::from_utf8_lossy(there)
                    ),
                ));
            }
            let slot = usize::try_from(site.position - counts.interval.start()).unwrap_or(usize::MAX);
            let nothing = AlleleCount::default();
            let count = counts.counts.get(slot).unwrap_or(&nothing);
            let alt = |bases: &Vec<u8>| {
                let normal = NormalAllele::new(site.position, &site.reference, bases, reference);
                let (counted, reverse_count, support) = shown.get(&normal).cloned().unwrap_or_default();
                AltAllele {
                    bases: bases.clone(),
                    count: counted,
                    reverse_count,
                    support: support.into_iter().collect(),
                }
            };
            let alts: Vec<AltAllele> = site.alts.iter().map(alt).collect();
            let depth = count.depth().max(alts.iter().map(|alt| alt.count).sum());
            Ok(Candidate {
                contig: region.contig,
                position: site.position,
                reference: site.reference.clone(),
                reference_count: count.reference.min(depth - alts.iter().map(|alt| alt.count).sum::<u32>()),
                reference_reverse_count: count.reference_reverse.min(count.reference),
                alts,
                depth,
                mapping_quality: count.mapping_quality(),
                forced: true,
            })
        };
        sites.into_iter().map(candidate).collect()
    }
}

/// Counts of candidates anew, over more reads than the candidates were found with.
pub struct Recount<'a> {
    reference: &'a ReferenceWindow,
    totals: Vec<Total>,
}

#[derive(Default)]
struct Total {
    depth: u32,
    reference: u32,
    reference_reverse: u32,
    mapping_quality_squares: u64,
    /// Of each alternative allele: its normal form, reads that count, and of these those on the reverse strand.
    alts: Vec<(NormalAllele, u32, u32)>,
}

impl<'a> Recount<'a> {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(candidates: &[Candidate], reference: &'a ReferenceWindow) -> Self {
        let normal =
            |c: &Candidate, alt: &AltAllele| NormalAllele::new(c.position, &c.reference, &alt.bases, reference);
        let total = |c: &Candidate| Total {
            alts: c.alts.iter().map(|alt| (normal(c, alt), 0, 0)).collect(),
            ..Total::default()
        };
        Self { reference, totals: candidates.iter().map(total).collect() }
    }

    /// Adds what some reads show.
    pub fn add(&mut self, candidates: &[Candidate], counts: &AlleleCounts) {
        let shown = shown(counts, self.reference);
        for (candidate, total) in candidates.iter().zip(&mut self.totals) {
            let slot = candidate.position.checked_sub(counts.interval.start()).and_then(|n| usize::try_from(n).ok());
            let Some(count) = slot.and_then(|slot| counts.counts.get(slot)) else { continue };
            total.depth += count.depth();
            total.reference += count.reference;
            total.reference_reverse += count.reference_reverse;
            total.mapping_quality_squares += count.mapping_quality_squares;
            for (normal, counted, reverse) in &mut total.alts {
                let (more, more_reverse, _) = shown.get(normal).cloned().unwrap_or_default();
                *counted += more;
                *reverse += more_reverse;
            }
        }
    }

    /// Gives the candidates their new counts.
    pub fn apply(self, candidates: &mut [Candidate]) {
        for (candidate, total) in candidates.iter_mut().zip(self.totals) {
            let of_alts: u32 = total.alts.iter().map(|(_, counted, _)| counted).sum();
            candidate.depth = total.depth.max(of_alts);
            candidate.reference_count = total.reference.min(candidate.depth - of_alts);
            candidate.reference_reverse_count = total.reference_reverse.min(candidate.reference_count);
            #[allow(clippy::cast_precision_loss, reason = "sums below 2^52")]
            let mean = total.mapping_quality_squares as f64 / f64::from(total.depth.max(1));
            candidate.mapping_quality = mean.sqrt();
            for (alt, (_, counted, reverse)) in candidate.alts.iter_mut().zip(total.alts) {
                alt.count = counted;
                alt.reverse_count = reverse;
            }
        }
    }
}

/// Reads that count, those of them on the reverse strand, and all that support, by allele.
pub(crate) type Shown = BTreeMap<NormalAllele, (u32, u32, BTreeSet<u32>)>;

/// The alleles that reads show, in normal form, and the reads that show each.
pub(crate) fn shown(counts: &AlleleCounts, reference: &ReferenceWindow) -> Shown {
    let mut shown = Shown::new();
    for (position, count) in (counts.interval.start()..).zip(&counts.counts) {
        for seen in count.observations.iter().filter(|seen| seen.allele.kind != AlleleKind::SoftClip) {
            let bases = &seen.allele.bases;
            let deletes = seen.allele.kind == AlleleKind::Deletion;
            let length = if deletes { bases.len() } else { 1 };
            let start = position.cast_signed();
            let Some(whole) = reference.slice(start, start + i64::try_from(length).unwrap_or(1)) else { continue };
            let alternative: &[u8] = if deletes { &bases[..1] } else { bases };
            let normal = NormalAllele::new(position, whole, alternative, reference);
            let (counted, reverse, support) = shown.entry(normal).or_default();
            *counted += u32::from(seen.counts);
            *reverse += u32::from(seen.counts && seen.reverse);
            support.insert(seen.read);
        }
    }
    shown
}
