//! A VCF of alleles to genotype -> candidates for exactly these, with what the reads say of them.
//!
//! Alleles are looked for in normal form (Tan et al., Bioinformatics 31:2202, 2015): without shared ends, as far left as they go. So
//! however a variant is spelled, its counts, its image and its genotype are those of the call. Alleles of a record that begin at one
//! position in normal form are counted there; others, and those that change several bases at once, read by read as a whole
//! ([`JointAlleles`]). Every record gets an answer, in the file's order and as it is written, whether reads show its alleles or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::alleles::{AlleleCounts, AlleleDepths, CountOptions, Depth, Depths, JointAlleles};
use crate::candidates::{AltAllele, Asked, Candidate};
use crate::error::{Error, Result};
use crate::genome::{ContigId, Contigs, Reference, ReferenceWindow};
use crate::reads::Read;
use crate::regions::{Region, Targets};
use crate::variant::known::NormalAllele;
use crate::variant::records::{Variant, Variants, shortened};

/// Most alternative alleles of a record: each pair of them needs an image.
const MOST_ALTS: usize = 16;
/// How far to the left of an allele its normal form is looked for at first, in bp.
const SHIFT_ROOM: i64 = 1000;

/// A record's alleles, as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    position: u64,
    reference: Vec<u8>,
    alts: Vec<Vec<u8>>,
}

/// The records of a file, by contig and position.
#[derive(Clone, Debug, Default)]
pub struct SiteRecords {
    by_contig: BTreeMap<ContigId, Vec<Record>>,
}

impl SiteRecords {
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
            of_contig.push(Record { position, reference, alts: alleles });
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

    /// The sites where their alleles lie in normal form.
    ///
    /// # Errors
    /// [`Error::Input`] where a record's REF is not the reference's, or where that cannot be read.
    pub fn placed(self, reference: &mut Reference) -> Result<Sites> {
        let mut sites = Sites::default();
        let mut rank = 0;
        for (contig, records) in self.by_contig {
            let mut of_contig = Vec::with_capacity(records.len());
            for record in records {
                of_contig.push(record.placed(rank, contig, reference)?);
                rank += 1;
            }
            of_contig.sort_by_key(|site| (site.alleles.interval().start(), site.asked.rank));
            sites.by_contig.insert(contig, of_contig);
        }
        Ok(sites)
    }
}

impl Record {
    fn placed(self, rank: usize, contig: ContigId, reference: &mut Reference) -> Result<Site> {
        let Self { position, reference: bases, alts } = self;
        let start = position.cast_signed();
        let end = start + i64::try_from(bases.len()).unwrap_or(0);
        let mut room = SHIFT_ROOM;
        let (normal, window) = loop {
            let first = (start - room).max(-1);
            // One base more: alleles at the contig's start are anchored by it.
            let window = ReferenceWindow::new(first, reference.window(contig, first, end + 1)?);
            let there = window.slice(start, end).unwrap_or_default();
            if there != bases {
                let name = &reference.contigs().get(contig).name;
                return Err(Error::input(
                    "--genotype-sites",
                    format!(
                        "{name}:{}: REF is {}, the reference has {}",
                        position + 1,
                        String::from_utf8_lossy(&bases),
                        String::from_utf8_lossy(there)
                    ),
                ));
            }
            let normal: Vec<NormalAllele> =
                alts.iter().map(|alt| NormalAllele::new(position, &bases, alt, &window)).collect();
            let leftmost = normal.iter().map(|allele| allele.position.cast_signed()).min().unwrap_or(start);
            if first < 0 || leftmost > first + 1 {
                break (normal, window);
            }
            room *= 8;
        };
        let from = normal.iter().map(|allele| allele.position).min().unwrap_or(position);
        let to = normal.iter().map(NormalAllele::end).max().unwrap_or(position);
        let slice = |from: u64, to: u64| window.slice(from.cast_signed(), to.cast_signed()).unwrap_or_default();
        let whole = |allele: &NormalAllele| {
            [slice(from, allele.position), &allele.alternative, slice(allele.end(), to)].concat()
        };
        let alternatives: Vec<Vec<u8>> = normal.iter().map(whole).collect();
        let apart = if normal.iter().all(|allele| allele.position == from) { Vec::new() } else { normal.clone() };
        Ok(Site {
            joint: !normal.iter().all(|allele| allele.position == from && is_plain(allele)),
            alleles: JointAlleles::new(from, slice(from, to), &alternatives),
            asked: Asked { rank, position, reference: bases, alts, apart },
            normal,
        })
    }
}

