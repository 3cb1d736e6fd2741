//! The fast tier: a candidate's reads -> some numbers -> genotype probabilities by a small network, believed where it is sure.
//!
//! Most candidates are plain: half of many good reads, or all of them, show a substitution far from anything else. Those are
//! settled here, before any image is drawn; the others go on to the images. Only candidates of one alternative allele are
//! looked at. The weights lie in a model's `fast.json`, how sure is sure enough in its `model.json`.
//!
//! The numbers are of the reads over the candidate and of the reference around it alone, so that neither region borders nor
//! other candidates change them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Probabilities;
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::genome::ReferenceWindow;
use crate::reads::{CigarKind, Read};

/// How many numbers describe a candidate.
pub const FEATURES: usize = SINGLE + 2 * BY_GROUP;
/// Numbers that are there once, and those that are there for the reads with the allele and for those without.
const SINGLE: usize = 22;
const BY_GROUP: usize = 13;
/// Which of them is 1 for a substitution, 0 for all else.
pub const IS_SNP: usize = 0;
/// A candidate in numbers, in the order of [`features`]' body.
pub type Features = [f32; FEATURES];

/// Columns to each side of the candidate in which other differences are looked for.
const REACH: usize = 80;
const COLUMNS: usize = 2 * REACH + 1;
/// A column differs where that share of its reads does, and two of them at least.
const DIFFERING: f32 = 0.15;
/// Other differences of lower base quality are not counted.
const MIN_BASE_QUALITY: u8 = 12;
/// Candidates with a number that lies so many standard deviations from the mean of those learned from are left to the images:
/// those of reads without mates, for example.
const STRANGE: f32 = 12.0;
/// Chance that a read shows an insertion or deletion that is not there.
const INDEL_ERROR: f32 = 0.02;

/// How sure the fast tier must be; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastOptions {
    /// What its outputs are divided by before they become probabilities; positive.
    pub temperature: f64,
    /// Phred of the chance of error under which it settles a substitution.
    pub min_certainty_snps: f64,
    /// The same for what is not one base for one.
    pub min_certainty_indels: f64,
}

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

/// Depth and differences by column around a candidate.
struct Columns {
    first: i64,
    covered: [u16; COLUMNS],
    differing: [u16; COLUMNS],
}

impl Columns {
    /// Indexes of the columns that `start..end` covers.
    fn range(&self, start: i64, end: i64) -> std::ops::Range<usize> {
        let clamp = |position: i64| usize::try_from(position - self.first).unwrap_or(0).min(COLUMNS);
        clamp(start)..clamp(end)
    }
}

/// A candidate of one alternative allele in numbers; `None` of any other. `reads` are its region's, as its support indexes them.
#[must_use]
pub fn features(candidate: &Candidate, reads: &[Read], reference: &ReferenceWindow) -> Option<Features> {
    let [alt] = candidate.alts.as_slice() else { return None };
    let position = candidate.position.cast_signed();
    let snp = alt.bases.len() == 1 && candidate.reference.len() == 1;
    let mut columns =
        Columns { first: position - REACH.cast_signed() as i64, covered: [0; COLUMNS], differing: [0; COLUMNS] };
    let (mut shows, mut others) = (Group::default(), Group::default());
    // Log-likelihoods of none, one and both copies.
    let mut likelihoods = [0.0_f32; 3];
    let mut support = alt.support.iter().copied().peekable();
    for (index, read) in (0_u32..).zip(reads) {
        let in_support = support.next_if_eq(&index).is_some();
        if !read.span.contains(candidate.position) {
            continue;
        }
        let Some(look) = look(read, candidate, reference, &mut columns) else { continue };
        let group = if in_support { &mut shows } else { &mut others };
        group.add(read, &look);
        let error = if snp { 10_f32.powf(-look.quality / 10.0).clamp(1e-4, 0.3) } else { INDEL_ERROR };
        let (none, both) = if in_support { (error, 1.0 - error) } else { (1.0 - error, error) };
        likelihoods[0] += none.ln();
        likelihoods[1] += 0.5_f32.ln();
        likelihoods[2] += both.ln();
    }
    Some(numbers(candidate, reference, &columns, &shows, &others, likelihoods))
}

