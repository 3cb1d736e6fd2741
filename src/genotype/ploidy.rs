//! Haploid contigs and their diploid regions -> [`Ploidy`]: the sample's copies of a position.

use std::collections::BTreeSet;

use crate::error::{Error, Parameter, Result};
use crate::genome::{ContigId, Contigs, Interval};
use crate::regions::Targets;

/// A build of the human genome (Genome Reference Consortium).
struct Build {
    name: &'static str,
    /// Pseudoautosomal regions of X and Y, 1-based, inclusive.
    pseudoautosomal: [&'static str; 4],
    /// X and Y with their lengths in bp.
    lengths: [(&'static str, u64); 2],
}

const BUILDS: [Build; 2] = [
    Build {
        name: "GRCh37",
        pseudoautosomal: ["X:60001-2699520", "X:154931044-155260560", "Y:10001-2649520", "Y:59034050-59363566"],
        lengths: [("X", 155_270_560), ("Y", 59_373_566)],
    },
    Build {
        name: "GRCh38",
        pseudoautosomal: ["X:10001-2781479", "X:155701383-156030895", "Y:10001-2781479", "Y:56887903-57217415"],
        lengths: [("X", 156_040_895), ("Y", 57_227_415)],
    },
];

/// Contigs of one copy, and the regions on them that have two.
#[derive(Clone, Debug, Default)]
pub struct Ploidy {
    haploid: BTreeSet<ContigId>,
    diploid_regions: Targets,
}

impl Ploidy {
    /// One copy of `haploid` (contigs' names), but for `diploid_regions`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a contig that the reference lacks.
    pub fn new(haploid: &[String], diploid_regions: Targets, contigs: &Contigs) -> Result<Self> {
        let id = |name: &String| {
            let unknown = || Error::parameter(Parameter::HaploidContigs, name, contigs.unknown(name));
            contigs.id(name).ok_or_else(unknown)
        };
        Ok(Self { haploid: haploid.iter().map(id).collect::<Result<_>>()?, diploid_regions })
    }

    /// True where the sample has one copy of the position (0-based).
    #[must_use]
    pub fn is_haploid(&self, contig: ContigId, position: u64) -> bool {
        self.haploid.contains(&contig) && !self.diploid_regions.contains(contig, position)
    }
}

/// The pseudoautosomal regions of a build by its name, on contigs `X`, `Y` or `chrX`, `chrY`; `None` for another name. A warning says
/// where the reference is another build's, or has neither contig.
#[must_use]
pub fn pseudoautosomal_regions(build: &str, contigs: &Contigs) -> Option<Targets> {
    let Build { pseudoautosomal, lengths, .. } = BUILDS.iter().find(|known| known.name.eq_ignore_ascii_case(build))?;
    let id = |name: &str| contigs.id(name).or_else(|| contigs.id(&format!("chr{name}")));
    for (name, length) in lengths {
        let here = id(name).map(|id| contigs.get(id)).filter(|contig| contig.length != *length);
        if let Some(contig) = here {
            let (name, here) = (&contig.name, contig.length);
            log::warn!(
                "pseudoautosomal regions of {build}: contig '{name}' has {here} bp, and {length} in that build; give a BED file"
            );
        }
    }
    if lengths.iter().all(|(name, _)| id(name).is_none()) {
        log::warn!(
            "pseudoautosomal regions of {build}: the reference has no contig X, Y, chrX or chrY; give a BED file"
        );
    }
    let mut targets = Targets::default();
    for region in pseudoautosomal {
        let (name, span) = region.split_once(':')?;
        let (start, end) = span.split_once('-')?;
        let interval = Interval::new(start.parse::<u64>().ok()? - 1, end.parse().ok()?);
        if let Some(id) = id(name) {
            targets.insert(id, interval);
        }
    }
    Some(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Contig;

    fn contigs() -> Contigs {
        let contig = |name: &str| Contig { name: name.into(), length: 160_000_000 };
        Contigs::new(vec![contig("chr1"), contig("chrX"), contig("chrY")])
    }

    #[test]
    fn sex_chromosomes_of_a_male() {
        let par = pseudoautosomal_regions("GRCh38", &contigs()).unwrap();
        let ploidy = Ploidy::new(&["chrX".into(), "chrY".into()], par, &contigs()).unwrap();
        let at = |contig, position| ploidy.is_haploid(ContigId(contig), position);
        assert!(!at(0, 5_000_000) && at(1, 5_000_000) && at(2, 5_000_000));
        assert!(at(1, 9_999) && !at(1, 10_000) && !at(1, 2_781_478) && at(1, 2_781_479));
        assert!(!at(2, 57_000_000));
    }

    #[test]
    fn builds_are_those_of_the_consortium() {
        for build in &BUILDS {
            let contigs = Contigs::new(
                build.lengths.iter().map(|&(name, length)| Contig { name: name.into(), length }).collect(),
            );
            let targets = pseudoautosomal_regions(build.name, &contigs).unwrap();
            assert_eq!(targets.iter().count(), 4);
            assert!(targets.iter().all(|(id, interval)| interval.end() < contigs.get(id).length), "{}", build.name);
        }
    }

    #[test]
    fn unknown_names() {
        assert!(pseudoautosomal_regions("T2T", &contigs()).is_none());
        assert!(Ploidy::new(&["X".into()], Targets::default(), &contigs()).is_err());
    }
}
