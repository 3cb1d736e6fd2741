//! Summaries of a survey's windows -> the [`SampleProfile`]: median depth, its variation, the artefact rate.

use rand::Rng as _;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

use crate::candidates::Candidate;
use crate::slippage::SlippageModel;
use crate::slippage::model::two_digits;

/// Windows that a survey summarises.
pub(super) const WINDOWS: usize = 61;
/// Number of standard deviations from half of the reads beyond which an allele's reads are too few, or too many, for a heterozygous variant; and
/// the share of reads from which on the variant is homozygous.
const UNLIKELY: f64 = 1.5;
const LOWEST_HOM_ALT: f64 = 0.85;
/// Prior of the artefact rate: windows with an artefact, and windows, that count as seen before the first, since a small file tells little.
const PRIOR: [f64; 2] = [2.0, 8.0];
/// Interquartile range of a normal distribution, in standard deviations.
const NORMAL_QUARTILES: f64 = 1.349;
/// Coefficient of variation from which on the depth is not that of a whole genome, so that it has no typical value.
const UNEVEN: f64 = 0.35;
/// Number of independent depths in a window of 1 kb: those of close positions share reads.
const INDEPENDENT: f64 = 7.0;

/// What a sample's reads are like as a whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleProfile {
    /// Median depth of diploid positions, in reads; 0 where it is unknown, or where the reads are of targets and have no typical depth.
    pub median_depth: f64,
    /// Coefficient of variation of the depth beyond that of counts (Poisson); 0.35 where it is that or more.
    pub depth_cv: f64,
    /// Share of windows of 1 kb with a candidate that too few reads support for a heterozygous variant, less the share with one that too many
    /// do: chance makes as many of either.
    pub artefact_rate: f64,
    /// How often its molecules slip on repeats.
    pub slippage: SlippageModel,
    /// Median length of its reads in bp, 0 without any.
    pub read_length: u32,
    /// Share of its reads whose alignment skips part of the reference, as those of spliced RNA do.
    pub spliced: f64,
}

impl Default for SampleProfile {
    fn default() -> Self {
        Self {
            median_depth: 0.0,
            depth_cv: UNEVEN,
            artefact_rate: artefact_rate(0, 0),
            slippage: SlippageModel::default(),
            read_length: 0,
            spliced: 0.0,
        }
    }
}

/// A surveyed window.
pub(super) struct WindowSummary {
    /// Reads over each position, of those that sampling has kept.
    pub(super) depths: Vec<u32>,
    /// Share of the reads that sampling has kept.
    pub(super) kept_share: f64,
    /// Lengths of its reads in bp, and how many of them are spliced.
    pub(super) read_lengths: Vec<u32>,
    pub(super) spliced: usize,
    /// Whether some candidate has too few reads for a heterozygous variant, and whether some has too many.
    pub(super) unlikely: [bool; 2],
}

impl SampleProfile {
    /// Half of all read bases lie at positions deeper than some depth, however few these are; positions with less than a third of it are
    /// ignored. The median of the others is the sample's, if they vary no more than those of a whole genome. Slippage is the default.
    #[allow(clippy::cast_precision_loss, reason = "counts of reads")]
    pub(super) fn of(windows: &[WindowSummary]) -> Self {
        let depth = |window: &WindowSummary, reads: u32| f64::from(reads) / window.kept_share;
        let covered_positions = |window: &WindowSummary| {
            let covered = window.depths.iter().filter(|&&reads| reads > 0);
            covered.map(|&reads| (depth(window, reads), reads)).collect::<Vec<_>>()
        };
        let mut all: Vec<(f64, u32)> = windows.iter().flat_map(covered_positions).collect();
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let half = all.iter().map(|&(_, reads)| u64::from(reads)).sum::<u64>() / 2;
        let mut below = 0;
        let middle = all.iter().find(|&&(_, reads)| {
            below += u64::from(reads);
            below > half
        });
        let least = middle.map_or(0.0, |&(depth, _)| depth / 3.0);
        let deep = &all[all.partition_point(|&(depth, _)| depth < least)..];
        let is_covered = |window: &&WindowSummary| window.depths.iter().any(|&reads| depth(window, reads) >= least);
        let covered = || windows.iter().filter(is_covered);
        let [lower, median, upper] = [1, 2, 3].map(|quarter| deep.get(quarter * deep.len() / 4).map_or(0.0, |x| x.0));
        let deviation = (upper - lower) / NORMAL_QUARTILES;
        let [too_few, too_many] = [0, 1].map(|side| covered().filter(|window| window.unlikely[side]).count());
        let artefacts = artefact_rate(too_few.saturating_sub(too_many), covered().count());
        let mut lengths: Vec<u32> = windows.iter().flat_map(|window| window.read_lengths.iter().copied()).collect();
        lengths.sort_unstable();
        let spliced = windows.iter().map(|window| window.spliced).sum::<usize>();
        Self {
            read_length: lengths.get(lengths.len() / 2).copied().unwrap_or(0),
            spliced: spliced as f64 / lengths.len().max(1) as f64,
            ..Self::new(median, (deviation.powi(2) - median) / median.powi(2), artefacts)
        }
    }

