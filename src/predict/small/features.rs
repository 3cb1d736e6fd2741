//! A candidate's evidence -> the numbers that the small model judges it by.
//!
//! They are of the reads over the candidate, of the reference around it and of what the sample's reads are like, so that neither
//! region borders nor other candidates change them.

use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::genome::ReferenceWindow;
use crate::reads::{CigarKind, Read};
use crate::sample::SampleProfile;

/// How many numbers describe a candidate.
pub const FEATURES: usize = SINGLE + 2 * BY_GROUP;
/// Numbers that are there once, and those that are there for the reads with the allele and for those without.
const SINGLE: usize = 29;
const BY_GROUP: usize = 13;
/// Which of them is 1 for a substitution, 0 for all else.
const IS_SNP: usize = 0;
/// A candidate in numbers, in the order of [`features`]' body.
pub type Features = [f32; FEATURES];

/// Columns to each side of the candidate in which other differences are looked for.
const REACH: usize = 150;
const COLUMNS: usize = 2 * REACH + 1;
/// A column differs where that share of its reads does, and two of them at least.
const DIFFERING: f32 = 0.15;
/// Columns where fewer differ are counted apart, for they are hardly of one copy of two; where that many do, they likely are.
const MOST_OF_ONE_COPY: f32 = 0.4;
const LIKELY: f32 = 0.3;
/// Other differences of lower base quality are not counted.
const MIN_BASE_QUALITY: u8 = 12;
/// Chance that a read shows an insertion or deletion that is not there.
const INDEL_ERROR: f32 = 0.02;

/// Sums over the reads that show the allele, or over the others.
#[derive(Default)]
struct Group {
    reads: f32,
    reverse: f32,
    base_quality: f32,
    low_quality: f32,
    mapping_quality: f32,
    low_mapping: f32,
    end_distance: f32,
    near_end: f32,
    mismatches: f32,
    indels: f32,
    clipped: f32,
    template: f32,
    strange_template: f32,
    moved: f32,
}

/// What of one read matters.
struct Look {
    quality: f32,
    end_distance: f32,
    mismatches: f32,
    indels: f32,
    clipped: bool,
}

/// Depth and differences by column around a candidate, of the reads without the allele and of those with it.
struct Columns {
    first: i64,
    covered: [[u16; COLUMNS]; 2],
    differing: [[u16; COLUMNS]; 2],
}

/// What the reads over a candidate show.
struct Seen {
    columns: Columns,
    shows: Group,
    others: Group,
    /// Log-likelihoods of none, one and both copies.
    likelihoods: [f32; 3],
}

impl Seen {
    fn around(position: i64) -> Self {
        let columns = Columns {
            first: position - REACH.cast_signed() as i64,
            covered: [[0; COLUMNS]; 2],
            differing: [[0; COLUMNS]; 2],
        };
        Self { columns, shows: Group::default(), others: Group::default(), likelihoods: [0.0; 3] }
    }
}

impl Columns {
    /// Indexes of the columns that `start..end` covers.
    fn range(&self, start: i64, end: i64) -> std::ops::Range<usize> {
        let clamp = |position: i64| usize::try_from(position - self.first).unwrap_or(0).min(COLUMNS);
        clamp(start)..clamp(end)
    }