/// Looks at a read over the candidate and adds it to the columns; `None` where it aligns no base there.
fn look(read: &Read, candidate: &Candidate, reference: &ReferenceWindow, columns: &mut Columns) -> Option<Look> {
    let position = candidate.position.cast_signed();
    let own = position..position + candidate.reference.len().max(1).cast_signed() as i64;
    let (mut at, mut offset) = (read.span.start().cast_signed(), 0_usize);
    let mut look = Look { quality: -1.0, end_distance: 0.0, mismatches: 0.0, indels: 0.0, clipped: false };
    let last = columns.first + COLUMNS.cast_signed() as i64;
    for op in &read.cigar {
        let length = op.length as usize;
        let after = at + if op.kind.consumes_reference() { i64::from(op.length) } else { 0 };
        match op.kind {
            CigarKind::Match => {
                if at <= position && position < after {
                    let here = offset + usize::try_from(position - at).ok()?;
                    look.quality = f32::from(read.qualities[here]);
                    look.end_distance = small(here.min(read.bases.len() - 1 - here));
                }
                let (from, to) = (at.max(columns.first), after.min(last));
                if from < to {
                    let range = columns.range(from, to);
                    columns.covered[range].iter_mut().for_each(|n| *n += 1);
                    let first = offset + usize::try_from(from - at).ok()?;
                    let n = usize::try_from(to - from).ok()?;
                    let bases = read.bases[first..first + n].iter().zip(&read.qualities[first..first + n]);
                    let expected = reference.slice(from, to)?;
                    for (place, ((&base, &quality), &expected)) in (from..).zip(bases.zip(expected)) {
                        if base != expected && quality >= MIN_BASE_QUALITY && expected != b'N' && !own.contains(&place)
                        {
                            look.mismatches += 1.0;
                            columns.differing[usize::try_from(place - columns.first).ok()?] += 1;
                        }
                    }
                }
            }
            CigarKind::Insertion | CigarKind::Deletion if at - 1 != position => {
                if let Some(anchor) = columns.range(at - 1, at).next() {
                    look.indels += 1.0;
                    columns.differing[anchor] += 1;
                }
            }
            CigarKind::SoftClip => look.clipped |= length >= 5,
            _ => {}
        }
        at = after;
        offset += if op.kind.consumes_read() { length } else { 0 };
    }
    (look.quality >= 0.0).then_some(look)
}

