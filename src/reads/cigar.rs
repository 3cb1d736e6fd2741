//! htslib's CIGAR operations -> [`Cigar`]s, in one spelling.

use std::fmt;

use rust_htslib::bam::record::Cigar as HtsCigar;

/// Kinds of CIGAR operations (SAM specification, section 1.4.6); M, = and X are one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CigarKind {
    /// M, = or X: bases aligned to reference positions.
    Match,
    /// I: bases that the reference lacks.
    Insertion,
    /// D: reference positions that the read lacks.
    Deletion,
    /// N: reference positions skipped (introns).
    Skip,
    /// S: bases not aligned, present in the read.
    SoftClip,
    /// H: bases not aligned, absent from the read.
    HardClip,
    /// P: padding, which consumes neither.
    Padding,
}

impl CigarKind {
    /// True where the operation consumes bases of the read.
    #[must_use]
    pub fn consumes_read(self) -> bool {
        matches!(self, Self::Match | Self::Insertion | Self::SoftClip)
    }

    /// True where the operation consumes reference positions.
    #[must_use]
    pub fn consumes_reference(self) -> bool {
        matches!(self, Self::Match | Self::Deletion | Self::Skip)
    }
}

/// One CIGAR operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cigar {
    /// Its kind.
    pub kind: CigarKind,
    /// Its length, bp.
    pub length: u32,
}

impl fmt::Display for Cigar {
    /// As SAM writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            CigarKind::Match => 'M',
            CigarKind::Insertion => 'I',
            CigarKind::Deletion => 'D',
            CigarKind::Skip => 'N',
            CigarKind::SoftClip => 'S',
            CigarKind::HardClip => 'H',
            CigarKind::Padding => 'P',
        };
        write!(f, "{}{letter}", self.length)
    }
}

impl From<HtsCigar> for Cigar {
    fn from(op: HtsCigar) -> Self {
        let kind = match op {
            HtsCigar::Match(_) | HtsCigar::Equal(_) | HtsCigar::Diff(_) => CigarKind::Match,
            HtsCigar::Ins(_) => CigarKind::Insertion,
            HtsCigar::Del(_) => CigarKind::Deletion,
            HtsCigar::RefSkip(_) => CigarKind::Skip,
            HtsCigar::SoftClip(_) => CigarKind::SoftClip,
            HtsCigar::HardClip(_) => CigarKind::HardClip,
            HtsCigar::Pad(_) => CigarKind::Padding,
        };
        Self { kind, length: op.len() }
    }
}

/// The operations with neighbours of one kind merged (`=` and `X` are both matches), without padding and operations of length 0. So equal
/// alignments have equal operations, however a mapper wrote them.
pub(super) fn normalised(ops: impl Iterator<Item = Cigar>) -> Box<[Cigar]> {
    let mut merged: Vec<Cigar> = Vec::new();
    for op in ops.filter(|op| op.length > 0 && op.kind != CigarKind::Padding) {
        match merged.last_mut() {
            Some(last) if last.kind == op.kind => last.length = last.length.saturating_add(op.length),
            _ => merged.push(op),
        }
    }
    merged.into()
}
