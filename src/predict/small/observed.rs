//! A candidate's reads, surroundings and sample -> the quantities that features are made of.

use std::ops::RangeInclusive;

use crate::candidates::{AltAllele, Candidate};
use crate::genome::ReferenceWindow;
use crate::pileup::AltSet;
use crate::reads::Read;
use crate::sample::SampleProfile;
use crate::slippage::TractNumbers;

/// Columns to each side of the candidate in which other differences are counted, in bp: a read of 150 bp reaches no further.
pub(super) const REACH: usize = 150;
/// Highest number of mismatches, of indels and highest template length (bp) of a read that count, so that one read cannot make the mean.
const MOST_MISMATCHES: f32 = 10.0;
const MOST_INDELS: f32 = 3.0;
const MOST_TEMPLATE: u64 = 1000;

/// What is observed at a candidate of an image's alternative alleles, which are one or two.
pub(super) struct Observed<'a> {
    pub(super) candidate: &'a Candidate,
    /// The alternative alleles that the image marks, and the first of them.
    pub(super) set: AltSet,
    pub(super) alt: &'a AltAllele,
    /// Reads that count for any of them.
    pub(super) alt_count: u32,
    pub(super) reference: &'a ReferenceWindow,
    pub(super) sample: SampleProfile,
    /// Share of the region's reads that sampling has kept.
    pub(super) kept_share: f64,
    /// The reads that support the allele, and those that cover the position without supporting it.
    pub(super) alts: Group,
    pub(super) others: Group,
    /// Log-likelihoods of hom-ref, het and hom-alt.
    pub(super) log_likelihoods: [f32; 3],
    pub(super) nearby: Nearby,
    pub(super) tract: TractNumbers,
    pub(super) haplotypes: Haplotypes,
}

/// Reads with the allele and without it by haplotype: of none, of 1 and of 2.
#[derive(Default)]
pub(super) struct Haplotypes {
    pub(super) alts: [f32; 3],
    pub(super) others: [f32; 3],
    /// Natural log-likelihoods of the reads if their haplotype has the allele, and if it has not.
    pub(super) log_alt: [f32; 3],
    pub(super) log_other: [f32; 3],
}

impl Haplotypes {
    /// Adds a read with its natural log-likelihoods of hom-ref, het and hom-alt.
    pub(super) fn add(&mut self, haplotype: u8, in_support: bool, [hom_ref, _, hom_alt]: [f32; 3]) {
        let of = usize::from(haplotype.min(2));
        let group = if in_support { &mut self.alts } else { &mut self.others };
        group[of] += 1.0;
        self.log_alt[of] += hom_alt;
        self.log_other[of] += hom_ref;
    }

    /// Share of the reads that have a haplotype.
    pub(super) fn phased_share(&self) -> f32 {
        let all: f32 = self.alts.iter().chain(&self.others).sum();
        let without = self.alts[0] + self.others[0];
        if all > 0.0 { 1.0 - without / all } else { 0.0 }
    }

    fn share(&self, of: usize) -> f32 {
        self.alts[of] / (self.alts[of] + self.others[of]).max(1.0)
    }

    /// Share of reads with the allele: in the haplotype that has more of it, and in the other one.
    pub(super) fn shares(&self) -> [f32; 2] {
        let [one, two] = [self.share(1), self.share(2)];
        [one.max(two), one.min(two)]
    }

    /// Share of reads with the allele among those without a haplotype.
    pub(super) fn unphased_share(&self) -> f32 {
        self.share(0)
    }

    /// Logarithms of the reads of the haplotype that has more of the allele, and of the other one.
    pub(super) fn log_reads(&self) -> [f32; 2] {
        let reads = |of: usize| (self.alts[of] + self.others[of]).ln_1p();
        if self.share(1) >= self.share(2) { [reads(1), reads(2)] } else { [reads(2), reads(1)] }
    }

