//! The contigs of a reads file and of the reference -> whether the called contigs are the same in both.

use std::path::Path;

use super::{ContigId, Contigs};
use crate::error::{Error, Result};

/// Share of bp that both files must have, of the smaller of the reads' genome and of the called contigs; `DeepVariant`'s threshold.
pub const MIN_SHARED_BASES: f64 = 0.9;
/// Names in a list.
const LISTED: usize = 5;

/// Checks that reads made against `reads` can be called against `reference` on its contigs `called`.
///
/// # Errors
/// [`Error::Input`] naming the reads file and the contigs that disagree: a called contig with another length, or less than
/// [`MIN_SHARED_BASES`] known to both. A reference of one chromosome serves reads of all; the others are named in a warning, as are
/// contigs that are not called and have another length.
pub fn check_agreement(
    reads: &Contigs,
    reads_path: &Path,
    reference: &Contigs,
    reference_path: &Path,
    called: &[ContigId],
) -> Result<()> {
    let reference_path = reference_path.display();
    if reads.is_empty() {
        return Err(Error::input(reads_path, "its header lists no contigs (@SQ); align the reads first"));
    }
    let mut shared = 0;
    let (mut unread, mut total_called) = (Vec::new(), 0);
    for &id in called {
        let contig = reference.get(id);
        total_called += contig.length;
        match reads.id(&contig.name).map(|id| reads.get(id).length) {
            Some(length) if length == contig.length => shared += contig.length,
            Some(length) => {
                return Err(Error::input(
                    reads_path,
                    format!(
                        "contig '{}' is {length} bp long, but {} bp in {reference_path}; give the reference that the reads were aligned to",
                        contig.name, contig.length,
                    ),
                ));
            }
            None => unread.push(contig.name.as_str()),
        }
    }
    let missing: Vec<_> = names(reads).filter(|name| reference.id(name).is_none()).collect();
    let total = reads.iter().map(|(_, contig)| contig.length).sum::<u64>().min(total_called);
    // Shares of genome lengths: far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let share = shared as f64 / total.max(1) as f64;
    if share < MIN_SHARED_BASES {
        let problem = if let Some(name) = missing.first() {
            let (n, all, hint) = (missing.len(), reads.len(), reference.unknown(name));
            format!("{n} of its {all} contigs ({}) are not in {reference_path} ({hint})", listed(&missing))
        } else {
            format!("its header lacks {} of the contigs to call ({})", unread.len(), listed(&unread))
        };
        return Err(Error::input(reads_path, format!("{problem}; give the reference that the reads were aligned to")));
    }
    warn(reads, reads_path, reference, &reference_path, &missing, &unread);
    Ok(())
}

/// Warns of contigs that are missing from one file, or that differ in length.
fn warn(
    reads: &Contigs,
    reads_path: &Path,
    reference: &Contigs,
    reference_path: &dyn std::fmt::Display,
    missing: &[&str],
    unread: &[&str],
) {
    let reads_path = reads_path.display();
    if !missing.is_empty() {
        let (n, names) = (missing.len(), listed(missing));
        log::warn!("{reads_path}: ignoring reads on {n} of its contigs ({names}), which {reference_path} lacks");
    }
    if !unread.is_empty() {
        let (n, names) = (unread.len(), listed(unread));
        log::warn!("{reads_path}: its header lacks {n} of the contigs to call ({names})");
    }
    // Called contigs were checked before.
    let length = |name: &str| reference.id(name).map(|id| reference.get(id).length);
    let other = |contig: &super::Contig| length(&contig.name).is_some_and(|length| length != contig.length);
    let others: Vec<_> =
        reads.iter().filter(|(_, contig)| other(contig)).map(|(_, contig)| contig.name.as_str()).collect();
    if !others.is_empty() {
        let (n, names) = (others.len(), listed(&others));
        log::warn!("{reads_path}: {n} contig(s) that are not called ({names}) differ in length from {reference_path}");
    }
}

fn names(contigs: &Contigs) -> impl Iterator<Item = &str> {
    contigs.iter().map(|(_, contig)| contig.name.as_str())
}

/// The first names of a list.
#[must_use]
pub fn listed(names: &[&str]) -> String {
    let dots = if names.len() > LISTED { ", ..." } else { "" };
    names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ") + dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Contig;

    fn contigs(list: &[(&str, u64)]) -> Contigs {
        Contigs::new(list.iter().map(|&(name, length)| Contig { name: name.into(), length }).collect())
    }

    fn check_called(reads: &[(&str, u64)], reference: &[(&str, u64)], called: &[usize]) -> Result<(), String> {
        let called: Vec<_> = called.iter().copied().map(ContigId).collect();
        check_agreement(&contigs(reads), Path::new("a.bam"), &contigs(reference), Path::new("r.fa"), &called)
            .map_err(|e| e.to_string())
    }

    fn check(reads: &[(&str, u64)], reference: &[(&str, u64)]) -> Result<(), String> {
        check_called(reads, reference, &(0..reference.len()).collect::<Vec<_>>())
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

    #[test]
    fn only_called_contigs_must_agree() {
        let (reads, reference) = ([("1", 100), ("2", 900)], [("1", 100), ("2", 800)]);
        assert_eq!(check_called(&reads, &reference, &[0]), Ok(()));
        assert!(check_called(&reads, &reference, &[0, 1]).unwrap_err().contains("'2'"));
        // The rest of the genome may be another's.
        assert_eq!(check_called(&[("1", 100), ("x", 900)], &[("1", 100), ("y", 800)], &[0]), Ok(()));
        let message = check_called(&[("1", 100), ("x", 900)], &[("1", 100), ("y", 800)], &[1]).unwrap_err();
        assert!(message.contains("a.bam") && message.contains("(x)"), "{message}");
        let message = check_called(&[("1", 100)], &[("1", 100), ("2", 800)], &[1]).unwrap_err();
        assert!(message.contains("lacks 1 of the contigs to call (2)"), "{message}");
    }
}