    /// What of its columns matters.
    fn surroundings(&self) -> Surroundings {
        let mut found = Surroundings { nearest: small(REACH), ..Surroundings::default() };
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

/// Other differences around a candidate.
#[derive(Default)]
struct Surroundings {
    /// Columns that differ, and those of them that do in less than two reads of five.
    differing: f32,
    few_differ: f32,
    /// Shares of differing reads, and the distance in bp.
    highest: f32,
    mean: f32,
    nearest: f32,
    /// A column and the candidate divide reads in four kinds; two haplotypes make two of them. The share of reads of the third,
    /// the highest of all columns and of those that are likely to be variants.
    third: f32,
    third_beside_likely: f32,
}

/// Whether the candidate that the numbers describe is a substitution.
#[must_use]
pub fn is_snp(features: &Features) -> bool {
    features[IS_SNP] > 0.5
}

/// A candidate of one alternative allele in numbers; `None` of any other. The evidence is its region's.
#[must_use]
pub fn features(candidate: &Candidate, evidence: &Evidence, sample: SampleProfile) -> Option<Features> {
    let [alt] = candidate.alts.as_slice() else { return None };
    let mut seen = Seen::around(candidate.position.cast_signed());
    let mut support = alt.support.iter().copied().peekable();
    let snp = candidate.is_snp();
    for (index, read) in (0_u32..).zip(&evidence.reads) {
        let in_support = support.next_if_eq(&index).is_some();
        if !read.span.contains(candidate.position) {
            continue;
        }
        let Some(look) = look(read, candidate, &evidence.reference, &mut seen.columns, in_support) else { continue };
        let group = if in_support { &mut seen.shows } else { &mut seen.others };
        group.add(read, &look);
        let error = if snp { 10_f32.powf(-look.quality / 10.0).clamp(1e-4, 0.3) } else { INDEL_ERROR };
        let (none, both) = if in_support { (error, 1.0 - error) } else { (1.0 - error, error) };
        for (sum, likelihood) in seen.likelihoods.iter_mut().zip([none, 0.5, both]) {
            *sum += likelihood.ln();
        }
    }
    Some(numbers(candidate, evidence, sample, &seen))
}

/// Looks at a read over the candidate and adds it to the columns; `None` where it aligns no base there.
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
                    look.quality = f32::from(read.qualities[here]);
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

impl Group {
    fn add(&mut self, read: &Read, look: &Look) {
        let template = read.template_length.unsigned_abs().min(2000);
        self.reads += 1.0;
        self.reverse += flag(read.reverse);
        self.base_quality += look.quality;
        self.low_quality += flag(look.quality < 20.0);
        self.mapping_quality += f32::from(read.mapping_quality.min(60));
        self.low_mapping += flag(read.mapping_quality < 30);
        self.end_distance += look.end_distance.min(60.0);
        self.near_end += flag(look.end_distance < 8.0);
        self.mismatches += look.mismatches.min(10.0);
        self.indels += look.indels.min(3.0);
        self.clipped += flag(look.clipped);
        self.template += small(usize::try_from(template).unwrap_or(2000).min(1000));
        self.strange_template += flag(template == 0 || template >= 1000);
        self.moved += flag(read.moved_from.is_some());
    }

    fn mean(&self, sum: f32) -> f32 {
        sum / self.reads.max(1.0)
    }

    /// Means of all sums, each of about 0 to 1.
    fn numbers(&self) -> [f32; BY_GROUP] {
        [
            self.mean(self.reverse),
            self.mean(self.base_quality) / 40.0,
            self.mean(self.low_quality),
            self.mean(self.mapping_quality) / 60.0,
            self.mean(self.low_mapping),
            self.mean(self.end_distance) / 60.0,
            self.mean(self.near_end),
            self.mean(self.mismatches),
            self.mean(self.indels),
            self.mean(self.clipped),
            self.mean(self.template) / 500.0,
            self.mean(self.strange_template),
            self.mean(self.moved),
        ]
    }
}

/// 1 for yes.
fn flag(yes: bool) -> f32 {
    f32::from(u8::from(yes))
}

#[allow(clippy::cast_precision_loss, reason = "bp and reads, some thousand at most")]
fn small(n: usize) -> f32 {
    n as f32
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of reads; Phred values")]
fn numbers(candidate: &Candidate, evidence: &Evidence, sample: SampleProfile, seen: &Seen) -> Features {
    let reference = &evidence.reference;
    // Of the reads that sampling has left.
    let median_depth = (sample.median_depth * evidence.fetched.kept_share()) as f32;
    let Seen { columns, shows, others, likelihoods } = seen;
    let alt = &candidate.alts[0];
    let position = candidate.position.cast_signed();
    let (ref_length, alt_length) = (candidate.reference.len(), alt.bases.len());
    let depth = candidate.depth.max(1) as f32;
    let share = |count: u32| count as f32 / depth;
    let reads = shows.reads + others.reads;
    let seen_share = shows.reads / reads.max(1.0);

    let around = columns.surroundings();
    // Strands of the reads that show the allele against those of the others, in standard deviations.
    let (p, q) = (shows.mean(shows.reverse), others.mean(others.reverse));
    let pooled = (shows.reverse + others.reverse) / reads.max(1.0);
    let spread =
        (pooled * (1.0 - pooled) * (1.0 / shows.reads.max(1.0) + 1.0 / others.reads.max(1.0))).sqrt().max(0.05);
    let base = |offset: i64| reference.base(position + offset);
    let new = alt.bases.last().copied().unwrap_or(b'N');
    let old = candidate.reference.last().copied().unwrap_or(b'N');
    let snp = candidate.is_snp();
    let transition = matches!((old, new), (b'A', b'G') | (b'G', b'A') | (b'C', b'T') | (b'T', b'C'));
    let bases = reference.slice(position - 30, position + 31).unwrap_or(&[]);
    let gc = small(bases.iter().filter(|base| matches!(base, b'G' | b'C')).count()) / small(bases.len().max(1));

    let mut all: Features = [0.0; FEATURES];
    let single: [f32; SINGLE] = [
        flag(snp),
        flag(alt_length > ref_length),
        flag(alt_length < ref_length),
        small(alt_length.abs_diff(ref_length)).ln_1p(),
        depth.ln(),
        share(alt.count),
        share(candidate.reference_count),
        1.0 - share(alt.count + candidate.reference_count).min(1.0),
        seen_share,
        ((likelihoods[0] - likelihoods[1]) / 10.0).clamp(-6.0, 6.0),
        ((likelihoods[2] - likelihoods[1]) / 10.0).clamp(-6.0, 6.0),
        (p - q) / spread / 4.0,
        (candidate.mapping_quality as f32) / 60.0,
        around.differing.ln_1p(),
        around.highest,
        around.nearest / small(REACH),
        small(run(reference, position + 1, 1)).ln(),
        small((2..=4).map(|unit| run(reference, position + 1, unit)).max().unwrap_or(1)).ln(),
        flag(snp && new == base(-1)) + flag(snp && new == base(1)),
        flag(snp && transition),
        flag(snp && base(-1) == b'G' && base(-2) == b'G') + flag(snp && base(1) == b'C' && base(2) == b'C'),
        gc,
        if median_depth > 0.0 { (reads.max(1.0) / median_depth).ln().clamp(-4.0, 4.0) } else { 0.0 },
        around.few_differ.ln_1p(),
        around.mean,
        around.third,
        around.third_beside_likely,
        sample.artefact_rate as f32,
        sample.depth_cv as f32,
    ];
    for (slot, value) in all.iter_mut().zip(single.into_iter().chain(shows.numbers()).chain(others.numbers())) {
        *slot = value;
    }
    all
}

/// Length of the stretch around `position` that repeats with a period of `unit` bp, up to 60 bp to each side.
fn run(reference: &ReferenceWindow, position: i64, unit: i64) -> usize {
    let repeats = |at: i64| {
        let base = reference.base(at);
        base != b'N' && base == reference.base(at + unit)
    };
    let forward = (0..60).take_while(|&i| repeats(position + i)).count();
    let backward = (1..60).take_while(|&i| repeats(position - i)).count();
    forward + backward + usize::try_from(unit).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, candidate, evidence, sample_profile};

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
        let of = |n: usize| {
            let support: Vec<u32> = (0..u32::try_from(n).unwrap()).collect();
            let new = if old == "A" { "C" } else { "A" };
            let found =
                candidate(100, &old, &[(new, u32::try_from(n).unwrap(), &support)], 10 - u32::try_from(n).unwrap());
            features(&found, &evidence(reads(n, new.as_bytes()[0]), window()), sample_profile()).unwrap()
        };
        let (half, all) = (of(5), of(10));
        assert!(half[9] < 0.0 && half[10] < 0.0, "one copy is likeliest: {half:?}");
        assert!(all[9] < -1.0 && all[10] > 0.0, "both copies are likeliest: {all:?}");
        assert!((half[5] - 0.5).abs() < 1e-6 && is_snp(&half) && half[13].abs() < 1e-6);
    }

    #[test]
    fn other_differences_are_seen_but_not_the_own() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 5, &[0, 1, 2, 3, 4])], 5);
        let mut all = reads(5, new.as_bytes()[0]);
        assert!((features(&found, &evidence(all.clone(), window()), sample_profile()).unwrap()[15] - 1.0).abs() < 1e-6);
        for read in &mut all[..5] {
            read.bases[50] = if read.bases[50] == b'A' { b'C' } else { b'A' };
        }
        let seen = features(&found, &evidence(all.clone(), window()), sample_profile()).unwrap();
        assert!((seen[14] - 0.5).abs() < 1e-6 && (seen[15] - 20.0 / small(REACH)).abs() < 1e-6, "{seen:?}");
        // Mismatches by read: one in each that shows the allele, none in the others.
        assert!((seen[SINGLE + 7] - 1.0).abs() < 1e-6 && seen[SINGLE + BY_GROUP + 7].abs() < 1e-6, "{seen:?}");
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
        let of = |reads: &[Read], depth: f64| {
            let sample = SampleProfile { median_depth: depth, depth_cv: 0.1, artefact_rate: 0.4 };
            let seen = features(&found, &evidence(reads.to_vec(), window()), sample).unwrap();
            assert!((seen[27] - 0.4).abs() < 1e-6 && (seen[28] - 0.1).abs() < 1e-6);
            [seen[22], seen[25], seen[26]]
        };
        assert!(of(&all, 10.0).iter().all(|value| value.abs() < 1e-6));
        // In half of those only: three of ten reads show neither.
        all[7..].iter_mut().for_each(|read| read.bases[50] = window().base(120));
        let [depth, third, beside_likely] = of(&all, 5.0);
        assert!(
            (depth - 2.0_f32.ln()).abs() < 1e-6 && (third - 0.3).abs() < 1e-6 && (beside_likely - 0.3).abs() < 1e-6
        );
        assert!(of(&all, 0.0)[0].abs() < 1e-6, "nothing is known of its depth");
    }

    #[test]
    fn repeats_are_measured() {
        let reference = ReferenceWindow::new(0, b"GCTAAAAAATCACACACAGG".to_vec());
        assert_eq!((run(&reference, 3, 1), run(&reference, 6, 1), run(&reference, 12, 2)), (6, 6, 8));
    }

    #[test]
    fn two_alternatives_are_left_to_the_images() {
        let found = candidate(100, "T", &[("A", 2, &[0, 1]), ("C", 2, &[2, 3])], 5);
        assert!(features(&found, &evidence(reads(0, b'A'), window()), sample_profile()).is_none());
    }
}