    /// `variance` is relative to the squared depth, and beyond that of counts.
    fn new(depth: f64, variance: f64, artefact_rate: f64) -> Self {
        let depth_cv = (variance.max(0.0).sqrt() * 100.0).round() / 100.0;
        if depth > 0.0 && depth_cv < UNEVEN {
            Self { median_depth: two_digits(depth), depth_cv, artefact_rate, ..Self::default() }
        } else {
            Self { artefact_rate, ..Self::default() }
        }
    }

    /// The profile that another survey of such a sample might find.
    #[allow(clippy::cast_precision_loss, reason = "some dozen windows")]
    #[must_use]
    pub fn resampled(self, random: &mut Pcg64) -> Self {
        let windows = WINDOWS as f64;
        let mut normal = || random.sample::<f64, _>(StandardNormal);
        let chance = normal() * (2.0 / (windows * INDEPENDENT)).sqrt() / self.median_depth.max(0.1);
        let variance = self.depth_cv.powi(2) * (0..WINDOWS).map(|_| normal().powi(2)).sum::<f64>() / windows + chance;
        let rate = ((self.artefact_rate * (windows + PRIOR[1]) - PRIOR[0]) / windows).clamp(0.0, 1.0);
        let artefacts = (0..WINDOWS).filter(|_| random.random_bool(rate)).count();
        let slippage = self.slippage.resampled(random);
        let Self { read_length, spliced, .. } = self;
        Self {
            slippage,
            read_length,
            spliced,
            ..Self::new(self.median_depth, variance, artefact_rate(artefacts, WINDOWS))
        }
    }
}

/// The share of windows with an artefact, under the prior.
#[allow(clippy::cast_precision_loss, reason = "some dozen windows")]
fn artefact_rate(with: usize, windows: usize) -> f64 {
    (with as f64 + PRIOR[0]) / (windows as f64 + PRIOR[1])
}

/// Whether fewer reads support an allele than would a heterozygous variant.
pub(super) fn too_few(candidate: &Candidate) -> bool {
    deviations(candidate).any(|above| above < -UNLIKELY)
}

/// Whether more reads support an allele than would a heterozygous variant, and fewer than a homozygous one.
pub(super) fn too_many(candidate: &Candidate) -> bool {
    deviations(candidate).any(|above| above > UNLIKELY)
}

