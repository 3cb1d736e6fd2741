//! Contigs -> those that are called where no regions are given: of a human reference, all but what was added for aligners.
//!
//! References of `GRCh37` and `GRCh38` for alignment hold contigs that attract reads which would be misplaced otherwise: unlocalised and unplaced scaffolds,
//! alternate loci, decoys, HLA alleles, the Epstein-Barr virus. DeepVariant leaves them out by a list of their names
//! (`deepvariant/exclude_contigs.py`); here they are known by how these names are formed, where the first chromosome has the length of one of these
//! builds. Mitochondrial DNA is called, as there.

use super::Targets;
use crate::genome::{Contig, Contigs, Interval};

/// The first chromosome of `GRCh37` and of `GRCh38`, bp.
const FIRST_CHROMOSOMES: [u64; 2] = [249_250_621, 248_956_422];

impl Targets {
    /// All contigs, whole, but for those that a human reference has beside the chromosomes; the names of these.
    #[must_use]
    pub fn primary(contigs: &Contigs) -> (Self, Vec<String>) {
        if !is_human(contigs) {
            return (Self::whole(contigs), Vec::new());
        }
        let mut targets = Self::default();
        let mut others = Vec::new();
        for (id, contig) in contigs.iter() {
            if is_beside_chromosomes(&contig.name) {
                others.push(contig.name.clone());
            } else {
                targets.add(id, Interval::new(0, contig.length));
            }
        }
        (targets, others)
    }
}

fn is_human(contigs: &Contigs) -> bool {
    let is_first = |contig: &Contig| {
        FIRST_CHROMOSOMES.contains(&contig.length) && contig.name.strip_prefix("chr").unwrap_or(&contig.name) == "1"
    };
    contigs.iter().any(|(_, contig)| is_first(contig))
}

fn is_beside_chromosomes(name: &str) -> bool {
    if ["hs37d5", "NC_007605", "chrEBV"].contains(&name) || name.starts_with("HLA-") {
        return true;
    }
    // GRCh37: GL000191.1 to GL000249.1.
    if let Some(number) = name.strip_prefix("GL000").and_then(|rest| rest.strip_suffix(".1")) {
        return number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    }
    // GRCh38: chr1_KI270706v1_random, chr1_KI270762v1_alt, chrUn_KI270302v1, chrUn_KN707606v1_decoy.
    let parts: Vec<&str> = name.split('_').collect();
    match parts.as_slice() {
        ["chrUn", accession] | ["chrUn", accession, "decoy"] => is_accession(accession),
        [chromosome, accession, "random" | "alt"] => chromosome.starts_with("chr") && is_accession(accession),
        _ => false,
    }
}

/// Letters, digits, `v` and a version, as in `KI270706v1`.
fn is_accession(text: &str) -> bool {
    let Some((accession, version)) = text.split_once('v') else { return false };
    let digits = accession.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.len() < accession.len() && is_number(digits) && is_number(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(names: &[&str], first: u64) -> Vec<String> {
        let lengths = names.iter().enumerate().map(|(i, name)| (name, if i == 0 { first } else { 1000 }));
        let contigs = lengths.map(|(name, length)| Contig { name: (*name).into(), length }).collect();
        let contigs = Contigs::new(contigs);
        let (targets, others) = Targets::primary(&contigs);
        assert_eq!(targets.contigs().len() + others.len(), names.len());
        others
    }

    #[test]
    fn what_lies_beside_the_chromosomes_is_left_out() {
        let beside = [
            "chr1_KI270706v1_random",
            "chrY_KI270740v1_random",
            "chrUn_GL000195v1",
            "chr17_GL383563v3_alt",
            "chrUn_KN707606v1_decoy",
            "chrUn_JTFH01000001v1_decoy",
            "chrEBV",
            "HLA-A*02:43N",
            "HLA-DRB1*16:02:01",
        ];
        let called = ["chr1", "chr2", "chrX", "chrY", "chrM", "chr6_apd_hap1", "chrUn_gl000211", "chr1_x_alt", "HLA"];
        let all: Vec<&str> = called.into_iter().chain(beside).collect();
        assert_eq!(left_out(&all, FIRST_CHROMOSOMES[1]), beside);
        let called = ["1", "22", "MT", "GL000191", "GL0001911.1"];
        let beside = ["GL000191.1", "GL000249.1", "NC_007605", "hs37d5"];
        let all: Vec<&str> = called.into_iter().chain(beside).collect();
        assert_eq!(left_out(&all, FIRST_CHROMOSOMES[0]), beside);
    }

    #[test]
    fn of_other_genomes_all_is_called() {
        assert!(left_out(&["chr1", "chr1_GL456210v1_random", "chrUn_GL456239v1"], 195_154_279).is_empty());
    }
}
