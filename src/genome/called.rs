//! The contigs to call -> whether VCF allows their names, and whether the reference has bases there.

use super::agreement::listed;
use super::names::is_valid_in_vcf;
use super::{ContigId, Interval, Reference, ReferenceFile};
use crate::error::{Error, Parameter, Result};

/// Number of windows of a contig whose letters are checked, and their length in bp; only the longest contigs have more than one.
const WINDOWS: u64 = 5;
const WINDOW: u64 = 128;
const LONGEST: usize = 25;
/// Most contigs whose letters are checked, the longest first.
const MOST_CONTIGS: usize = 300;
/// Most bp that are read to find a known base if the windows have none.
const MOST_SEARCHED: u64 = 500_000_000;
const SEARCHED_AT_ONCE: u64 = 1 << 20;

/// Checks the contigs `called`: names, and letters in a few windows of each. Contigs that consist of N are named in a warning.
///
/// # Errors
/// [`Error::Input`] for a name that VCF forbids or that the FASTA has twice, and for letters that are not IUPAC nucleotides.
pub fn check(file: &ReferenceFile, called: &[ContigId]) -> Result<()> {
    let contigs = file.contigs();
    for &id in called {
        let name = &contigs.get(id).name;
        let problem = if !is_valid_in_vcf(name) {
            "has a name that VCF does not allow; rename it in reference and reads"
        } else if file.is_doubled(name) {
            "occurs twice; remove one and run samtools faidx"
        } else {
            continue;
        };
        let problem = format!("contig '{name}' {problem}, or call other contigs");
        return Err(Error::input_or_set(file.path(), problem, Parameter::Regions));
    }
    let mut by_length: Vec<ContigId> = called.iter().copied().filter(|&id| contigs.get(id).length > 0).collect();
    by_length.sort_by_key(|&id| (std::cmp::Reverse(contigs.get(id).length), id));
    let mut reference = file.open()?;
    let (mut unknown, mut budget) = (Vec::new(), MOST_SEARCHED);
    for (rank, &id) in by_length.iter().take(MOST_CONTIGS).enumerate() {
        let windows = if rank < LONGEST { WINDOWS } else { 1 };
        if is_unknown_in_windows(file, &mut reference, id, windows)? && is_unknown(&mut reference, id, &mut budget)? {
            unknown.push(contigs.get(id).name.as_str());
        }
    }
    if !unknown.is_empty() && unknown.len() == by_length.len() {
        log::warn!("{}: the contigs to call consist of N: nothing can be called", file.path().display());
    } else if !unknown.is_empty() {
        let (path, n, names) = (file.path().display(), unknown.len(), listed(&unknown));
        log::warn!("{path}: {n} contig(s) consist of N ({names}): nothing can be called there");
    }
    Ok(())
}

/// Whether windows of a contig hold no known base.
fn is_unknown_in_windows(file: &ReferenceFile, reference: &mut Reference, id: ContigId, windows: u64) -> Result<bool> {
    let contig = file.contigs().get(id);
    let mut unknown = true;
    for i in 0..windows {
        let start = contig.length.saturating_sub(WINDOW) / (WINDOWS - 1) * i;
        let letters = reference.letters(id, Interval::new(start, (start + WINDOW).min(contig.length)))?;
        if let Some(letter) = letters.iter().find(|&&letter| !may_be_nucleotide(letter)) {
            let (name, at) = (&contig.name, start + 1);
            return Err(Error::input(
                file.path(),
                format!(
                    "contig '{name}' has the letter '{}' near {at}, which is not a nucleotide; give a nucleotide FASTA, not a protein one",
                    char::from(*letter)
                ),
            ));
        }
        unknown &= !letters.into_iter().any(is_known);
        if contig.length <= WINDOW {
            break;
        }
    }
    Ok(unknown)
}

/// Whether a contig holds no known base at all, as far as the budget of bp reaches.
fn is_unknown(reference: &mut Reference, id: ContigId, budget: &mut u64) -> Result<bool> {
    let length = reference.contigs().get(id).length;
    let mut start = 0;
    while start < length {
        let end = (start + SEARCHED_AT_ONCE).min(length);
        let Some(left) = budget.checked_sub(end - start) else { return Ok(false) };
        *budget = left;
        if reference.letters(id, Interval::new(start, end))?.into_iter().any(is_known) {
            return Ok(false);
        }
        start = end;
    }
    Ok(true)
}

/// Without a search, as a contig may begin with many millions of N.
fn is_known(letter: u8) -> bool {
    matches!(letter.to_ascii_uppercase(), b'A' | b'C' | b'G' | b'T' | b'U')
}

/// IUPAC nucleotide codes, and symbols for a gap or an unknown base.
fn may_be_nucleotide(letter: u8) -> bool {
    b"ACGTUNRYKMSWBDHVX-.*?".contains(&letter.to_ascii_uppercase())
}
