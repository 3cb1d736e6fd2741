//! A manifest -> the data sets to train and to tune on, opened and checked against each other.

use std::collections::HashMap;
use std::path::PathBuf;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::files::input::same_file;
use crate::genome::{ContigId, Contigs, Interval, ReferenceFile};
use crate::regions::Targets;
use crate::train::data::DataSet;
use crate::train::manifest::{Manifest, Role, SetFiles};

/// Everything that a model learns from and is tuned on.
#[derive(Clone, Debug)]
pub struct Sets {
    /// Where they come from.
    pub manifest: Manifest,
    /// To learn from.
    pub train: Vec<DataSet>,
    /// To choose the best weights by; never learned from.
    pub tune: Vec<DataSet>,
}

/// A line of the manifest with what is needed to compare it with another one.
struct Outline<'a> {
    files: &'a SetFiles,
    reference: ReferenceFile,
    confident: Targets,
}

impl Sets {
    /// Opens all files of a manifest; the reads are surveyed by `evidence`.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be used, or where a tune set's reads are learned from in the same regions.
    pub fn open(manifest: Manifest, evidence: EvidenceOptions) -> Result<Self> {
        let mut references: HashMap<PathBuf, ReferenceFile> = HashMap::new();
        let mut outlines = Vec::new();
        for files in manifest.sets() {
            let reference = match references.get(&files.reference) {
                Some(known) => known.clone(),
                None => ReferenceFile::new(&files.reference)?,
            };
            references.insert(files.reference.clone(), reference.clone());
            let confident = Targets::from_bed(&files.confident, reference.contigs())?;
            outlines.push(Outline { files, reference, confident });
        }
        keep_apart(&manifest, &outlines)?;
        let open = |Outline { files, reference, confident }: Outline| {
            DataSet::open(files, &reference, confident, evidence).map(|set| (files.role, set))
        };
        // Their surveys take most of the time. Of several faults the first line's is reported.
        let sets: Vec<Result<(Role, DataSet)>> = outlines.into_par_iter().map(open).collect();
        let sets = sets.into_iter().collect::<Result<Vec<_>>>()?;
        let (train, tune): (Vec<_>, Vec<_>) = sets.into_iter().partition(|(role, _)| *role == Role::Train);
        let [train, tune] = [train, tune].map(|sets| sets.into_iter().map(|(_, set)| set).collect());
        Ok(Self { manifest, train, tune })
    }
}

/// Refuses reads that are trained and tuned on in the same regions: a model is never evaluated on what it learned from.
fn keep_apart(manifest: &Manifest, outlines: &[Outline]) -> Result<()> {
    let of = |role: Role| outlines.iter().filter(move |outline| outline.files.role == role);
    for (tune, train) in of(Role::Tune).flat_map(|tune| of(Role::Train).map(move |train| (tune, train))) {
        let shared = tune.files.reads.iter().find(|file| train.files.reads.iter().any(|other| same_file(file, other)));
        let Some(reads) = shared else { continue };
        let contigs = tune.reference.contigs();
        if let Some((contig, both)) = overlap(&tune.confident, contigs, &train.confident, train.reference.contigs()) {
            let (reads, contig) = (reads.display(), &contigs.get(contig).name);
            return Err(Error::input(
                manifest.path(),
                format!(
                    "line {}: tunes on {reads} in {contig}:{}-{}, from which line {} learns; give tune sets regions of their own",
                    tune.files.line,
                    both.start() + 1,
                    both.end(),
                    train.files.line
                ),
            ));
        }
    }
    Ok(())
}

/// The first stretch, in the order of `a`, that lies in both; contigs are the same by their names.
fn overlap(a: &Targets, a_contigs: &Contigs, b: &Targets, b_contigs: &Contigs) -> Option<(ContigId, Interval)> {
    let mut others: HashMap<ContigId, Vec<Interval>> = HashMap::new();
    b.iter().for_each(|(contig, interval)| others.entry(contig).or_default().push(interval));
    a.iter().find_map(|(contig, interval)| {
        let others = others.get(&b_contigs.id(&a_contigs.get(contig).name)?)?;
        // Sorted and disjoint: only the first that ends behind the interval's start can be the first that overlaps.
        let next = others.get(others.partition_point(|other| other.end() <= interval.start()))?;
        let both = next.intersect(interval);
        (!both.is_empty()).then_some((contig, both))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Contig;

    #[test]
    fn overlaps_are_found_by_names() {
        let contigs =
            |names: [&str; 2]| Contigs::new(names.map(|name| Contig { name: name.into(), length: 100 }).into());
        let (a_contigs, b_contigs) = (contigs(["1", "2"]), contigs(["2", "3"]));
        let targets = |intervals: &[(usize, u64, u64)]| {
            let mut targets = Targets::default();
            for &(contig, start, end) in intervals {
                targets.insert(ContigId(contig), Interval::new(start, end));
            }
            targets
        };
        let of = |a: &[(usize, u64, u64)], b: &[(usize, u64, u64)]| {
            overlap(&targets(a), &a_contigs, &targets(b), &b_contigs)
                .map(|(contig, both)| (contig.0, both.start(), both.end()))
        };
        // Contig 1 of `a` is contig 0 of `b`.
        assert_eq!(of(&[(0, 0, 50), (1, 10, 20)], &[(0, 0, 5), (0, 18, 30), (1, 0, 100)]), Some((1, 18, 20)));
        assert_eq!(of(&[(0, 0, 50), (1, 10, 20)], &[(0, 0, 10), (0, 20, 30)]), None);
        assert_eq!(of(&[(0, 0, 50)], &[(0, 0, 50)]), None);
    }
}
