//! Records of alleles to genotype ([`SiteRecords`]) -> candidates for exactly these, with their depths.
//!
//! Alleles are compared in normal form. So however a variant is spelled, its counts, its image and its genotype are those of the call. Alleles of a record that begin at one
//! position in normal form are counted there; others, and those that change several bases at once, read by read as a whole
//! ([`JointAlleles`]). Every record is genotyped, in the file's order and as it is written, with or without reads that support its alleles.

use std::collections::{BTreeMap, BTreeSet};

use crate::alleles::{AlleleCounts, AlleleDepths, CountOptions, Depth, Depths, JointAlleles};
use crate::candidates::{AltAllele, Asked, Candidate};
use crate::error::Result;
use crate::genome::{ContigId, Reference, ReferenceWindow};
use crate::reads::Read;
use crate::regions::{Region, Targets};
use crate::variant::Allele;
use crate::variant::sites::{NormalSite, SiteRecord, SiteRecords};

/// A record with its alleles in normal form.
#[derive(Clone, Debug)]
struct Site {
    asked: Asked,
    /// One for each alternative allele.
    normal: Vec<Allele>,
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

/// The reads of a region and what was counted of them.
#[derive(Clone, Copy)]
pub struct Counted<'a> {
    /// The reads at hand.
    pub reads: &'a [Read],
    /// Their alleles.
    pub counts: &'a AlleleCounts,
    /// Rules by which they were counted.
    pub options: CountOptions,
    /// How many of all reads support each allele.
    pub depths: &'a Depths,
    /// The reference around the region and its reads.
    pub reference: &'a ReferenceWindow,
}

impl Site {
    fn new(rank: usize, site: NormalSite) -> Self {
        let start = site.start();
        let NormalSite { written: SiteRecord { position, reference, alts }, normal, reference: whole, alternatives } =
            site;
        let together = normal.iter().all(|allele| allele.position == start);
        let apart = if together { Vec::new() } else { normal.clone() };
        Self {
            asked: Asked { rank, position, reference, alts, apart },
            alleles: JointAlleles::new(start, &whole, &alternatives),
            joint: !(together && normal.iter().all(Allele::is_simple)),
            normal,
        }
    }
}

impl Sites {
    /// Those of the records that begin in `targets`, where their alleles lie in normal form.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where a record's REF is not the reference's, or where that cannot be read.
    pub fn new(mut records: SiteRecords, targets: &Targets, reference: &mut Reference) -> Result<Self> {
        records.retain(|contig, position| targets.contains(contig, position));
        let mut sites = Self::default();
        let mut ranks = 0..;
        for (contig, records) in records.normal(reference)? {
            let ranked = records.into_iter().zip(ranks.by_ref());
            let mut of_contig: Vec<Site> = ranked.map(|(record, rank)| Site::new(rank, record)).collect();
            of_contig.sort_by_key(|site| (site.alleles.interval().start(), site.asked.rank));
            sites.by_contig.insert(contig, of_contig);
        }
        Ok(sites)
    }

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
    pub fn candidates(&self, region: Region, counted: Counted) -> Vec<Candidate> {
        if self.of_region(region).next().is_none() {
            return Vec::new();
        }
        let depths = counted.depths.observed(counted.reference);
        let support = support(counted.counts, counted.reference);
        let candidate = |site: &Site| {
            let (start, reference) = (site.alleles.interval().start(), site.alleles.reference().to_vec());
            let joint = if site.joint { counted.depths.of_joint(&site.alleles) } else { None };
            let of =
                joint.unwrap_or_else(|| counted.depths.of_alleles(start, &site.normal, &depths, counted.reference));
            let AlleleDepths { depth, reference: of_reference, alts: of_alts, mapping_quality } = of;
            let supports = if site.joint {
                let mut supports = vec![Vec::new(); site.normal.len()];
                for seen in site.alleles.observed_by(counted.reads, counted.options) {
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
                reference_support: Vec::new(),
                depth,
                mapping_quality,
                asked: Some(Box::new(site.asked.clone())),
            }
        };
        self.of_region(region).map(candidate).collect()
    }
}

/// The reads that support each allele (in normal form), of low quality too.
fn support(counts: &AlleleCounts, reference: &ReferenceWindow) -> BTreeMap<Allele, BTreeSet<u32>> {
    let mut support = BTreeMap::<Allele, BTreeSet<u32>>::new();
    for (position, count) in (counts.interval.start()..).zip(&counts.counts) {
        for seen in &count.observations {
            if let Some(normal) = seen.allele.normal(position, reference) {
                support.entry(normal).or_default().insert(seen.read);
            }
        }
    }
    support
}
