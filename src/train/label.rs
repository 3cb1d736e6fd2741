//! A region's candidates and the truth -> each candidate's true [`Genotype`].
//!
//! A sequence has many representations: an indel further right in a repeat, two neighbouring SNPs as one substitution of two bases,
//! alleles of one position in one record or in two. So haplotypes are compared, not records: in a small group of candidates and truth
//! variants, the candidates get the genotypes whose two haplotypes equal the truth's. Where no genotypes reproduce the whole truth,
//! as little of it as possible is left out.

use std::collections::HashMap;

use itertools::Itertools as _;

use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::genome::ReferenceWindow;
use crate::pileup::AltSet;
use crate::regions::{Region, Targets};
use crate::variant::known::{KnownVariant, Truth};
use crate::variant::{Allele, Genotype};

/// Variants this close share a group, in bp.
const GROUP_GAP: u64 = 30;
/// Most candidates, and most truth variants, of a group.
const GROUP_SIZE: usize = 8;
/// Most combinations of alleles that are tried for a group; candidates of a larger one are not labelled.
const MOST_CHOICES: usize = 100_000;

/// For each candidate its genotype, or `None` where it is not used for training: outside the confident regions, or in a group
/// too large to solve.
#[must_use]
pub fn label(region: Region, evidence: &Evidence, truth: &Truth, confident: &Targets) -> Vec<Option<Genotype>> {
    let sure = |start: u64, end: u64| {
        confident.contains(region.contig, start) && confident.contains(region.contig, end.saturating_sub(1))
    };
    let near = region.interval.padded(GROUP_GAP, u64::MAX - GROUP_GAP);
    let known: Vec<&KnownVariant> =
        truth.variants(region.contig, near.start(), near.end()).filter(|v| sure(v.position, v.end())).collect();
    let mut labels = vec![None; evidence.candidates.len()];
    for group in groups(&evidence.candidates, &known) {
        let candidates: Vec<_> = group.candidates.iter().map(|&i| of_candidate(&evidence.candidates[i])).collect();
        let truths: Vec<_> = group.truths.iter().map(|&i| known[i]).collect();
        let Some(genotypes) = solve(&candidates, &truths, &evidence.reference) else { continue };
        for (&i, genotype) in group.candidates.iter().zip(genotypes) {
            let interval = evidence.candidates[i].interval();
            labels[i] = sure(interval.start(), interval.end()).then_some(genotype);
        }
    }
    labels
}

/// The class of an image: how many copies the genotype has of its set's alleles.
#[must_use]
pub fn class(genotype: Genotype, set: AltSet) -> u8 {
    let copies = genotype.alleles().filter_map(|allele| allele.checked_sub(1)).filter(|&alt| set.contains(alt));
    copies.map(|_| 1).sum()
}

/// Candidates and truth variants (by index) that are solved together.
#[derive(Debug, Default)]
struct Group {
    candidates: Vec<usize>,
    truths: Vec<usize>,
    end: u64,
}

fn groups(candidates: &[Candidate], truths: &[&KnownVariant]) -> Vec<Group> {
    let mut all: Vec<(u64, u64, bool, usize)> = Vec::new();
    all.extend(candidates.iter().enumerate().map(|(i, c)| (c.position, c.interval().end(), false, i)));
    all.extend(truths.iter().enumerate().map(|(i, t)| (t.position, t.end(), true, i)));
    all.sort_unstable();
    let mut groups: Vec<Group> = Vec::new();
    for (start, end, is_truth, index) in all {
        // A variant that overlaps the group's last one belongs to it, however full it is.
        let fits = |group: &Group| {
            let full = group.candidates.len() >= GROUP_SIZE || group.truths.len() >= GROUP_SIZE;
            start < group.end || (!full && start <= group.end + GROUP_GAP)
        };
        if !groups.last().is_some_and(fits) {
            groups.push(Group::default());
        }
        if let Some(group) = groups.last_mut() {
            if is_truth {
                group.truths.push(index);
            } else {
                group.candidates.push(index);
            }
            group.end = group.end.max(end);
        }
    }
    groups
}