    /// Log-likelihoods of hom-ref and hom-alt less that of het, where each haplotype has or lacks the allele as a whole, by 10.
    pub(super) fn likelihoods_by_het(&self) -> [f32; 2] {
        let [alt, other] = [&self.log_alt, &self.log_other];
        let unphased = (self.alts[0] + self.others[0]) * 0.5_f32.ln();
        let het = f32::max(alt[1] + other[2], alt[2] + other[1]) + unphased;
        [other, alt].map(|same| ((same.iter().sum::<f32>() - het) / 10.0).clamp(-6.0, 6.0))
    }
}

/// Sums over the reads that support the allele, or over the others.
#[derive(Default)]
pub(super) struct Group {
    pub(super) reads: f32,
    pub(super) reverse: f32,
    pub(super) base_quality: f32,
    pub(super) low_quality: f32,
    pub(super) mapping_quality: f32,
    pub(super) low_mapping: f32,
    pub(super) end_distance: f32,
    pub(super) near_end: f32,
    pub(super) mismatches: f32,
    pub(super) indels: f32,
    pub(super) clipped: f32,
    pub(super) template: f32,
    pub(super) odd_template: f32,
    pub(super) moved: f32,
}

/// Other differences around a candidate.
#[derive(Default)]
pub(super) struct Nearby {
    /// Columns that differ, and those of them that do in less than two reads of five.
    pub(super) differing: f32,
    pub(super) few_differ: f32,
    /// Shares of differing reads, and the distance in bp.
    pub(super) highest: f32,
    pub(super) mean: f32,
    pub(super) nearest: f32,
    /// A column and the candidate divide the reads in four kinds, of which two haplotypes explain two. The share of reads of the third
    /// kind: the highest of all columns, and of the columns that are likely to be variants.
    pub(super) third: f32,
    pub(super) third_beside_likely: f32,
}

/// Logarithm of the lowest share of slipped fragments that is told from lower ones: one in 900,000.
const RAREST: f64 = -13.7;

/// What one read over the candidate shows.
pub(super) struct Look {
    /// Base quality at the position, Phred.
    pub(super) quality: f32,
    /// Distance of the position from the read's nearer end, in bp.
    pub(super) end_distance: f32,
    /// Differences elsewhere in the read.
    pub(super) mismatches: f32,
    pub(super) indels: f32,
    pub(super) clipped: bool,
}