/// For each allele that is not homozygous, its reads beyond half of the depth, in standard deviations.
fn deviations(candidate: &Candidate) -> impl Iterator<Item = f64> {
    let depth = f64::from(candidate.depth);
    let counts = candidate.alts.iter().map(|alt| f64::from(alt.count));
    counts
        .filter(move |&count| count < LOWEST_HOM_ALT * depth)
        .map(move |count| (count - depth / 2.0) / (depth.sqrt() / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::candidate;

    #[test]
    fn genomes_have_a_median_depth_and_targets_none() {
        let window = |depths: &[u32]| WindowSummary {
            depths: depths.to_vec(),
            kept_share: 1.0,
            read_lengths: Vec::new(),
            spliced: 0,
            unlikely: [false; 2],
        };
        let near = |windows: &[WindowSummary], expected: f64| {
            let found = SampleProfile::of(windows).median_depth;
            assert!((found - expected).abs() < 1e-9, "{found}");
        };
        // A genome of 30 reads, one place of which is twice as deep and one half empty.
        let mut genome: Vec<WindowSummary> = (0..20).map(|i| window(&[28 + i % 5; 100])).collect();
        genome.extend([window(&[60; 100]), window(&[0, 15, 0, 15])]);
        near(&genome, 30.0);
        assert!(SampleProfile::of(&genome).depth_cv.abs() < 1e-9, "less than chance's");
        let uneven: Vec<WindowSummary> = (0..20).map(|i| window(&[20 + i; 100])).collect();
        let found = SampleProfile::of(&uneven);
        assert!((found.median_depth - 30.0).abs() < 1e-9 && (0.1..0.2).contains(&found.depth_cv), "{found:?}");
        // Targets with edges in a sea of stray reads.
        let target =
            [[1; 60].as_slice(), &[10; 9], &[25; 9], &[48; 7], &[50; 7], &[52; 7], &[25; 9], &[10; 9]].concat();
        let mut targets: Vec<WindowSummary> = (0..10).map(|_| window(&target)).collect();
        targets.extend((0..50).map(|_| window(&[1; 100])));
        near(&targets, 0.0);
        // Of deep places only some reads are kept.
        near(
            &[WindowSummary {
                depths: vec![50; 10],
                kept_share: 0.25,
                read_lengths: Vec::new(),
                spliced: 0,
                unlikely: [false; 2],
            }],
            200.0,
        );
        near(&[], 0.0);
    }

    #[test]
    fn artefacts_are_counted_where_reads_are() {
        let window = |depth: u32, unlikely: [bool; 2]| WindowSummary {
            depths: vec![depth; 10],
            kept_share: 1.0,
            read_lengths: Vec::new(),
            spliced: 0,
            unlikely,
        };
        let [few, many, neither] = [[true, false], [false, true], [false, false]];
        let artefacts = |windows: &[WindowSummary]| SampleProfile::of(windows).artefact_rate;
        assert!(
            (artefacts(&[window(30, few), window(30, neither), window(1, few)]) - artefact_rate(1, 2)).abs() < 1e-9
        );
        assert!((artefacts(&[window(30, few), window(30, many), window(30, few)]) - artefact_rate(1, 3)).abs() < 1e-9);
        assert!((artefacts(&[window(30, few), window(30, many), window(30, many)]) - artefact_rate(0, 3)).abs() < 1e-9);
    }

    #[test]
    fn too_few_and_too_many_for_a_heterozygous_variant() {
        // Of 36 reads, 18 give or take 4.5; 31 and more are homozygous.
        let sides: Vec<_> = [13, 14, 22, 23, 30, 31, 36]
            .map(|n| candidate(100, "T", &[("A", n, &[])], 36 - n))
            .map(|shown| [too_few(&shown), too_many(&shown)])
            .to_vec();
        let (few, neither, many) = ([true, false], [false, false], [false, true]);
        assert_eq!(sides, [few, neither, neither, many, many, neither, neither]);
    }

    #[test]
    fn few_windows_tell_little() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(
            near(artefact_rate(0, 0), 0.25)
                && near(artefact_rate(1, 1), 1.0 / 3.0)
                && artefact_rate(61, 61) > 0.9
                && artefact_rate(0, 61) < 0.03
        );
        assert_eq!(SampleProfile::default().artefact_rate.to_bits(), artefact_rate(0, 0).to_bits());
    }

    #[test]
    fn surveys_of_a_sample_scatter() {
        let mut random = Pcg64::new(1, 1);
        let sample =
            SampleProfile { median_depth: 40.0, depth_cv: 0.2, artefact_rate: 0.3, ..SampleProfile::default() };
        let again: Vec<SampleProfile> = (0..400).map(|_| sample.resampled(&mut random)).collect();
        let around = |of: fn(&SampleProfile) -> f64| {
            let mean = again.iter().map(of).sum::<f64>() / 400.0;
            (mean, (again.iter().map(|x| (of(x) - mean).powi(2)).sum::<f64>() / 400.0).sqrt())
        };
        let (mean, deviation) = around(|sample| sample.artefact_rate);
        assert!((mean - 0.3).abs() < 0.01 && (0.04..0.07).contains(&deviation), "{mean} {deviation}");
        let (mean, deviation) = around(|sample| sample.depth_cv);
        assert!((mean - 0.2).abs() < 0.01 && (0.015..0.03).contains(&deviation), "{mean} {deviation}");
        assert!(again.iter().all(|sample| (sample.median_depth - 40.0).abs() < 1e-9));
        let uneven = SampleProfile { depth_cv: 0.6, ..sample }.resampled(&mut random);
        assert!(uneven.median_depth.abs() < 1e-9 && (uneven.depth_cv - UNEVEN).abs() < 1e-9);
    }
}