/// An allele without the bases that both its sides share, which are none of its own: one side may be empty.
fn edit(position: u64, reference: &[u8], alternative: &[u8]) -> Allele {
    let mut allele = Allele::new(position, reference, alternative);
    allele.trim_suffix(0);
    allele.trim_prefix(0);
    allele
}

/// What an assignment costs: copies of the truth left out, then copies of candidates used.
type Cost = (usize, usize);

/// The edits of a site's alternative alleles.
type Edits = Vec<Allele>;

fn of_candidate(candidate: &Candidate) -> Edits {
    candidate.alts.iter().map(|alt| edit(candidate.position, &candidate.reference, &alt.bases)).collect()
}

/// Each candidate's genotype, so that their haplotypes are those of as much of the truth as possible.
fn solve(candidates: &[Edits], truths: &[&KnownVariant], reference: &ReferenceWindow) -> Option<Vec<Genotype>> {
    if truths.is_empty() {
        return Some(vec![Genotype::HOM_REF; candidates.len()]);
    }
    let known: Vec<Edits> =
        truths.iter().map(|t| t.alternatives.iter().map(|alt| edit(t.position, &t.reference, alt)).collect()).collect();
    let edits = || candidates.iter().chain(&known).flatten();
    let start = edits().map(|edit| edit.position).min()?;
    let end = edits().map(Allele::end).max()?;
    let bases = reference.slice(start.cast_signed(), end.cast_signed())?;
    let ways = candidates.iter().try_fold(1_usize, |n, edits| n.checked_mul(edits.len() + 1))?;
    if ways > MOST_CHOICES {
        return None;
    }
    // Every haplotype that candidates can spell, with the choices of alleles that spell it.
    let sizes: Vec<usize> = candidates.iter().map(|edits| edits.len() + 1).collect();
    let mut spelled: HashMap<Vec<u8>, Vec<Vec<usize>>> = HashMap::new();
    for choice in choices(&sizes) {
        if let Some(sequence) = haplotype(start, bases, candidates, &choice) {
            spelled.entry(sequence).or_default().push(choice);
        }
    }
    let options: Vec<Vec<Genotype>> = truths.iter().map(|t| parts(t.genotype)).collect();
    let sizes: Vec<usize> = options.iter().map(Vec::len).collect();
    if sizes.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).is_none_or(|n| n > MOST_CHOICES) {
        return None;
    }
    let mut best: Option<(Cost, [&Vec<usize>; 2])> = None;
    for choice in choices(&sizes) {
        let genotypes: Vec<Genotype> = choice.iter().zip(&options).map(|(&i, options)| options[i]).collect();
        let missed = |(t, g): (&&KnownVariant, &Genotype)| t.genotype.alternative_copies() - g.alternative_copies();
        let missed: usize = truths.iter().zip(&genotypes).map(missed).sum();
        if best.as_ref().is_some_and(|((least, _), _)| missed > *least) {
            continue;
        }
        let side = |i: usize| {
            let alleles: Vec<usize> = genotypes.iter().filter_map(|genotype| genotype.alleles().nth(i)).collect();
            haplotype(start, bases, &known, &alleles).and_then(|sequence| spelled.get(&sequence))
        };
        let (Some(first), Some(second)) = (side(0), side(1)) else { continue };
        for (a, b) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))) {
            let used = a.iter().chain(b).filter(|&&allele| allele > 0).count();
            if best.as_ref().is_none_or(|(least, _)| (missed, used) < *least) {
                best = Some(((missed, used), [a, b]));
            }
        }
    }
    // Leaving out all of the truth is always possible, so there is a best.
    let (_, [first, second]) = best?;
    Some(first.iter().zip(second).map(|(&a, &b)| Genotype::Diploid(a, b)).collect())
}

/// All choices of one of `sizes[i]` things for each `i`. The first changes fastest: of equal solutions the first one is taken.
fn choices(sizes: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    sizes.iter().rev().map(|&size| 0..size).multi_cartesian_product().update(|choice| choice.reverse())
}

