//! One aligned read, owned and immutable: the only place where htslib records end.

use std::fmt;

use rust_htslib::bam::record::{Aux, Cigar as HtsCigar, Record};

use crate::genome::Interval;

/// What a CIGAR operation does, in the groups that matter here (SAM specification, section 1.4.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// P: padding, which moves nothing.
    Padding,
}

impl CigarKind {
    /// True where the operation moves along the read's bases.
    #[must_use]
    pub fn consumes_read(self) -> bool {
        matches!(self, Self::Match | Self::Insertion | Self::SoftClip)
    }

    /// True where the operation moves along the reference.
    #[must_use]
    pub fn consumes_reference(self) -> bool {
        matches!(self, Self::Match | Self::Deletion | Self::Skip)
    }
}

/// One CIGAR operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cigar {
    /// What it does.
    pub kind: CigarKind,
    /// For how many bp.
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

/// An aligned read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Template name (QNAME).
    pub name: Box<[u8]>,
    /// 0 for the first or only read of its template, 1 for the last.
    pub number: u8,
    /// Aligned positions, first to last, on its contig.
    pub span: Interval,
    /// Mapping quality, Phred; 255 is "not available" in SAM and stays 255 here.
    pub mapping_quality: u8,
    /// True where the read aligns to the reverse strand.
    pub reverse: bool,
    /// Observed template length (TLEN), signed, in bp.
    pub template_length: i64,
    /// Haplotype (HP tag), 0 where absent.
    pub haplotype: u8,
    /// Bases in the reference's direction, upper-case ASCII.
    pub bases: Box<[u8]>,
    /// Base qualities, Phred; as long as `bases`.
    pub qualities: Box<[u8]>,
    /// The alignment; its spans agree with `bases` and `span`.
    pub cigar: Box<[Cigar]>,
    /// Where its file has it, if it was realigned since.
    pub moved_from: Option<Box<Moved>>,
}

/// The alignment that a realigned read had before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// First aligned position, 0-based.
    pub start: u64,
    /// The alignment.
    pub cigar: Box<[Cigar]>,
}

/// Why a record cannot become a [`Read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// No alignment (CIGAR `*`, or no reference position consumed).
    NoAlignment,
    /// The sequence is not stored (SEQ `*`), or is shorter or longer than the CIGAR says.
    NoSequence,
}

impl Read {
    /// Takes an htslib record over. Missing base qualities (0xff) become 0, so that no allele is believed on them.
    ///
    /// # Errors
    /// [`Unusable`] where it has no alignment or no sequence.
    pub fn from_record(record: &Record) -> Result<Self, Unusable> {
        let cigar: Box<[Cigar]> = record.cigar().iter().map(|&op| op.into()).collect();
        let bases: Box<[u8]> = record.seq().as_bytes().iter().map(u8::to_ascii_uppercase).collect();
        let span_of = |consumes: fn(CigarKind) -> bool| -> u64 {
            cigar.iter().filter(|op| consumes(op.kind)).map(|op| u64::from(op.length)).sum()
        };
        let reference_span = span_of(CigarKind::consumes_reference);
        let Ok(start) = u64::try_from(record.pos()) else { return Err(Unusable::NoAlignment) };
        if cigar.is_empty() || reference_span == 0 {
            return Err(Unusable::NoAlignment);
        }
        if bases.is_empty() || bases.len() as u64 != span_of(CigarKind::consumes_read) {
            return Err(Unusable::NoSequence);
        }
        let haplotype = match record.aux(b"HP") {
            Ok(Aux::U8(n)) => n,
            Ok(Aux::I8(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::U16(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::I16(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::I32(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::U32(n)) => u8::try_from(n).unwrap_or(0),
            _ => 0,
        };
        Ok(Self {
            name: record.qname().into(),
            number: u8::from(record.is_last_in_template()),
            span: Interval::new(start, start + reference_span),
            mapping_quality: record.mapq(),
            reverse: record.is_reverse(),
            template_length: record.insert_size(),
            haplotype,
            qualities: record.qual().iter().map(|&q| if q == u8::MAX { 0 } else { q }).collect(),
            bases,
            cigar,
            moved_from: None,
        })
    }

    /// Gives the read another alignment, which must use as many bases as it has and at least one reference position.
    /// False, and nothing happens, where it is the one it has or does not fit.
    pub fn realign(&mut self, start: u64, cigar: Box<[Cigar]>) -> bool {
        let length = |consumes: fn(CigarKind) -> bool| -> u64 {
            cigar.iter().filter(|op| consumes(op.kind)).map(|op| u64::from(op.length)).sum()
        };
        let span = length(CigarKind::consumes_reference);
        let fits = length(CigarKind::consumes_read) == self.bases.len() as u64 && span > 0;
        if !fits || (start == self.span.start() && cigar == self.cigar) {
            return false;
        }
        let before = Moved { start: self.span.start(), cigar: std::mem::replace(&mut self.cigar, cigar) };
        self.span = Interval::new(start, start + span);
        self.moved_from.get_or_insert_with(|| Box::new(before));
        true
    }

    /// First aligned position in its file, 0-based.
    #[must_use]
    pub fn start_in_file(&self) -> u64 {
        self.moved_from.as_ref().map_or(self.span.start(), |before| before.start)
    }

    /// The order of rows in a pileup image: by start, then name, then number.
    #[must_use]
    pub fn order(&self) -> (u64, &[u8], u8) {
        (self.span.start(), &self.name, self.number)
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
