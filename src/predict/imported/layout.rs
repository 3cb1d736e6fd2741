//! How many inputs a small model of DeepVariant's has -> what they are.
//!
//! In this order: numbers of the reads at the candidate ([`Layout::of_reads`] of them), numbers of the alleles, the share of other alleles at each
//! of [`WINDOW`] positions, and with long reads the numbers of the reads again, for each of [`HAPLOTYPES`].

/// Positions whose share of other alleles is taken: the candidate's, and 25 to both sides.
pub const WINDOW: usize = 51;
/// Haplotypes of reads: not known, first, second.
pub const HAPLOTYPES: usize = 3;

/// The inputs of a small model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Short reads, release 1.8: 66.
    Short1_8,
    /// Long reads, release 1.8: 96.
    Long1_8,
    /// Short reads, releases 1.9 and 1.10: 70.
    Short1_9,
    /// Long reads, releases 1.9 and 1.10: 106.
    Long1_9,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Short1_8, Self::Long1_8, Self::Short1_9, Self::Long1_9];

    /// The layout of so many inputs.
    #[must_use]
    pub fn of_inputs(inputs: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.inputs() == inputs)
    }

    /// How many inputs it has.
    #[must_use]
    pub fn inputs(self) -> usize {
        let groups = if self.takes_haplotypes() { 1 + HAPLOTYPES } else { 1 };
        self.of_reads() * groups + self.of_alleles() + WINDOW
    }

    /// How many numbers describe a group of reads.
    #[must_use]
    pub fn of_reads(self) -> usize {
        if self.is_of_1_8() { 10 } else { 12 }
    }

    /// How many numbers describe the alleles.
    #[must_use]
    pub fn of_alleles(self) -> usize {
        if self.is_of_1_8() { 5 } else { 7 }
    }

    /// Whether it is of release 1.8, where a base's strand and a deletion's quality are not known, and sites of several alternative alleles are
    /// left to the CNN.
    #[must_use]
    pub fn is_of_1_8(self) -> bool {
        matches!(self, Self::Short1_8 | Self::Long1_8)
    }

    /// Whether it describes the reads of each haplotype.
    #[must_use]
    pub fn takes_haplotypes(self) -> bool {
        matches!(self, Self::Long1_8 | Self::Long1_9)
    }

    /// Whether it describes reads with the reference's base. DeepVariant 1.8 tracks those of long reads only, so that these numbers are 0 with
    /// short ones.
    #[must_use]
    pub fn needs_reference_reads(self) -> bool {
        self != Self::Short1_8
    }

    /// Its reads and release, for people.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Short1_8 => "short reads, DeepVariant 1.8",
            Self::Long1_8 => "long reads, DeepVariant 1.8",
            Self::Short1_9 => "short reads, DeepVariant 1.9 or 1.10",
            Self::Long1_9 => "long reads, DeepVariant 1.9 or 1.10",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_tell_layouts_apart() {
        assert_eq!(Layout::ALL.map(Layout::inputs), [66, 96, 70, 106]);
        for layout in Layout::ALL {
            assert_eq!(Layout::of_inputs(layout.inputs()), Some(layout));
        }
        assert_eq!(Layout::of_inputs(67), None);
    }
}
