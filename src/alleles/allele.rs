//! The alleles that reads support at one position: of one read ([`Observation`]), and of all of them ([`AlleleCount`]).

use crate::genome::ReferenceWindow;
use crate::variant::Allele;

/// How an allele differs from the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlleleKind {
    /// Another base.
    Substitution,
    /// Bases after the anchor that the reference lacks.
    Insertion,
    /// Reference bases after the anchor that the read lacks.
    Deletion,
    /// Bases clipped after the anchor, where the alignment ends or begins; never a candidate.
    SoftClip,
}

/// A non-reference allele as an alignment has it, anchored at a position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservedAllele {
    /// How it differs.
    pub kind: AlleleKind,
    /// The read's base for a substitution; else the anchor's base in the read, then the bases inserted, deleted or
    /// clipped. Upper-case ASCII.
    pub bases: Box<[u8]>,
}

impl ObservedAllele {
    /// The allele in VCF terms, where it is anchored at `position`; `None` for a soft clip, and off the window.
    #[must_use]
    pub fn allele(&self, position: u64, reference: &ReferenceWindow) -> Option<Allele> {
        let (length, alternative): (usize, &[u8]) = match self.kind {
            AlleleKind::SoftClip => return None,
            AlleleKind::Deletion => (self.bases.len(), &self.bases[..1]),
            AlleleKind::Substitution | AlleleKind::Insertion => (1, &self.bases),
        };
        let start = position.cast_signed();
        let whole = reference.slice(start, start + i64::try_from(length).ok()?)?;
        Some(Allele::new(position, whole, alternative))
    }

    /// The same in normal form.
    #[must_use]
    pub fn normal(&self, position: u64, reference: &ReferenceWindow) -> Option<Allele> {
        self.allele(position, reference).map(|allele| allele.normal(reference))
    }
}

/// One read's non-reference allele at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Index of the read in its region's list.
    pub read: u32,
    /// False where its base qualities are under the limit, or where its record is a repetition of another: it supports the allele, but
    /// does not count.
    pub counts: bool,
    /// True on the reverse strand.
    pub reverse: bool,
    /// The observed allele.
    pub allele: ObservedAllele,
}

/// One read with the reference's base at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceRead {
    /// Index of the read in its region's list.
    pub read: u32,
    /// False where its base quality is under the limit.
    pub is_good: bool,
}

/// One position; each read that aligns to it, or is anchored at it, counts for exactly one allele.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlleleCount {
    /// Reads with the reference base, with base quality at or above the limit.
    pub reference: u32,
    /// Of these, those on the reverse strand.
    pub reference_reverse: u32,
    /// Sum of the squared mapping qualities of all reads that count.
    pub mapping_quality_squares: u64,
    /// Reads with the reference base under that limit.
    pub low_quality_reference: u32,
    /// Reads with any other allele, in read order.
    pub observations: Vec<Observation>,
}