/// Whether an allele is one base for another, an insertion or a deletion, as reads show it at its position.
fn is_plain(allele: &NormalAllele) -> bool {
    let (reference, alternative) = (&allele.reference, &allele.alternative);
    let anchored = reference.first() == alternative.first();
    match (reference.len(), alternative.len()) {
        (1, 1) => true,
        (1, _) | (_, 1) => anchored,
        _ => false,
    }
}

/// A record with its alleles in normal form.
#[derive(Clone, Debug)]
struct Site {
    asked: Asked,
    /// One for each alternative allele.
    normal: Vec<NormalAllele>,
    /// The alleles over all positions that any of them changes.
    alleles: JointAlleles,
    /// Whether they must be counted as a whole.
    joint: bool,
}

/// The sites of a file, by contig and position of their normal form.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    by_contig: BTreeMap<ContigId, Vec<Site>>,
}

/// What the reads of a region say.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The reads that are drawn.
    pub reads: &'a [Read],
    /// What they show.
    pub counts: &'a AlleleCounts,
    /// Rules by which they were counted.
    pub options: CountOptions,
    /// How many of all reads show each allele.
    pub depths: &'a Depths,
    /// The region and what its reads reach.
    pub reference: &'a ReferenceWindow,
}

impl Sites {
    /// Where the sites begin, one position each.
    #[must_use]
    pub fn targets(&self) -> Targets {
        let start = |site: &Site| site.alleles.interval().start();
        Targets::of_positions(
            self.by_contig.iter().map(|(&contig, sites)| (contig, sites.iter().map(start).collect::<Vec<_>>())),
        )
    }

    /// The alleles of a region that must be counted as a whole.
    #[must_use]
    pub fn joint(&self, region: Region) -> Vec<JointAlleles> {
        self.of_region(region).filter(|site| site.joint).map(|site| site.alleles.clone()).collect()
    }

    fn of_region(&self, region: Region) -> impl Iterator<Item = &Site> {
        let all = self.by_contig.get(&region.contig).map_or(&[][..], Vec::as_slice);
        let start = |site: &Site| site.alleles.interval().start();
        let from = all.partition_point(|site| start(site) < region.interval.start());
        all[from..].iter().take_while(move |site| start(site) < region.interval.end())
    }

    /// The candidates of a region.
    #[must_use]
    pub fn candidates(&self, region: Region, shown: Shown) -> Vec<Candidate> {
        if self.of_region(region).next().is_none() {
            return Vec::new();
        }
        let depths = shown.depths.shown(shown.reference);
        let support = support(shown.counts, shown.reference);
        let candidate = |site: &Site| {
            let (start, reference) = (site.alleles.interval().start(), site.alleles.reference().to_vec());
            let joint = if site.joint { shown.depths.of_joint(&site.alleles) } else { None };
            let of = joint.unwrap_or_else(|| shown.depths.of_alleles(start, &site.normal, &depths, shown.reference));
            let AlleleDepths { depth, reference: of_reference, alts: of_alts, mapping_quality } = of;
            let supports = if site.joint {
                let mut supports = vec![Vec::new(); site.normal.len()];
                for seen in site.alleles.shown_by(shown.reads, shown.options) {
                    if let Some(reads) = seen.allele.checked_sub(1).and_then(|alt| supports.get_mut(alt)) {
                        reads.push(seen.read);
                    }
                }
                supports
            } else {
                let reads = |allele| support.get(allele).map_or_else(Vec::new, |reads| reads.iter().copied().collect());
                site.normal.iter().map(reads).collect()
            };
            let alts = site.alleles.alternatives().iter().zip(of_alts).zip(supports);
            Candidate {
                contig: region.contig,
                position: start,
                reference,
                alts: alts
                    .map(|((bases, Depth { all, reverse }), support)| AltAllele {
                        bases: bases.clone(),
                        count: all,
                        reverse_count: reverse,
                        support,
                    })
                    .collect(),
                reference_count: of_reference.all,
                reference_reverse_count: of_reference.reverse,
                depth,
                mapping_quality,
                asked: Some(Box::new(site.asked.clone())),
            }
        };
        self.of_region(region).map(candidate).collect()
    }
}

/// The reads that show each allele (in normal form), of low quality too.
fn support(counts: &AlleleCounts, reference: &ReferenceWindow) -> BTreeMap<NormalAllele, BTreeSet<u32>> {
    let mut support = BTreeMap::<NormalAllele, BTreeSet<u32>>::new();
    for (position, count) in (counts.interval.start()..).zip(&counts.counts) {
        for seen in &count.observations {
            if let Some(normal) = seen.allele.normal(position, reference) {
                support.entry(normal).or_default().insert(seen.read);
            }
        }
    }
    support
}
