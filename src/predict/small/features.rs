//! A candidate's evidence -> its [`Features`]: the numbers that the small model takes.
//!
//! They depend on the reads over the candidate, on the reference around it and on the sample's profile, so that neither region borders nor
//! other candidates change them.

use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::genome::ReferenceWindow;
use crate::pileup::AltSet;
use crate::predict::small::observed::{Group, Haplotypes, Look, Nearby, Observed, REACH, flag, small};
use crate::predict::small::table::{self, Features};
use crate::reads::{CigarKind, Read};
use crate::sample::SampleProfile;
use crate::slippage::TractNumbers;

/// Columns around the candidate in which other differences are counted.
const COLUMNS: usize = 2 * REACH + 1;
/// A column differs where at least this share of its reads does, and at least two of them.
const DIFFERING: f32 = 0.15;
/// Columns with a lower share are counted apart, for they are hardly heterozygous; those with [`LIKELY`] or more are likely variants.
const MOST_OF_ONE_COPY: f32 = 0.4;
const LIKELY: f32 = 0.3;
/// Other differences of lower base quality are not counted.
const MIN_BASE_QUALITY: u8 = 12;
/// Highest base quality of a short read that counts, Phred: sequencers give no higher ones, and those of consensus reads (up to 93) say no more of an
/// allele. Models have learned from none.
const HIGHEST_OF_SHORT_READS: u8 = 42;
/// Longest read that is short, in bp.
const SHORT: usize = 500;
/// Probability of an insertion or deletion in a read that is not in its molecule.
const INDEL_ERROR: f32 = 0.02;

/// Depth and differences by column around a candidate, of the reads without the allele and of those with it.
struct Columns {
    first: i64,
    covered: [[u16; COLUMNS]; 2],
    differing: [[u16; COLUMNS]; 2],
}

impl Columns {
    fn around(position: i64) -> Self {
        Self { first: position - REACH.cast_signed() as i64, covered: [[0; COLUMNS]; 2], differing: [[0; COLUMNS]; 2] }
    }

    /// Indexes of the columns that `start..end` covers.
    fn range(&self, start: i64, end: i64) -> std::ops::Range<usize> {
        let clamp = |position: i64| usize::try_from(position - self.first).unwrap_or(0).min(COLUMNS);
        clamp(start)..clamp(end)
    }

    /// The other differences in all columns.
    fn nearby(&self) -> Nearby {
        let mut found = Nearby { nearest: small(REACH), ..Nearby::default() };
        let mut sum = 0.0;
        for column in 0..COLUMNS {
            let [others_differ, shows_differ] = self.differing.map(|of| f32::from(of[column]));
            let [others, shows] = self.covered.map(|of| f32::from(of[column]));
            let (differ, covered) = (others_differ + shows_differ, (others + shows).max(1.0));
            let share = (differ / covered).min(1.0);
            if differ < 2.0 || share < DIFFERING {
                continue;
            }
            found.differing += 1.0;
            found.few_differ += flag(share < MOST_OF_ONE_COPY);
            sum += share;
            found.highest = found.highest.max(share);
            found.nearest = found.nearest.min(small(column.abs_diff(REACH)));
            let mut kinds =
                [shows_differ, (shows - shows_differ).max(0.0), others_differ, (others - others_differ).max(0.0)];
            kinds.sort_by(f32::total_cmp);
            let third = kinds[1] / covered;
            found.third = found.third.max(third);
            if share >= LIKELY {
                found.third_beside_likely = found.third_beside_likely.max(third);
            }
        }
        found.mean = sum / found.differing.max(1.0);
        found
    }
}

/// The features of a candidate with respect to an image's alternative alleles. The evidence is its region's. Features of tracts are 0 unless
/// they are wanted.
///
/// # Panics
/// Where the set names an allele that the candidate lacks.
#[must_use]
pub fn features(
    (candidate, set): (&Candidate, AltSet),
    evidence: &Evidence,
    sample: SampleProfile,
    tracts: bool,
) -> Features {
    let alt = &candidate.alts[set.first()];
    let mut support: Vec<u32> = set.of(candidate).flat_map(|alt| alt.support.iter().copied()).collect();
    support.sort_unstable();
    let mut columns = Columns::around(candidate.position.cast_signed());
    let (mut alts, mut others, mut log_likelihoods) = (Group::default(), Group::default(), [0.0; 3]);
    let mut haplotypes = Haplotypes::default();
    let mut support = support.into_iter().peekable();
    let snp = candidate.is_snp();
    for (index, read) in (0_u32..).zip(&evidence.reads) {
        let in_support = support.next_if_eq(&index).is_some();
        if !read.span.contains(candidate.position) {
            continue;
        }
        let Some(look) = look(read, candidate, &evidence.reference, &mut columns, in_support) else { continue };
        if in_support { &mut alts } else { &mut others }.add(read, &look);
        let error = if snp { 10_f32.powf(-look.quality / 10.0).clamp(1e-4, 0.3) } else { INDEL_ERROR };
        let (hom_ref, hom_alt) = if in_support { (error, 1.0 - error) } else { (1.0 - error, error) };
        let of_read = [hom_ref, 0.5, hom_alt].map(f32::ln);
        for (sum, log_likelihood) in log_likelihoods.iter_mut().zip(of_read) {
            *sum += log_likelihood;
        }
        haplotypes.add(read.haplotype, in_support, of_read);
    }
    let observed = Observed {
        candidate,
        set,
        alt,
        alt_count: set.of(candidate).map(|alt| alt.count).sum(),
        reference: &evidence.reference,
        sample,
        kept_share: evidence.fetched.kept_share(),
        alts,
        others,
        log_likelihoods,
        nearby: columns.nearby(),
        tract: if tracts {
            evidence.tracts().numbers(candidate, set, &sample.slippage)
        } else {
            TractNumbers::default()
        },
        haplotypes,
    };
    table::all(&observed)
}