/// The parts of a genotype that may be taken for true: all of it, its haplotypes in either order, then with alleles left out.
fn parts(genotype: Genotype) -> Vec<Genotype> {
    let Genotype::Diploid(a, b) = genotype else { return parts(Genotype::Diploid(genotype.index(), genotype.index())) };
    let mut all = Vec::new();
    for (a, b) in [(a, b), (b, a), (a, 0), (0, a), (b, 0), (0, b), (0, 0)] {
        if !all.contains(&Genotype::Diploid(a, b)) {
            all.push(Genotype::Diploid(a, b));
        }
    }
    all
}

/// The sequence from `start` on with the chosen alleles (0 is the reference's) in place; `None` where they overlap.
fn haplotype(start: u64, bases: &[u8], sites: &[Edits], alleles: &[usize]) -> Option<Vec<u8>> {
    let mut edits: Vec<&Allele> = sites
        .iter()
        .zip(alleles)
        .filter_map(|(edits, &allele)| allele.checked_sub(1).and_then(|alt| edits.get(alt)))
        .collect();
    edits.sort_by_key(|edit| (edit.position, edit.end()));
    let mut sequence = Vec::with_capacity(bases.len() + 16);
    let mut at = start;
    let mut inserted_at = None;
    for edit in edits {
        if edit.position < at || inserted_at == Some(edit.position) {
            return None;
        }
        let offset = |position: u64| usize::try_from(position - start).ok();
        sequence.extend_from_slice(bases.get(offset(at)?..offset(edit.position)?)?);
        sequence.extend_from_slice(&edit.alternative);
        at = edit.end();
        inserted_at = edit.reference.is_empty().then_some(edit.position);
    }
    sequence.extend_from_slice(bases.get(usize::try_from(at - start).ok()?..)?);
    Some(sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    //                        0         1         2         3
    //                        0123456789012345678901234567890123456789
    const REFERENCE: &[u8] = b"GATTACAGGCACACACATTTTGCCTAGGATCCTTAGCCAT";

    fn truth(position: u64, reference: &str, alternatives: &[&str], [a, b]: [usize; 2]) -> KnownVariant {
        let bytes = |text: &&str| text.as_bytes().to_vec();
        KnownVariant {
            position,
            reference: reference.as_bytes().to_vec(),
            alternatives: alternatives.iter().map(bytes).collect(),
            genotype: Genotype::Diploid(a, b),
        }
    }

    fn candidate(position: u64, reference: &str, alternatives: &[&str]) -> Edits {
        alternatives.iter().map(|alt| edit(position, reference.as_bytes(), alt.as_bytes())).collect()
    }

    /// Copies of each alternative allele of each candidate.
    fn solved(candidates: &[Edits], truths: &[KnownVariant]) -> Vec<Vec<usize>> {
        let window = ReferenceWindow::new(0, REFERENCE.to_vec());
        let genotypes = solve(candidates, &truths.iter().collect::<Vec<_>>(), &window).unwrap();
        let copies = |(edits, genotype): (&Edits, Genotype)| (1..=edits.len()).map(|i| genotype.copies(i)).collect();
        candidates.iter().zip(genotypes).map(copies).collect()
    }

    #[test]
    fn the_same_line_has_its_genotype() {
        let het = truth(6, "A", &["C"], [0, 1]);
        assert_eq!(solved(&[candidate(6, "A", &["C"])], std::slice::from_ref(&het)), [[1]]);
        assert_eq!(solved(&[candidate(6, "A", &["C"])], &[truth(6, "A", &["C"], [1, 1])]), [[2]]);
        assert_eq!(solved(&[candidate(6, "A", &["G"])], std::slice::from_ref(&het)), [[0]]);
        assert_eq!(solved(&[candidate(6, "A", &["C", "G"])], &[het]), [[1, 0]]);
        assert_eq!(solved(&[candidate(6, "A", &["C"])], &[]), [[0]]);
    }

    #[test]
    fn an_indel_may_be_written_elsewhere_in_its_repeat() {
        // ACACACA: one AC less.
        let right = truth(13, "ACA", &["A"], [0, 1]);
        assert_eq!(solved(&[candidate(8, "GCA", &["G"])], &[right]), [[1]]);
        let longer = truth(17, "T", &["TT"], [1, 1]);
        assert_eq!(solved(&[candidate(16, "A", &["AT"])], &[longer]), [[2]]);
    }

    #[test]
    fn neighbouring_bases_may_share_a_line() {
        let both = truth(6, "AG", &["CT"], [0, 1]);
        let apart = [candidate(6, "A", &["C"]), candidate(7, "G", &["T"])];
        assert_eq!(solved(&apart, &[both]), [[1], [1]]);
        let truths = [truth(6, "A", &["C"], [0, 1]), truth(7, "G", &["T"], [1, 1])];
        assert_eq!(solved(&apart, &truths), [[1], [2]]);
        assert_eq!(solved(&[candidate(6, "AG", &["CT", "AT"])], &truths), [[1, 1]]);
    }

    #[test]
    fn alleles_of_one_line_may_stand_on_two() {
        // T>TT and a deletion of a T, one on each haplotype.
        let one = truth(16, "AT", &["A", "ATT"], [1, 2]);
        assert_eq!(solved(&[candidate(16, "AT", &["A", "ATT"])], std::slice::from_ref(&one)), [[1, 1]]);
        let two = [truth(16, "AT", &["A"], [0, 1]), truth(16, "A", &["AT"], [1, 0])];
        assert_eq!(solved(&[candidate(16, "AT", &["A", "ATT"])], &two), [[1, 1]]);
    }

    #[test]
    fn what_no_candidate_has_is_left_out() {
        let truths = [truth(6, "A", &["C"], [0, 1]), truth(20, "T", &["G"], [1, 1])];
        assert_eq!(solved(&[candidate(6, "A", &["C"])], &truths), [[1]]);
        // One allele of two.
        assert_eq!(solved(&[candidate(6, "A", &["C"])], &[truth(6, "A", &["C", "G"], [1, 2])]), [[1]]);
    }

    #[test]
    fn overlapping_alleles_lie_on_different_haplotypes() {
        let truths = [truth(21, "GCC", &["G"], [0, 1]), truth(22, "C", &["A"], [1, 0])];
        let candidates = [candidate(21, "GCC", &["G"]), candidate(22, "C", &["A"])];
        assert_eq!(solved(&candidates, &truths), [[1], [1]]);
        // Both homozygous cannot be: one copy of each is left out.
        let truths = [truth(21, "GCC", &["G"], [1, 1]), truth(22, "C", &["A"], [1, 1])];
        let copies = solved(&candidates, &truths);
        assert_eq!(copies[0][0] + copies[1][0], 2);
    }

    #[test]
    fn groups_are_close_and_small() {
        let at = |position| truth(position, "A", &["C"], [0, 1]);
        let truths: Vec<_> = [0, 30, 62, 93, 94, 95, 96, 97, 98, 99, 100, 101].map(at).into();
        let found = groups(&[], &truths.iter().collect::<Vec<_>>());
        assert_eq!(found.iter().map(|group| group.truths.len()).collect::<Vec<_>>(), [2, 8, 2]);
    }

    #[test]
    fn the_first_choice_changes_fastest() {
        let all: Vec<_> = choices(&[2, 3]).collect();
        assert_eq!(all, [[0, 0], [1, 0], [0, 1], [1, 1], [0, 2], [1, 2]]);
        assert_eq!(choices(&[]).collect::<Vec<_>>(), [Vec::<usize>::new()]);
    }

    #[test]
    fn classes_count_copies() {
        let of = |a, b, set| class(Genotype::Diploid(a, b), set);
        assert_eq!((of(1, 2, AltSet::One(0)), of(1, 2, AltSet::Two(0, 1))), (1, 2));
        assert_eq!((of(1, 1, AltSet::One(1)), of(1, 1, AltSet::One(0)), of(0, 0, AltSet::One(0))), (0, 2, 0));
    }
}