impl Group {
    fn add(&mut self, read: &Read, look: &Look) {
        let flag = |yes: bool| f32::from(u8::from(yes));
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

#[allow(clippy::cast_precision_loss, reason = "bp and reads, some thousand at most")]
fn small(n: usize) -> f32 {
    n as f32
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of reads; Phred values")]
fn numbers(
    candidate: &Candidate,
    reference: &ReferenceWindow,
    columns: &Columns,
    shows: &Group,
    others: &Group,
    likelihoods: [f32; 3],
) -> Features {
    let alt = &candidate.alts[0];
    let position = candidate.position.cast_signed();
    let (ref_length, alt_length) = (candidate.reference.len(), alt.bases.len());
    let flag = |yes: bool| f32::from(u8::from(yes));
    let depth = candidate.depth.max(1) as f32;
    let share = |count: u32| count as f32 / depth;
    let reads = shows.reads + others.reads;
    let seen = shows.reads / reads.max(1.0);

    let mut differing = 0.0_f32;
    let (mut highest, mut nearest) = (0.0_f32, small(REACH));
    for (column, (&n, &of)) in columns.differing.iter().zip(&columns.covered).enumerate() {
        let part = f32::from(n) / f32::from(of.max(1));
        if n >= 2 && part >= DIFFERING {
            differing += 1.0;
            highest = highest.max(part.min(1.0));
            nearest = nearest.min(small(column.abs_diff(REACH)));
        }
    }
    // Strands of the reads that show the allele against those of the others, in standard deviations.
    let (p, q) = (shows.mean(shows.reverse), others.mean(others.reverse));
    let pooled = (shows.reverse + others.reverse) / reads.max(1.0);
    let spread =
        (pooled * (1.0 - pooled) * (1.0 / shows.reads.max(1.0) + 1.0 / others.reads.max(1.0))).sqrt().max(0.05);
    let base = |offset: i64| reference.base(position + offset);
    let new = alt.bases.last().copied().unwrap_or(b'N');
    let old = candidate.reference.last().copied().unwrap_or(b'N');
    let snp = ref_length == 1 && alt_length == 1;
    let transition = matches!((old, new), (b'A', b'G') | (b'G', b'A') | (b'C', b'T') | (b'T', b'C'));
    let around = reference.slice(position - 30, position + 31).unwrap_or(&[]);
    let gc = small(around.iter().filter(|base| matches!(base, b'G' | b'C')).count()) / small(around.len().max(1));

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
        seen,
        ((likelihoods[0] - likelihoods[1]) / 10.0).clamp(-6.0, 6.0),
        ((likelihoods[2] - likelihoods[1]) / 10.0).clamp(-6.0, 6.0),
        (p - q) / spread / 4.0,
        (candidate.mapping_quality as f32) / 60.0,
        differing.ln_1p(),
        highest,
        nearest / small(REACH),
        small(run(reference, position + 1, 1)).ln(),
        small((2..=4).map(|unit| run(reference, position + 1, unit)).max().unwrap_or(1)).ln(),
        flag(snp && new == base(-1)) + flag(snp && new == base(1)),
        flag(snp && transition),
        flag(snp && base(-1) == b'G' && base(-2) == b'G') + flag(snp && base(1) == b'C' && base(2) == b'C'),
        gc,
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

/// A layer: `bias + weights x`, one row of weights for each output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[outputs][inputs]`.
    pub weights: Vec<Vec<f32>>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// The small network: standardised features, then layers with a rectifier between two of them; three outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FastNetwork {
    /// What is taken from each feature.
    pub mean: Vec<f32>,
    /// What each is then divided by.
    pub scale: Vec<f32>,
    /// The layers.
    pub layers: Vec<Layer>,
}

impl FastNetwork {
    /// Logits of none, one and both copies.
    #[must_use]
    pub fn logits(&self, features: &Features) -> [f32; 3] {
        let mut values: Vec<f32> = features
            .iter()
            .zip(self.mean.iter().zip(&self.scale))
            .map(|(x, (mean, scale))| (x - mean) / scale)
            .collect();
        for (i, layer) in self.layers.iter().enumerate() {
            let last = i + 1 == self.layers.len();
            values = layer
                .weights
                .iter()
                .zip(&layer.bias)
                .map(|(row, bias)| {
                    let sum = row.iter().zip(&values).fold(*bias, |sum, (weight, value)| sum + weight * value);
                    if last { sum } else { sum.max(0.0) }
                })
                .collect();
        }
        [values[0], values[1], values[2]]
    }

    /// Whether it has learned from candidates like this one: no number lies far from all it has seen.
    #[must_use]
    pub fn knows(&self, features: &Features) -> bool {
        let mut standard =
            features.iter().zip(self.mean.iter().zip(&self.scale)).map(|(x, (mean, scale))| (x - mean) / scale);
        standard.all(|z| z.abs() <= STRANGE)
    }

    /// What is wrong with its shape, if anything.
    fn problem(&self) -> Option<String> {
        if let Some(other) = [self.mean.len(), self.scale.len()].into_iter().find(|&n| n != FEATURES) {
            return Some(format!("describes candidates by {other} numbers, this program by {FEATURES}"));
        }
        let mut width = FEATURES;
        for (i, layer) in self.layers.iter().enumerate() {
            if layer.weights.len() != layer.bias.len() || layer.weights.iter().any(|row| row.len() != width) {
                return Some(format!("layer {} does not fit the one before", i + 1));
            }
            width = layer.bias.len();
        }
        (width != 3).then(|| format!("has {width} outputs, not 3"))
    }
}

/// The fast tier of a model.
#[derive(Clone, Debug)]
pub struct FastTier {
    network: FastNetwork,
    options: FastOptions,
}

impl FastTier {
    /// The tier of a network, sure as `options` say.
    #[must_use]
    pub fn new(network: FastNetwork, options: FastOptions) -> Self {
        Self { network, options }
    }

    /// Reads the network from a model's `fast.json`.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read or does not fit.
    pub fn read(path: &Path, options: FastOptions) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::model(path, format!("cannot be read: {e}")))?;
        let network: FastNetwork =
            serde_json::from_str(&text).map_err(|e| Error::model(path, format!("is not a fast tier: {e}")))?;
        match network.problem() {
            Some(problem) => Err(Error::model(path, problem)),
            None => Ok(Self { network, options }),
        }
    }

    /// Probabilities of a candidate in numbers, however sure they are.
    #[must_use]
    pub fn probabilities(&self, features: &Features) -> Probabilities {
        let logits = self.network.logits(features).map(|logit| f64::from(logit) / self.options.temperature);
        let highest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
        let weights = logits.map(|logit| (logit - highest).exp());
        let sum: f64 = weights.iter().sum();
        Probabilities(weights.map(|weight| weight / sum))
    }

    /// Probabilities of a candidate that it is sure enough of.
    #[must_use]
    pub fn settle(&self, candidate: &Candidate, reads: &[Read], reference: &ReferenceWindow) -> Option<Probabilities> {
        let numbers = features(candidate, reads, reference)?;
        let snp = candidate.reference.len() == 1 && candidate.alts[0].bases.len() == 1;
        if !self.network.knows(&numbers) {
            return None;
        }
        let needed = if snp { self.options.min_certainty_snps } else { self.options.min_certainty_indels };
        let probabilities = self.probabilities(&numbers);
        (certainty(probabilities) >= needed).then_some(probabilities)
    }
}

/// Phred of the chance that the most probable genotype is wrong.
#[must_use]
pub fn certainty(probabilities: Probabilities) -> f64 {
    let mut sorted = probabilities.0;
    sorted.sort_by(f64::total_cmp);
    -10.0 * (sorted[0] + sorted[1]).max(1e-12).log10()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, candidate};

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
            features(&found, &reads(n, new.as_bytes()[0]), &window()).unwrap()
        };
        let (half, all) = (of(5), of(10));
        assert!(half[9] < 0.0 && half[10] < 0.0, "one copy is likeliest: {half:?}");
        assert!(all[9] < -1.0 && all[10] > 0.0, "both copies are likeliest: {all:?}");
        assert!((half[5] - 0.5).abs() < 1e-6 && half[IS_SNP] > 0.5 && half[13].abs() < 1e-6);
    }

    #[test]
    fn other_differences_are_seen_but_not_the_own() {
        let old = char::from(window().base(100)).to_string();
        let new = if old == "A" { "C" } else { "A" };
        let found = candidate(100, &old, &[(new, 5, &[0, 1, 2, 3, 4])], 5);
        let mut all = reads(5, new.as_bytes()[0]);
        assert!((features(&found, &all, &window()).unwrap()[15] - 1.0).abs() < 1e-6);
        for read in &mut all[..5] {
            read.bases[50] = if read.bases[50] == b'A' { b'C' } else { b'A' };
        }
        let seen = features(&found, &all, &window()).unwrap();
        assert!((seen[14] - 0.5).abs() < 1e-6 && (seen[15] - 20.0 / 80.0).abs() < 1e-6, "{seen:?}");
        // Mismatches by read: one in each that shows the allele, none in the others.
        assert!((seen[SINGLE + 7] - 1.0).abs() < 1e-6 && seen[SINGLE + BY_GROUP + 7].abs() < 1e-6, "{seen:?}");
    }

    #[test]
    fn repeats_are_measured() {
        let reference = ReferenceWindow::new(0, b"GCTAAAAAATCACACACAGG".to_vec());
        assert_eq!((run(&reference, 3, 1), run(&reference, 6, 1), run(&reference, 12, 2)), (6, 6, 8));
    }

    #[test]
    fn two_alternatives_are_left_to_the_images() {
        let found = candidate(100, "T", &[("A", 2, &[0, 1]), ("C", 2, &[2, 3])], 5);
        assert!(features(&found, &reads(0, b'A'), &window()).is_none());
    }

    fn constant(logits: [f32; 3]) -> FastNetwork {
        let layer = Layer { weights: vec![vec![0.0; FEATURES]; 3], bias: logits.to_vec() };
        FastNetwork { mean: vec![0.0; FEATURES], scale: vec![1.0; FEATURES], layers: vec![layer] }
    }

    #[test]
    fn it_settles_what_it_is_sure_of() {
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        let settled = |logit: f32| {
            let options = FastOptions { temperature: 1.0, min_certainty_snps: 20.0, min_certainty_indels: 99.0 };
            FastTier::new(constant([0.0, logit, 0.0]), options).settle(&found, &reads(5, b'A'), &window())
        };
        assert!(settled(4.0).is_none());
        assert!(settled(6.0).is_some_and(|p| p.one() > 0.99));
    }

    #[test]
    fn reads_unlike_those_it_learned_from_are_left_to_the_images() {
        let mut network = constant([0.0, 9.0, 0.0]);
        let numbers = [0.5; FEATURES];
        assert!(network.knows(&numbers));
        network.mean[SINGLE + 11] = 13.0;
        assert!(!network.knows(&numbers));
        let options = FastOptions { temperature: 1.0, min_certainty_snps: 4.0, min_certainty_indels: 4.0 };
        let found = candidate(100, "T", &[("A", 5, &[0, 1, 2, 3, 4])], 5);
        assert!(FastTier::new(network, options).settle(&found, &reads(5, b'A'), &window()).is_none());
    }

    #[test]
    fn a_network_of_another_shape_is_refused() {
        assert_eq!(constant([0.0; 3]).problem(), None);
        let fewer = FastNetwork { mean: vec![0.0; 3], ..constant([0.0; 3]) };
        assert!(fewer.problem().unwrap().contains("by 3 numbers"));
        let mut uneven = constant([0.0; 3]);
        uneven.layers.push(Layer { weights: vec![vec![0.0; 4]; 3], bias: vec![0.0; 3] });
        assert!(uneven.problem().unwrap().contains("layer 2"));
    }
}
