//! Counts, shares and genotypes -> their values in VCF.

use crate::variant::Genotype;

/// A count; integers of VCF are signed and have 32 bits.
pub(super) fn count(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// `n` of `depth`, to six significant digits; 0 of nothing is 0.
#[must_use]
pub fn fraction(n: u32, depth: u32) -> f32 {
    let share = f64::from(n) / f64::from(depth.max(1));
    format!("{share:.5e}").parse().unwrap_or_default()
}

/// The genotype with as many copies as are written.
pub(super) fn written(genotype: Option<Genotype>, copies: usize) -> Option<Genotype> {
    genotype.map(|genotype| if copies == 1 { genotype.haploid() } else { genotype })
}
