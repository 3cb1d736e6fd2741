//! Known variants and a region's evidence -> for each allele whether it is a candidate, and if not, why.

use std::collections::HashMap;
use std::fmt;

use crate::alleles::{self, CountOptions, Depths, PositionDepth};
use crate::candidates::CandidateOptions;
use crate::evidence::Evidence;
use crate::regions::Region;
use crate::variant::Allele;
use crate::variant::known::Truth;

/// How far from an allele's position alignments of it are counted, in bp.
const AROUND: u64 = 100;
/// How far left of its written position the normal form of an allele may begin, in bp.
const SHIFT_ROOM: u64 = 1000;
/// Candidates this close may be another spelling of an allele, in bp.
const NEAR: u64 = 30;

/// Whether an allele is a candidate, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is an allele of a candidate.
    Candidate,
    /// All its bases are candidates of their own, side by side.
    Split,
    /// No read covers its position.
    NoReads,
    /// Reads cover its position, but none supports it.
    NotObserved,
    /// Too few reads support it.
    TooFew,
    /// Too small a share of the reads supports it.
    TooRare,
}

impl Verdict {
    /// True where the allele can be called.
    #[must_use]
    pub fn is_found(&self) -> bool {
        matches!(self, Self::Candidate | Self::Split)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Candidate => "candidate",
            Self::Split => "candidates, base by base",
            Self::NoReads => "no usable read covers it",
            Self::NotObserved => "no usable read supports it",
            Self::TooFew => "too few reads support it",
            Self::TooRare => "too small a share of the reads supports it",
        })
    }
}

/// An allele and the verdict on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The allele, in normal form.
    pub allele: Allele,
    /// The verdict.
    pub verdict: Verdict,
    /// Of [`Verdict::Candidate`], the index among the evidence's candidates and that among the candidate's alternative alleles.
    pub candidate: Option<(usize, usize)>,
    /// Reads that support it and count.
    pub count: u32,
    /// Reads that count at its position.
    pub depth: u32,
    /// Candidates close by, `position ref>alts` (1-based), where it is none itself.
    pub near: Vec<String>,
}

/// The alleles of `known` whose normal form begins in the region, explained.
#[must_use]
pub fn explain(
    region: Region,
    evidence: &Evidence,
    known: &Truth,
    count: CountOptions,
    options: &CandidateOptions,
) -> Vec<Explanation> {
    let around = region.interval.padded(AROUND, u64::MAX - AROUND);
    let mut beyond = Depths::new(around, Vec::new());
    let counts = alleles::count(around, &evidence.reads, &evidence.reference, count);
    beyond.add(&evidence.reads, &counts, count);
    let (inside, beyond) = (evidence.depths.observed(&evidence.reference), beyond.observed(&evidence.reference));
    let mut candidates: HashMap<Allele, (usize, usize)> = HashMap::new();
    for (i, candidate) in evidence.candidates.iter().enumerate() {
        for (j, alt) in candidate.alts.iter().enumerate() {
            let allele = Allele::new(candidate.position, &candidate.reference, &alt.bases);
            candidates.entry(allele.normal(&evidence.reference)).or_insert((i, j));
        }
    }
    known
        .variants(region.contig, region.interval.start(), region.interval.end() + SHIFT_ROOM)
        .flat_map(|variant| variant.alleles(&evidence.reference))
        .filter(|allele| region.interval.contains(allele.position))
        .map(|allele| {
            let depth = evidence.depths.position(allele.position).map_or(0, PositionDepth::depth);
            // All reads, where their alignments have it in the region; those at hand, also where they have it beside the region.
            let count = [&inside, &beyond].map(|observed| observed.get(&allele).map_or(0, |depth| depth.all));
            let count = count.into_iter().max().unwrap_or(0);
            let min_count = if allele.reference.len() == allele.alternative.len() {
                options.min_count_snps
            } else {
                options.min_count_indels
            };
            let candidate = candidates.get(&allele).copied();
            let verdict = if candidate.is_some() {
                Verdict::Candidate
            } else if split(&allele).is_some_and(|bases| bases.iter().all(|base| candidates.contains_key(base))) {
                Verdict::Split
            } else if depth == 0 {
                Verdict::NoReads
            } else if count == 0 {
                Verdict::NotObserved
            } else if count < min_count {
                Verdict::TooFew
            } else {
                Verdict::TooRare
            };
            let near = if verdict.is_found() { Vec::new() } else { near(&allele, evidence) };
            Explanation { allele, verdict, candidate, count, depth, near }
        })
        .collect()
}

