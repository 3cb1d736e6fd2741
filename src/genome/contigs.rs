//! The contigs of a genome, in the reference's order, and whether two files speak of the same ones.

use std::collections::HashMap;
use std::path::Path;

use crate::error::{Error, Result};

/// Share of bp that both files must know, of the smaller of the two genomes, as DeepVariant asks for.
pub const MIN_SHARED_BASES: f64 = 0.9;

/// Index of a contig in its [`Contigs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContigId(pub usize);

/// A contig's name and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contig {
    /// Its name, as in the FASTA.
    pub name: String,
    /// Its length in bp.
    pub length: u64,
}

/// Contigs in file order.
#[derive(Clone, Debug, Default)]
pub struct Contigs {
    list: Vec<Contig>,
    by_name: HashMap<String, ContigId>,
}

impl Contigs {
    /// Contigs in the order given.
    #[must_use]
    pub fn new(list: Vec<Contig>) -> Self {
        let by_name = list.iter().enumerate().map(|(i, c)| (c.name.clone(), ContigId(i))).collect();
        Self { list, by_name }
    }

    /// The contig of that name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ContigId> {
        self.by_name.get(name).copied()
    }

    /// The contig of that index, which must come from this list.
    #[must_use]
    pub fn get(&self, id: ContigId) -> &Contig {
        &self.list[id.0]
    }

    /// All with their index, in file order.
    pub fn iter(&self) -> impl Iterator<Item = (ContigId, &Contig)> {
        self.list.iter().enumerate().map(|(i, contig)| (ContigId(i), contig))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// What to say of a contig name that is not here, with the likely one where there is one.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        let other = name.strip_prefix("chr").map_or_else(|| format!("chr{name}"), str::to_owned);
        let hint = if self.id(&other).is_some() {
            format!("; did you mean '{other}'?")
        } else {
            let known: Vec<_> = self.list.iter().take(5).map(|c| c.name.as_str()).collect();
            let dots = if self.len() > 5 { ", ..." } else { "" };
            format!("; it has {}{dots}", known.join(", "))
        };
        format!("contig '{name}' is not in the reference{hint}")
    }
}

/// Checks that reads made against `reads` can be called against `reference`.
///
/// # Errors
/// [`Error::Input`] naming the reads file and the contigs that disagree: same name with another length, or less than
/// [`MIN_SHARED_BASES`] of the smaller genome known to both. A reference of one chromosome serves reads of all; the
/// others are named in a warning.
pub fn check_agreement(reads: &Contigs, reads_path: &Path, reference: &Contigs, reference_path: &Path) -> Result<()> {
    let reference_path = reference_path.display();
    if reads.is_empty() {
        return Err(Error::input(reads_path, "its header names no contig (@SQ); align the reads first"));
    }
    let mut shared = 0;
    let mut missing = Vec::new();
    for (_, contig) in reads.iter() {
        match reference.id(&contig.name) {
            Some(id) if reference.get(id).length == contig.length => shared += contig.length,
            Some(id) => {
                return Err(Error::input(
                    reads_path,
                    format!(
                        "contig '{}' is {} bp there but {} bp in {reference_path}; give the reference that the reads were aligned to",
                        contig.name,
                        contig.length,
                        reference.get(id).length,
                    ),
                ));
            }
            None => missing.push(contig.name.as_str()),
        }
    }
    let bases = |contigs: &Contigs| contigs.iter().map(|(_, contig)| contig.length).sum::<u64>();
    let total = bases(reads).min(bases(reference));
    let listed = missing.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let dots = if missing.len() > 5 { ", ..." } else { "" };
    // Shares of genome lengths: far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let share = shared as f64 / total.max(1) as f64;
    if share < MIN_SHARED_BASES {
        let hint = missing.first().map(|name| reference.unknown(name)).unwrap_or_default();
        return Err(Error::input(
            reads_path,
            format!(
                "{} of its {} contigs ({listed}{dots}) are not in {reference_path} ({hint}); give the reference that the reads were aligned to",
                missing.len(),
                reads.len(),
            ),
        ));
    }
    if !missing.is_empty() {
        log::warn!(
            "{}: reads on {} of its contigs ({listed}{dots}) are not looked at: {reference_path} lacks them",
            reads_path.display(),
            missing.len()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contigs(list: &[(&str, u64)]) -> Contigs {
        Contigs::new(list.iter().map(|&(name, length)| Contig { name: name.into(), length }).collect())
    }

    fn check(reads: &[(&str, u64)], reference: &[(&str, u64)]) -> Result<(), String> {
        check_agreement(&contigs(reads), Path::new("a.bam"), &contigs(reference), Path::new("r.fa"))
            .map_err(|e| e.to_string())
    }

    #[test]
    fn equal_contigs_agree() {
        assert_eq!(check(&[("1", 100)], &[("1", 100), ("2", 50)]), Ok(()));
    }

    #[test]
    fn a_few_decoys_may_be_missing() {
        assert_eq!(check(&[("1", 95), ("decoy", 5)], &[("1", 95)]), Ok(()));
    }

    #[test]
    fn a_reference_of_one_chromosome_serves() {
        assert_eq!(check(&[("1", 100), ("2", 900)], &[("1", 100)]), Ok(()));
    }

    #[test]
    fn another_length_names_both() {
        let message = check(&[("1", 100)], &[("1", 101)]).unwrap_err();
        assert!(message.contains("a.bam") && message.contains("100 bp") && message.contains("101 bp"), "{message}");
    }

    #[test]
    fn chr_prefix_gives_a_hint() {
        let message = check(&[("chr1", 100)], &[("1", 100)]).unwrap_err();
        assert!(message.contains("did you mean '1'"), "{message}");
    }
}