/// What a read over the candidate shows, added to the columns; `None` where it aligns no base to the position.
fn look(
    read: &Read,
    candidate: &Candidate,
    reference: &ReferenceWindow,
    columns: &mut Columns,
    in_support: bool,
) -> Option<Look> {
    let group = usize::from(in_support);
    let position = candidate.position.cast_signed();
    let own = position..position + candidate.reference.len().max(1).cast_signed() as i64;
    let mut look = Look { quality: -1.0, end_distance: 0.0, mismatches: 0.0, indels: 0.0, clipped: false };
    let last = columns.first + COLUMNS.cast_signed() as i64;
    for segment in read.segments() {
        let (at, offset) = (segment.position.cast_signed(), segment.offset);
        match segment.kind {
            CigarKind::Match => {
                let after = segment.interval().end().cast_signed();
                if at <= position && position < after {
                    let here = offset + usize::try_from(position - at).ok()?;
                    let highest = if read.bases.len() > SHORT { u8::MAX } else { HIGHEST_OF_SHORT_READS };
                    look.quality = f32::from(read.qualities[here].min(highest));
                    look.end_distance = small(here.min(read.bases.len() - 1 - here));
                }
                let (from, to) = (at.max(columns.first), after.min(last));
                if from < to {
                    let range = columns.range(from, to);
                    columns.covered[group][range].iter_mut().for_each(|n| *n += 1);
                    let first = offset + usize::try_from(from - at).ok()?;
                    let n = usize::try_from(to - from).ok()?;
                    let bases = read.bases[first..first + n].iter().zip(&read.qualities[first..first + n]);
                    let expected = reference.slice(from, to)?;
                    for (place, ((&base, &quality), &expected)) in (from..).zip(bases.zip(expected)) {
                        if base != expected && quality >= MIN_BASE_QUALITY && expected != b'N' && !own.contains(&place)
                        {
                            look.mismatches += 1.0;
                            columns.differing[group][usize::try_from(place - columns.first).ok()?] += 1;
                        }
                    }
                }
            }
            CigarKind::Insertion | CigarKind::Deletion if at - 1 != position => {
                if let Some(anchor) = columns.range(at - 1, at).next() {
                    look.indels += 1.0;
                    columns.differing[group][anchor] += 1;
                }
            }
            CigarKind::SoftClip => look.clipped |= segment.length >= 5,
            _ => {}
        }
    }
    (look.quality >= 0.0).then_some(look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genome::Interval;
    use crate::predict::small::table::{FeatureId, is_snp};
    use crate::testing::{ReadBuilder, candidate, evidence, sample_profile};

    fn of_name(name: &str, features: &Features) -> f32 {
        FeatureId::try_from(name.to_owned()).unwrap().of(features)
    }

    fn window() -> ReferenceWindow {
        ReferenceWindow::new(0, b"ACGTTGCAGGTCAAAAAACTGACT".repeat(20))
    }

    /// Ten reads of 60 bp over position 100; the first `n` show `base` there.
    fn reads(n: usize, base: u8) -> Vec<Read> {
        let text = String::from_utf8(window().slice(70, 130).unwrap().to_vec()).unwrap();
        (0..10)
            .map(|i| {
                let mut bases = text.clone().into_bytes();
                if i < n {
                    bases[30] = base;
                }
                ReadBuilder::new(70, std::str::from_utf8(&bases).unwrap()).name(&i.to_string()).build()
            })
            .collect()
    }

    #[test]
    fn likelihoods_follow_the_reads() {
        let old = char::from(window().base(100)).to_string();
        let with = |n: usize| {
            let support: Vec<u32> = (0..u32::try_from(n).unwrap()).collect();
            let new = if old == "A" { "C" } else { "A" };
            let found =
                candidate(100, &old, &[(new, u32::try_from(n).unwrap(), &support)], 10 - u32::try_from(n).unwrap());
            features(
                (&found, AltSet::One(0)),
                &evidence(reads(n, new.as_bytes()[0]), window()),
                sample_profile(),
                false,
            )
        };
        let (half, all) = (with(5), with(10));
        let likelihoods = |features| [of_name("hom_ref_likelihood", features), of_name("hom_alt_likelihood", features)];
        let [[hom_ref, hom_alt], of_all] = [likelihoods(&half), likelihoods(&all)];
        assert!(hom_ref < 0.0 && hom_alt < 0.0, "het is likeliest: {half:?}");
        assert!(of_all[0] < -1.0 && of_all[1] > 0.0, "hom-alt is likeliest: {all:?}");
        assert!((of_name("alt_fraction", &half) - 0.5).abs() < 1e-6 && is_snp(&half));
        assert!(of_name("nearby_columns", &half).abs() < 1e-6);
    }

    #[test]
    fn the_other_alleles_of_a_site_are_told() {
        let found = candidate(100, "T", &[("A", 4, &[0, 1, 2, 3]), ("TCC", 3, &[4, 5, 6]), ("TCCCC", 2, &[7, 8])], 1);
        let of_candidate = |candidate: &Candidate, set| {
            let seen = features((candidate, set), &evidence(reads(0, b'A'), window()), sample_profile(), false);
            ["two_alleles", "lesser_fraction", "unmarked_alleles", "unmarked_fraction", "unmarked_gap"]
                .map(|name| of_name(name, &seen))
        };
        let of = |set| of_candidate(&found, set);
        let near = |a: [f32; 5], b: [f32; 5]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        let ln = f32::ln;
        // Ten reads; of A the most common other one is 2 bp longer, of TCCCC A is 4 bp shorter.
        assert!(near(of(AltSet::One(0)), [0.0, 0.0, ln(3.0), 0.3, -ln(3.0)]), "{:?}", of(AltSet::One(0)));
        assert!(near(of(AltSet::One(2)), [0.0, 0.0, ln(3.0), 0.4, ln(5.0)]));
        assert!(near(of(AltSet::Two(1, 2)), [1.0, 0.2, ln(2.0), 0.4, ln(3.0)]));
        let alone = candidate(100, "T", &[("A", 4, &[0, 1, 2, 3])], 6);
        assert!(of_candidate(&alone, AltSet::One(0)).iter().all(|value| value.abs() < 1e-9));
    }

    #[test]
    fn qualities_of_consensus_reads_saturate() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 5, &[0, 1, 2, 3, 4])], 5);
        let with = |quality: u8| {
            let mut reads = reads(5, new.as_bytes()[0]);
            for read in &mut reads {
                read.qualities.fill(quality);
            }
            features((&found, AltSet::One(0)), &evidence(reads, window()), sample_profile(), false)
        };
        assert_eq!((with(60), with(93)), (with(42), with(42)));
        assert!(of_name("alt_base_quality", &with(41)) < of_name("alt_base_quality", &with(42)));
    }

    #[test]
    fn haplotypes_are_told_apart_whatever_their_numbers() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 5, &[0, 1, 2, 3, 4])], 5);
        let with = |of: &dyn Fn(usize) -> u8| {
            let mut reads = reads(5, new.as_bytes()[0]);
            for (index, read) in reads.iter_mut().enumerate() {
                read.haplotype = of(index);
            }
            features((&found, AltSet::One(0)), &evidence(reads, window()), sample_profile(), false)
        };
        let names = ["phased", "first", "second", "none"].map(|name| format!("haplotype_{name}"));
        let of = |seen: &Features| names.each_ref().map(|name| of_name(name, seen));
        let near = |a: [f32; 4], b: [f32; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        let split = with(&|index| if index < 5 { 1 } else { 2 });
        assert!(near(of(&split), [1.0, 1.0, 0.0, 0.0]), "{split:?}");
        let swapped = with(&|index| if index < 5 { 2 } else { 1 });
        assert!(split.iter().zip(swapped).all(|(a, b)| (a - b).abs() < 1e-6));
        let mixed = with(&|index| 1 + u8::try_from(index % 2).unwrap());
        let het = |seen: &Features| [of_name("haplotype_hom_ref", seen), of_name("haplotype_hom_alt", seen)];
        assert!(het(&split).iter().all(|&by_het| by_het < -1.0), "{:?}", het(&split));
        assert!(het(&mixed).iter().sum::<f32>() > het(&split).iter().sum::<f32>(), "{:?}", het(&mixed));
        assert!(near(of(&with(&|_| 0)), [0.0, 0.0, 0.0, 0.5]));
    }

    #[test]
    fn other_differences_are_seen_but_not_the_own() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 5, &[0, 1, 2, 3, 4])], 5);
        let mut all = reads(5, new.as_bytes()[0]);
        let seen = |reads: &[Read]| {
            features((&found, AltSet::One(0)), &evidence(reads.to_vec(), window()), sample_profile(), false)
        };
        assert!((of_name("nearby_distance", &seen(&all)) - 1.0).abs() < 1e-6);
        for read in &mut all[..5] {
            read.bases[50] = if read.bases[50] == b'A' { b'C' } else { b'A' };
        }
        let seen = seen(&all);
        assert!((of_name("nearby_highest", &seen) - 0.5).abs() < 1e-6, "{seen:?}");
        assert!((of_name("nearby_distance", &seen) - 20.0 / small(REACH)).abs() < 1e-6, "{seen:?}");
        // Mismatches by read: one in each that shows the allele, none in the others.
        let [alt, other] = [of_name("alt_mismatches", &seen), of_name("other_mismatches", &seen)];
        assert!((alt - 1.0).abs() < 1e-6 && other.abs() < 1e-6, "{seen:?}");
    }

    #[test]
    fn a_third_haplotype_and_more_depth_are_seen() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 3, &[0, 1, 2])], 7);
        let mut all = reads(3, new.as_bytes()[0]);
        let differ = |read: &mut Read| read.bases[50] = if read.bases[50] == b'A' { b'C' } else { b'A' };
        // The other column differs in the reads without the allele: two haplotypes.
        all[3..].iter_mut().for_each(differ);
        let with = |reads: &[Read], depth: f64| {
            let sample =
                SampleProfile { median_depth: depth, depth_cv: 0.1, artefact_rate: 0.4, ..SampleProfile::default() };
            let seen = features((&found, AltSet::One(0)), &evidence(reads.to_vec(), window()), sample, false);
            assert!(
                (of_name("artefact_rate", &seen) - 0.4).abs() < 1e-6 && (of_name("depth_cv", &seen) - 0.1).abs() < 1e-6
            );
            ["relative_depth", "third_haplotype", "third_haplotype_likely"].map(|name| of_name(name, &seen))
        };
        assert!(with(&all, 10.0).iter().all(|value| value.abs() < 1e-6));
        // In half of those only: three of ten reads show neither.
        all[7..].iter_mut().for_each(|read| read.bases[50] = window().base(120));
        let [depth, third, beside_likely] = with(&all, 5.0);
        assert!(
            (depth - 2.0_f32.ln()).abs() < 1e-6 && (third - 0.3).abs() < 1e-6 && (beside_likely - 0.3).abs() < 1e-6
        );
        assert!(with(&all, 0.0)[0].abs() < 1e-6, "the median depth is unknown");
    }

    #[test]
    fn features_are_of_an_image() {
        let found = candidate(100, "T", &[("A", 2, &[0, 1]), ("C", 3, &[2, 3, 4])], 5);
        let of = |set| {
            let all = features((&found, set), &evidence(reads(0, b'A'), window()), sample_profile(), false);
            ["alt_fraction", "third_fraction", "alt_read_fraction"].map(|name| of_name(name, &all))
        };
        let near = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near(of(AltSet::One(0)), [0.2, 0.3, 0.2]) && near(of(AltSet::One(1)), [0.3, 0.2, 0.3]));
        assert!(near(of(AltSet::Two(0, 1)), [0.5, 0.0, 0.5]));
    }

    #[test]
    fn tracts_are_described_where_they_are_wanted() {
        // Six A begin at 612; four of ten reads lack one of them.
        let window = ReferenceWindow::new(0, b"ACGTTGCAGGTCAAAAAACTGACT".repeat(60));
        let text = String::from_utf8(window.slice(590, 640).unwrap().to_vec()).unwrap();
        let whole = ReadBuilder::new(590, &text).copies(6);
        let short = ReadBuilder::new(590, &[&text[..22], &text[23..]].concat()).cigar("22M1D27M").copies(4);
        let found = candidate(611, "CA", &[("C", 4, &[6, 7, 8, 9])], 6);
        let evidence = Evidence { interval: Interval::new(580, 680), ..evidence([whole, short].concat(), window) };
        let of = |tracts| features((&found, AltSet::One(0)), &evidence, sample_profile(), tracts);
        let names = ["tract", "tract_hom_ref", "tract_het", "tract_whole_units"];
        assert!(names.iter().all(|name| of_name(name, &of(false)).abs() < 1e-9));
        let [tract, hom_ref, het, whole_units] = names.map(|name| of_name(name, &of(true)));
        assert!((tract - 1.0).abs() < 1e-6 && (whole_units - 1.0).abs() < 1e-6);
        assert!(het.abs() < 1e-6 && hom_ref < -1.0, "{het} {hom_ref}");
    }
}