/// The single bases that an allele of several changes, or `None` where it is not of that kind.
fn split(allele: &Allele) -> Option<Vec<Allele>> {
    let (reference, alternative) = (&allele.reference, &allele.alternative);
    (reference.len() == alternative.len() && reference.len() > 1).then(|| {
        let pairs = reference.iter().zip(alternative).zip(allele.position..);
        pairs
            .filter(|((from, to), _)| from != to)
            .map(|((&from, &to), position)| Allele::new(position, &[from], &[to]))
            .collect()
    })
}

fn near(allele: &Allele, evidence: &Evidence) -> Vec<String> {
    let close = evidence
        .candidates
        .iter()
        .filter(|c| c.position < allele.end() + NEAR && allele.position < c.interval().end() + NEAR);
    close
        .map(|c| {
            let alts: Vec<_> = c.alts.iter().map(|alt| String::from_utf8_lossy(&alt.bases).into_owned()).collect();
            format!("{} {}>{}", c.position + 1, String::from_utf8_lossy(&c.reference), alts.join(","))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{EvidenceOptions, Gatherer};
    use crate::genome::{ContigId, Interval};
    use crate::pileup::ImageSpec;
    use crate::reads::MemorySource;
    use crate::reads::Read;
    use crate::testing::{ReadBuilder, ReferenceBuilder};

    const CONTIG: &str = "GATTACAGGCTTAACCGTCAAGTCCATTGGACTTCGAAGCTCTGACATGTCCTAGTGCTG";

    /// Explains one allele (0-based position) by these reads.
    fn verdict(reads: Vec<Read>, position: u64, from: &str, to: &str) -> (Verdict, u32, u32) {
        let built = ReferenceBuilder::new().contig("1", CONTIG).build();
        let vcf = built.folder.path().join("known.vcf");
        let header = format!(
            "##fileformat=VCFv4.3\n##contig=<ID=1,length={}>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
            CONTIG.len()
        );
        std::fs::write(&vcf, format!("{header}1\t{}\t.\t{from}\t{to}\t.\t.\t.\n", position + 1)).unwrap();
        let known = Truth::read_alleles(&vcf, built.file.contigs()).unwrap();
        let options = EvidenceOptions::default();
        let source = Box::new(MemorySource::new(ContigId(0), reads));
        let region = Region { sequence: 0, contig: ContigId(0), interval: Interval::new(0, CONTIG.len() as u64) };
        let evidence = Gatherer::new(source, built.open(), options, ImageSpec::default()).gather(region).unwrap();
        let found = explain(region, &evidence, &known, CountOptions::default(), &options.candidates);
        assert_eq!(found.len(), 1);
        (found[0].verdict.clone(), found[0].count, found[0].depth)
    }

    fn copies(bases: &str, cigar: &str, n: usize) -> Vec<Read> {
        ReadBuilder::new(0, bases).cigar(cigar).copies(n)
    }

    #[test]
    fn each_verdict() {
        let same = CONTIG;
        let snp = CONTIG.replace("CGTC", "CGAC");
        assert_eq!(verdict(Vec::new(), 17, "T", "A"), (Verdict::NoReads, 0, 0));
        assert_eq!(verdict(copies(same, "60M", 5), 17, "T", "A"), (Verdict::NotObserved, 0, 5));
        assert_eq!(verdict(copies(&snp, "60M", 1), 17, "T", "A"), (Verdict::TooFew, 1, 1));
        let rare = [copies(same, "60M", 18), copies(&snp, "60M", 2)].concat();
        assert_eq!(verdict(rare, 17, "T", "A"), (Verdict::TooRare, 2, 20));
        assert_eq!(verdict(copies(&snp, "60M", 2), 17, "T", "A"), (Verdict::Candidate, 2, 2));
    }

    #[test]
    fn neighbouring_bases_may_be_candidates_one_by_one() {
        let two = CONTIG.replace("CGTC", "CCAC");
        assert_eq!(verdict(copies(&two, "60M", 3), 16, "GT", "CA").0, Verdict::Split);
    }

    #[test]
    fn a_deletion_is_found_wherever_it_is_written() {
        // TCCA: one C less, known at its right end.
        let deleted = CONTIG.replace("GTCCAT", "GTCAT");
        let read = copies(&deleted, "23M1D36M", 3);
        assert_eq!(verdict(read, 23, "CC", "C"), (Verdict::Candidate, 3, 3));
    }
}
