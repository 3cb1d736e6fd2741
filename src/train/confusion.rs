//! Predicted and true classes -> counts, precision, recall and F1 by kind of variant.

use serde::Serialize;

/// Confusion of three classes, for SNPs and for all else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// `snp[true class][predicted class]`.
    pub snp: [[u64; 3]; 3],
    /// `indel[true class][predicted class]`.
    pub indel: [[u64; 3]; 3],
}

impl Confusion {
    /// Counts one image; classes are 0, 1 or 2.
    pub fn add(&mut self, snp: bool, truth: u8, predicted: u8) {
        let table = if snp { &mut self.snp } else { &mut self.indel };
        table[usize::from(truth.min(2))][usize::from(predicted.min(2))] += 1;
    }

    /// F1 of images as variant calls with the right genotype, for SNPs, for indels, and for both together.
    #[must_use]
    pub fn f1(&self) -> [f64; 3] {
        let mut both = self.snp;
        for (row, other) in both.iter_mut().zip(&self.indel) {
            row.iter_mut().zip(other).for_each(|(n, m)| *n += m);
        }
        [&self.snp, &self.indel, &both].map(f1)
    }
}

/// A wrong genotype is a miss and a false call at once, as in genotype-aware comparison of VCFs.
#[allow(clippy::cast_precision_loss, reason = "counts of images")]
fn f1(table: &[[u64; 3]; 3]) -> f64 {
    let right = table[1][1] + table[2][2];
    let called: u64 = table.iter().map(|row| row[1] + row[2]).sum();
    let real: u64 = table[1..].iter().flatten().sum();
    if called + real == 0 { 0.0 } else { 2.0 * right as f64 / (called + real) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_genotypes_count_twice() {
        let mut c = Confusion::default();
        c.add(true, 1, 1);
        c.add(true, 2, 1);
        c.add(true, 0, 0);
        c.add(false, 0, 1);
        let [snp, indel, both] = c.f1();
        assert!((snp - 0.5).abs() < 1e-12 && indel == 0.0 && (both - 2.0 / 5.0).abs() < 1e-12);
    }
}