impl Observed<'_> {
    pub(super) fn is_snp(&self) -> bool {
        self.candidate.is_snp()
    }

    pub(super) fn ref_length(&self) -> usize {
        self.candidate.reference.len()
    }

    pub(super) fn alt_length(&self) -> usize {
        self.alt.bases.len()
    }

    /// Bases inserted or deleted.
    pub(super) fn indel_length(&self) -> f32 {
        small(self.alt_length().abs_diff(self.ref_length()))
    }

    /// Reads that count, at least one.
    #[allow(clippy::cast_precision_loss, reason = "counts of reads")]
    pub(super) fn depth(&self) -> f32 {
        self.candidate.depth.max(1) as f32
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of reads")]
    pub(super) fn fraction(&self, count: u32) -> f32 {
        count as f32 / self.depth()
    }

    /// Whether the image marks two alleles.
    pub(super) fn is_of_two(&self) -> bool {
        matches!(self.set, AltSet::Two(..))
    }

    /// The site's alternative alleles that are not marked.
    pub(super) fn unmarked(&self) -> impl DoubleEndedIterator<Item = &AltAllele> {
        self.candidate.alts.iter().enumerate().filter(|&(i, _)| !self.set.contains(i)).map(|(_, alt)| alt)
    }

    pub(super) fn lesser_fraction(&self) -> f32 {
        let of_two = self.set.of(self.candidate).map(|alt| alt.count).min().filter(|_| self.is_of_two());
        of_two.map_or(0.0, |count| self.fraction(count))
    }

    /// The most common of the site's alternative alleles that are not marked, the first of equals.
    fn most_common_unmarked(&self) -> Option<&AltAllele> {
        self.unmarked().rev().max_by_key(|alt| alt.count)
    }

    pub(super) fn unmarked_fraction(&self) -> f32 {
        self.most_common_unmarked().map_or(0.0, |alt| self.fraction(alt.count))
    }

    pub(super) fn unmarked_gap(&self) -> f32 {
        let Some(other) = self.most_common_unmarked() else { return 0.0 };
        let gap = small(self.alt.bases.len()) - small(other.bases.len());
        gap.abs().ln_1p().copysign(gap)
    }

    pub(super) fn third_fraction(&self) -> f32 {
        1.0 - self.fraction(self.alt_count + self.candidate.reference_count).min(1.0)
    }

    /// Log-likelihood of a genotype (by its copies of the alleles) under the slippage of the tract, less the best of the three.
    #[allow(clippy::cast_possible_truncation, reason = "0 to -40")]
    pub(super) fn tract_likelihood(&self, copies: usize) -> f32 {
        (self.tract.log_likelihoods[copies] / 8.0) as f32
    }

    /// The same where the fragments of a haplotype are all of one allele.
    #[allow(clippy::cast_possible_truncation, reason = "0 to -40")]
    pub(super) fn phased_tract_likelihood(&self, copies: usize) -> f32 {
        (self.tract.phased_log_likelihoods[copies] / 8.0) as f32
    }

    /// Logarithm of a share of slipped fragments, 0 for none.
    #[allow(clippy::cast_possible_truncation, reason = "logarithms of shares")]
    pub(super) fn slipped(&self, of: fn(&TractNumbers) -> f64) -> f32 {
        if self.tract.in_tract { (of(&self.tract).max(RAREST) / 4.0) as f32 } else { 0.0 }
    }

    #[allow(clippy::cast_possible_truncation, reason = "a logarithm of reads")]
    pub(super) fn tract_fragments(&self) -> f32 {
        (self.tract.log_fragments / 5.0) as f32
    }

    #[allow(clippy::cast_possible_truncation, reason = "0 to 1")]
    pub(super) fn tract_share(&self, of: usize) -> f32 {
        self.tract.shares[of] as f32
    }

    /// Log-likelihood of a genotype (by its copies of the allele) less that of het.
    pub(super) fn likelihood_by_het(&self, copies: usize) -> f32 {
        ((self.log_likelihoods[copies] - self.log_likelihoods[1]) / 10.0).clamp(-6.0, 6.0)
    }

    /// Reads over the position.
    pub(super) fn reads(&self) -> f32 {
        self.alts.reads + self.others.reads
    }

    #[allow(clippy::cast_possible_truncation, reason = "Phred")]
    pub(super) fn mapping_quality(&self) -> f32 {
        (self.candidate.mapping_quality.min(60.0) as f32) / 60.0
    }

    #[allow(clippy::cast_possible_truncation, reason = "a share")]
    pub(super) fn artefact_rate(&self) -> f32 {
        self.sample.artefact_rate as f32
    }

    #[allow(clippy::cast_possible_truncation, reason = "a share")]
    pub(super) fn depth_cv(&self) -> f32 {
        self.sample.depth_cv as f32
    }

    /// The reads by what the sample's median depth would leave of them after sampling.
    #[allow(clippy::cast_possible_truncation, reason = "counts of reads")]
    pub(super) fn relative_depth(&self) -> f32 {
        let expected = (self.sample.median_depth * self.kept_share) as f32;
        if expected > 0.0 { (self.reads().max(1.0) / expected).ln().clamp(-4.0, 4.0) } else { 0.0 }
    }

    /// The spread is at least 0.05, so that a few reads of one strand do not count for much.
    pub(super) fn strand_bias(&self) -> f32 {
        let (alt, other) = (&self.alts, &self.others);
        let (p, q) = (alt.mean(alt.reverse), other.mean(other.reverse));
        let pooled = (alt.reverse + other.reverse) / self.reads().max(1.0);
        let spread =
            (pooled * (1.0 - pooled) * (1.0 / alt.reads.max(1.0) + 1.0 / other.reads.max(1.0))).sqrt().max(0.05);
        (p - q) / spread / 4.0
    }

    /// The reference's base at an offset from the position.
    fn base(&self, offset: i64) -> u8 {
        self.reference.base(self.candidate.position.cast_signed() + offset)
    }

    /// The last base of each allele, which of a substitution is the only one.
    fn new_base(&self) -> u8 {
        self.alt.bases.last().copied().unwrap_or(b'N')
    }

    pub(super) fn is_transition(&self) -> bool {
        let old = self.candidate.reference.last().copied().unwrap_or(b'N');
        let pair = (old, self.new_base());
        self.is_snp() && matches!(pair, (b'A', b'G') | (b'G', b'A') | (b'C', b'T') | (b'T', b'C'))
    }

    /// Neighbouring bases that are equal to a substitution's alternative.
    pub(super) fn equal_neighbours(&self) -> f32 {
        let equal = |offset| flag(self.is_snp() && self.new_base() == self.base(offset));
        equal(-1) + equal(1)
    }

    /// Strands on which a substitution follows GG, where some sequencers err more often.
    pub(super) fn after_gg(&self) -> f32 {
        let both = |base, offsets: [i64; 2]| flag(self.is_snp() && offsets.iter().all(|&at| self.base(at) == base));
        both(b'G', [-1, -2]) + both(b'C', [1, 2])
    }

    pub(super) fn gc_content(&self) -> f32 {
        let position = self.candidate.position.cast_signed();
        let bases = self.reference.slice(position - 30, position + 31).unwrap_or(&[]);
        small(bases.iter().filter(|base| matches!(base, b'G' | b'C')).count()) / small(bases.len().max(1))
    }

    /// Length in bp of the longest repeat that begins after the position and has a unit of so many bp.
    pub(super) fn repeat_length(&self, units: RangeInclusive<i64>) -> f32 {
        let position = self.candidate.position.cast_signed() + 1;
        small(units.map(|unit| repeat_length(self.reference, position, unit)).max().unwrap_or(1))
    }
}

impl Group {
    pub(super) fn add(&mut self, read: &Read, look: &Look) {
        let template = read.template_length.unsigned_abs();
        self.reads += 1.0;
        self.reverse += flag(read.reverse);
        self.base_quality += look.quality;
        self.low_quality += flag(look.quality < 20.0);
        self.mapping_quality += f32::from(read.mapping_quality.min(60));
        self.low_mapping += flag(read.mapping_quality < 30);
        self.end_distance += look.end_distance.min(60.0);
        self.near_end += flag(look.end_distance < 8.0);
        self.mismatches += look.mismatches.min(MOST_MISMATCHES);
        self.indels += look.indels.min(MOST_INDELS);
        self.clipped += flag(look.clipped);
        self.template += small(usize::try_from(template.min(MOST_TEMPLATE)).unwrap_or(0));
        self.odd_template += flag(template == 0 || template >= MOST_TEMPLATE);
        self.moved += flag(read.moved_from.is_some());
    }

    pub(super) fn mean(&self, sum: f32) -> f32 {
        sum / self.reads.max(1.0)
    }
}

/// 1 for yes.
pub(super) fn flag(yes: bool) -> f32 {
    f32::from(u8::from(yes))
}

#[allow(clippy::cast_precision_loss, reason = "bp and reads, some thousand at most")]
pub(super) fn small(n: usize) -> f32 {
    n as f32
}

/// Length of the stretch around `position` that repeats with a period of `unit` bp, up to 60 bp to each side.
fn repeat_length(reference: &ReferenceWindow, position: i64, unit: i64) -> usize {
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

    #[test]
    fn repeats_are_measured() {
        let reference = ReferenceWindow::new(0, b"GCTAAAAAATCACACACAGG".to_vec());
        let length = |position, unit| repeat_length(&reference, position, unit);
        assert_eq!((length(3, 1), length(6, 1), length(12, 2)), (6, 6, 8));
    }
}
