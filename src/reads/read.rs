//! An htslib record -> one aligned, owned [`Read`]. Code behind it sees no htslib records.

use std::ops::Range;

use rust_htslib::bam::record::{Aux, Record};

use super::cigar::{Cigar, CigarKind, normalised};
use super::cut::Part;
use super::methylation::methylation;
use super::segments::{self, Segment, consumed, segments};
use crate::genome::{Interval, ReferenceWindow};

/// Base quality of a base that has none (QUAL `*`, or 0xff in BAM), Phred: an error in 1,000 bases, which is what short and accurate long
/// reads have, and what htslib gives to the bases of a CRAM whose qualities were dropped.
pub const MISSING_BASE_QUALITY: u8 = 30;
/// Highest quality of a base that is none of A, C, G, T (N, IUPAC codes), Phred: what Illumina's software gives N. Masked reads have N of
/// any quality, which carry no information and must not look as if they did.
pub const UNKNOWN_BASE_QUALITY: u8 = 2;
/// In BAM, a quality that is not available (SAM specification, section 4.2.3).
const NOT_AVAILABLE: u8 = u8::MAX;
/// In SAM, a name that is not available.
const NO_NAME: &[u8] = b"*";
/// The flag of a read that has a mate.
const PAIRED: u16 = 0x1;
/// The flag of a supplementary alignment.
const SUPPLEMENTARY: u16 = 0x800;

/// An aligned read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    /// Which of the sample's files it is from, in the order in which they are given.
    pub file: u16,
    /// Its flags as the file has them.
    pub flags: u16,
    /// Its read group (RG tag), empty where absent.
    pub read_group: Box<[u8]>,
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
    /// Its bases as in its file, where some are written as `=`.
    pub written: Option<Box<[u8]>>,
    /// Its alignment in its file, where it was realigned.
    pub moved_from: Option<Box<Moved>>,
    /// Ends that a trimmer clipped, where there are such: they are none of `bases`.
    pub trimmed_ends: Option<Box<TrimmedEnds>>,
    /// Aligned positions of its record, where that has more than 10,000 bases: the read may be a part of it, cut to what a region needs.
    pub long_record: Option<Interval>,
    /// For each base the probability that it is 5-methylcytosine, 0 to 255 (ML tag); only where that is asked for and the record has it.
    pub methylation: Option<Box<[u8]>>,
}

/// Bases of a record from which on only a part of it may be kept, in bp.
pub const LONG_RECORD: usize = 10_000;
/// Most bases kept of a clipped end of a read that is cut, in bp; no more are needed to tell that it is clipped, and of what quality.
const LONGEST_CLIP: usize = 5000;

/// What is kept of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// The positions that are needed: reads of more than 10,000 bases are cut to these. All where it is not set.
    pub within: Option<Interval>,
    /// Whether to read base modifications.
    pub methylation: bool,
}

/// The alignment that a realigned read had before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Moved {
    /// First aligned position, 0-based.
    pub start: u64,
    /// The alignment.
    pub cigar: Box<[Cigar]>,
}

/// The ends that were dropped from a read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TrimmedEnds {
    pub(super) head: End,
    pub(super) tail: End,
}

impl TrimmedEnds {
    /// The bases dropped before the read and behind it.
    #[must_use]
    pub fn lengths(&self) -> (u64, u64) {
        (self.head.bases.len() as u64, self.tail.bases.len() as u64)
    }
}

/// Bases that were dropped, and their qualities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct End {
    pub(super) bases: Box<[u8]>,
    pub(super) qualities: Box<[u8]>,
}

/// Why a record cannot become a [`Read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// No alignment (CIGAR `*`, or no reference position consumed).
    NoAlignment,
    /// The sequence is not stored (SEQ `*`), or is shorter or longer than the CIGAR says.
    NoSequence,
}

impl Read {
    /// Takes an htslib record over, of file 0. Missing base qualities become `MISSING_BASE_QUALITY`.
    ///
    /// # Errors
    /// `Unusable` where it has no alignment or no sequence.
    pub fn from_record(record: &Record) -> Result<Self, Unusable> {
        Self::part_of_record(record, Keep::default())
    }

    /// As [`Read::from_record`], of a long record only what is to be kept. Time and memory are those of what is kept, but for the walk along the
    /// record's CIGAR.
    ///
    /// # Errors
    /// `Unusable` where it has no alignment or no sequence, also within the positions that are needed.
    pub fn part_of_record(record: &Record, keep: Keep) -> Result<Self, Unusable> {
        let mut cigar = normalised(record.cigar().iter().map(|&op| op.into()));
        let consumed = consumed(&cigar);
        let Ok(mut start) = u64::try_from(record.pos()) else { return Err(Unusable::NoAlignment) };
        if consumed.positions == 0 {
            return Err(Unusable::NoAlignment);
        }
        if record.seq_len() == 0 || record.seq_len() != consumed.bases {
            return Err(Unusable::NoSequence);
        }
        let is_long = record.seq_len() > LONG_RECORD;
        let long_record = is_long.then(|| Interval::new(start, start + consumed.positions));
        let mut kept = 0..consumed.bases;
        if let Some(within) = keep.within.filter(|_| is_long) {
            let part = Part::of(start, &cigar, within).whole().ok_or(Unusable::NoAlignment)?;
            (start, cigar, kept) = (part.start, part.cigar.into(), part.bases);
            kept = shorten_clips(&mut cigar, kept);
        }
        let positions = segments::consumed(&cigar).positions;
        let bases = bases_of(record.seq().encoded, kept.clone());
        let methylation = if keep.methylation { methylation(record) } else { None };
        let haplotype = match record.aux(b"HP") {
            Ok(Aux::U8(n)) => n,
            Ok(Aux::I8(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::U16(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::I16(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::I32(n)) => u8::try_from(n).unwrap_or(0),
            Ok(Aux::U32(n)) => u8::try_from(n).unwrap_or(0),
            _ => 0,
        };
        let read_group: &[u8] = match record.aux(b"RG") {
            Ok(Aux::String(name)) => name.as_bytes(),
            _ => &[],
        };
        Ok(Self {
            file: 0,
            flags: record.flags(),
            read_group: read_group.into(),
            name: record.qname().into(),
            number: u8::from(record.is_last_in_template()),
            span: Interval::new(start, start + positions),
            mapping_quality: record.mapq(),
            reverse: record.is_reverse(),
            template_length: record.insert_size(),
            haplotype,
            qualities: record.qual()[kept.clone()]
                .iter()
                .zip(&bases)
                .map(|(&quality, &base)| quality_of(base, quality))
                .collect(),
            bases,
            cigar,
            written: None,
            moved_from: None,
            trimmed_ends: None,
            long_record,
            methylation: methylation.map(|all| all[kept].into()),
        })
    }

    /// Keeps only these of its bases; the alignment must be changed to fit.
    pub fn keep_bases(&mut self, kept: Range<usize>) {
        let of = |bytes: &[u8]| -> Box<[u8]> { bytes[kept.clone()].into() };
        self.bases = of(&self.bases);
        self.qualities = of(&self.qualities);
        self.written = self.written.as_deref().map(of);
        self.methylation = self.methylation.as_deref().map(of);
    }

    /// Gives the read another alignment, which must use as many bases as it has and at least one reference position.
    /// False, and nothing happens, where it is the one it has or does not fit.
    pub fn realign(&mut self, start: u64, cigar: Box<[Cigar]>) -> bool {
        let consumed = consumed(&cigar);
        let fits = consumed.bases == self.bases.len() && consumed.positions > 0;
        let is_aligned = |op: &&Cigar| op.kind != CigarKind::HardClip;
        let same = || cigar.iter().filter(is_aligned).eq(self.cigar.iter().filter(is_aligned));
        if !fits || (start == self.span.start() && same()) {
            return false;
        }
        let before = Moved { start: self.span.start(), cigar: std::mem::replace(&mut self.cigar, cigar) };
        self.span = Interval::new(start, start + consumed.positions);
        self.moved_from.get_or_insert_with(|| Box::new(before));
        true
    }

    /// First aligned position in its file, 0-based.
    #[must_use]
    pub fn start_in_file(&self) -> u64 {
        match (self.long_record, &self.moved_from) {
            (Some(record), _) => record.start(),
            (None, Some(before)) => before.start,
            (None, None) => self.span.start(),
        }
    }

    /// Its span, and beside it as many positions as the ends have that were dropped.
    #[must_use]
    pub fn span_with_trimmed_ends(&self) -> Interval {
        let (head, tail) = self.trimmed_ends.as_ref().map_or((0, 0), |ends| ends.lengths());
        Interval::new(self.span.start().saturating_sub(head), self.span.end() + tail)
    }

    /// True where it is a supplementary alignment.
    #[must_use]
    pub fn is_supplementary(&self) -> bool {
        self.flags & SUPPLEMENTARY != 0
    }

    /// The order of rows in a pileup image: by start (of a long read that of its record), then name, then number, as DeepVariant has it, then
    /// file. Reads that are equal in
    /// all of these keep their file's order, so sorts must be stable.
    #[must_use]
    pub fn order(&self) -> (u64, &[u8], u8, u16) {
        (self.long_record.unwrap_or(self.span).start(), &self.name, self.number, self.file)
    }

    /// True where read `i` of `reads`, which are in [`Read::order`], repeats an earlier record: all their fields are equal. Equal names are not
    /// enough, since lanes and files may share them; and equal reads without names may come from different molecules.
    #[must_use]
    pub fn is_repeated(reads: &[Self], i: usize) -> bool {
        let read = &reads[i];
        let mut same_key = reads[..i].iter().rev().take_while(|before| before.order() == read.order());
        !read.is_nameless() && same_key.any(|before| before == read)
    }

    /// The operations of its alignment, each with its reference position and its offset in the read.
    #[inline]
    pub fn segments(&self) -> impl Iterator<Item = Segment> {
        segments(self.span.start(), &self.cigar)
    }

    /// True where the alignment has a deletion over `position` (0-based).
    #[must_use]
    pub fn deletes(&self, position: u64) -> bool {
        self.segments().any(|segment| segment.kind == CigarKind::Deletion && segment.interval().contains(position))
    }

    /// True where QNAME is `*`: the read has no name.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        *self.name == *NO_NAME
    }

    /// True where the length of its template is known: it has a mate, and TLEN is not 0.
    #[must_use]
    pub fn has_template_length(&self) -> bool {
        self.flags & PAIRED != 0 && self.template_length != 0
    }

    /// Replaces `=` ("equal to the reference", SAM specification, section 1.4) by the reference's bases, by `N` where no base is aligned.
    pub fn spell_out(&mut self, reference: &ReferenceWindow) {
        if !self.bases.contains(&b'=') {
            return;
        }
        self.written = Some(self.bases.clone());
        for segment in segments(self.span.start(), &self.cigar) {
            for (base, position) in self.bases[segment.bases()].iter_mut().zip(segment.position.cast_signed()..) {
                let known = if segment.kind == CigarKind::Match { reference.base(position) } else { b'N' };
                *base = if *base == b'=' { known } else { *base };
            }
        }
    }
}

/// Cuts clipped ends to [`LONGEST_CLIP`] bases next to what is aligned; the bases that are left.
fn shorten_clips(cigar: &mut [Cigar], kept: Range<usize>) -> Range<usize> {
    let shorten = |op: Option<&mut Cigar>| {
        let op = op.filter(|op| op.kind == CigarKind::SoftClip && op.length as usize > LONGEST_CLIP)?;
        let dropped = op.length as usize - LONGEST_CLIP;
        op.length -= u32::try_from(dropped).ok()?;
        Some(dropped)
    };
    let is_hard = |op: &&mut Cigar| op.kind == CigarKind::HardClip;
    let head = shorten(cigar.iter_mut().find(|op| !is_hard(op))).unwrap_or(0);
    let tail = shorten(cigar.iter_mut().rev().find(|op| !is_hard(op))).unwrap_or(0);
    kept.start + head..kept.end - tail
}

/// A part of a record's bases, which BAM packs two to a byte (SAM specification, section 4.2.3).
fn bases_of(packed: &[u8], part: Range<usize>) -> Box<[u8]> {
    const LETTERS: &[u8; 16] = b"=ACMGRSVTWYHKDBN";
    const PAIRS: [[u8; 2]; 256] = {
        let mut pairs = [[0; 2]; 256];
        let mut byte = 0;
        while byte < pairs.len() {
            pairs[byte] = [LETTERS[byte >> 4], LETTERS[byte & 15]];
            byte += 1;
        }
        pairs
    };
    let (first, end) = (part.start / 2, part.end.div_ceil(2));
    let mut bases: Vec<u8> = packed[first..end].iter().flat_map(|&byte| PAIRS[usize::from(byte)]).collect();
    bases.truncate(part.end - 2 * first);
    bases.drain(..part.start - 2 * first);
    bases.into()
}

/// The quality that is used for a base. Without branches, so that it is turned into vectors.
#[allow(clippy::needless_bitwise_bool, reason = "branches are not turned into vectors")]
fn quality_of(base: u8, quality: u8) -> u8 {
    let is_known = (base == b'A') | (base == b'C') | (base == b'G') | (base == b'T') | (base == b'=');
    let known = if quality == NOT_AVAILABLE { MISSING_BASE_QUALITY } else { quality };
    // NOT_AVAILABLE is the greatest.
    if is_known { known } else { quality.min(UNKNOWN_BASE_QUALITY) }
}

#[cfg(test)]
mod tests {
    use rust_htslib::bam::HeaderView;

    use super::*;
    use crate::testing::ReadBuilder;

    fn record(line: &str) -> Record {
        let header = HeaderView::from_bytes(b"@SQ\tSN:1\tLN:1000\n");
        Record::from_sam(&header, line.replace(' ', "\t").as_bytes()).unwrap()
    }

    #[test]
    fn missing_qualities_are_the_default() {
        let missing = Read::from_record(&record("r 0 1 11 60 4M * 0 0 ACGT *")).unwrap();
        assert_eq!(*missing.qualities, [MISSING_BASE_QUALITY; 4]);
        let zero = Read::from_record(&record("r 0 1 11 60 4M * 0 0 ACGT !!+!")).unwrap();
        assert_eq!(*zero.qualities, [0, 0, 10, 0], "a quality of 0 is a quality");
    }

    #[test]
    fn only_equal_records_are_repeated() {
        let of = |line: &str| Read::from_record(&record(line)).unwrap();
        let one = of("r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:a");
        let repeats = |a: &Read, b: &Read| Read::is_repeated(&[a.clone(), b.clone()], 1);
        let again = of("r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:a NM:i:0");
        assert!(repeats(&one, &again) && !Read::is_repeated(&[one.clone(), again.clone()], 0));
        for other in [
            "r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:b",
            "r 99 1 11 60 4M = 50 44 ACGT IIII",
            "r 99 1 11 60 4M = 50 44 ACGA IIII RG:Z:a",
            "r 99 1 11 60 4M = 50 44 ACGT III# RG:Z:a",
            "r 99 1 11 60 3M1S = 50 44 ACGT IIII RG:Z:a",
            "r 1123 1 11 60 4M = 50 44 ACGT IIII RG:Z:a",
        ] {
            assert!(!repeats(&one, &of(other)), "{other}");
            assert_eq!(one.order(), of(other).order());
            assert!(Read::is_repeated(&[one.clone(), of(other), again.clone()], 2), "other records may lie between");
        }
        let elsewhere = Read { file: 1, ..one.clone() };
        assert!(!repeats(&one, &elsewhere) && one.order() < elsewhere.order());
        let nameless = of("* 0 1 11 60 4M * 0 0 ACGT IIII");
        assert!(!repeats(&nameless, &nameless));
    }

    #[test]
    fn unknown_bases_are_of_low_quality() {
        let of = |line: &str| Read::from_record(&record(line)).unwrap().qualities;
        assert_eq!(*of("r 0 1 11 60 4M * 0 0 ANRT IIII"), [40, 2, 2, 40]);
        assert_eq!(*of("r 0 1 11 60 4M * 0 0 ANRT *"), [30, 2, 2, 30]);
        assert_eq!(*of("r 0 1 11 60 4M * 0 0 =N=T II#I"), [40, 2, 2, 40]);
    }

    #[test]
    fn an_alignment_is_the_same_however_it_is_spelled() {
        let cigar = |text: &str| {
            let line = format!("r 0 1 11 60 {text} * 0 0 ACGTAC IIIIII");
            crate::testing::cigar_text(&Read::from_record(&record(&line)).unwrap().cigar)
        };
        for text in ["6M", "6=", "2=1X3=", "3M3M", "2M1P4M", "2M0D4M", "0S6M"] {
            assert_eq!(cigar(text), "6M", "{text}");
        }
        assert_eq!(cigar("2H1S2=1X1I1M3H"), "2H1S3M1I1M3H");
        // Nor does a hard clip make it another.
        let mut read = ReadBuilder::new(10, "ACGTAC").cigar("5H6M").build();
        assert!(!read.realign(10, crate::testing::cigar("6M")) && read.moved_from.is_none());
    }

    /// The part of a long record at 100 that is kept within 500 bp.
    fn part(cigar: &str, bases: usize, within: Interval) -> Result<Read, Unusable> {
        let header = HeaderView::from_bytes(b"@SQ\tSN:1\tLN:100000\n");
        let sequence: String = "ACGT".chars().cycle().take(bases).collect();
        let line = format!("r\t2048\t1\t101\t60\t{cigar}\t*\t0\t0\t{sequence}\t{}", "I".repeat(bases));
        let record = Record::from_sam(&header, line.as_bytes()).unwrap();
        Read::part_of_record(&record, Keep { within: Some(within), methylation: false })
    }

    #[test]
    fn long_records_are_cut() {
        let read = part("2S9000M1I3000M", 12_003, Interval::new(9000, 9200)).unwrap();
        assert_eq!((read.span, read.start_in_file()), (Interval::new(9000, 9200), 100));
        assert_eq!(crate::testing::cigar_text(&read.cigar), "100M1I100M");
        // Base 2 of the record lies at 100.
        assert_eq!((read.bases[0], read.bases.len(), read.qualities.len()), (b"ACGT"[8902 % 4], 201, 201));
        assert!(read.is_supplementary());
        assert_eq!(read.long_record, Some(Interval::new(100, 12_100)));
        assert_eq!(read.order().0, 100, "it is sorted as its record is");
        let short = part("5000M", 5000, Interval::new(200, 300)).unwrap();
        assert_eq!((short.span.len(), short.long_record), (5000, None));
        assert_eq!(part("2000M9000D10000M", 12_000, Interval::new(3000, 4000)).unwrap_err(), Unusable::NoAlignment);
    }

    #[test]
    fn long_clips_are_cut() {
        let read = part("20000S100M7000S", 27_100, Interval::new(0, 1000)).unwrap();
        assert_eq!(crate::testing::cigar_text(&read.cigar), "5000S100M5000S");
        assert_eq!((read.bases.len(), read.bases[5000]), (10_100, b"ACGT"[0]));
    }

    #[test]
    fn deletions_lie_over_positions() {
        let read = ReadBuilder::new(10, "ACGTACGT").cigar("2S2M3D1I2M1S").build();
        let deleted: Vec<u64> = (0..30).filter(|&position| read.deletes(position)).collect();
        assert_eq!(deleted, [12, 13, 14]);
    }

    #[test]
    fn template_lengths_need_a_mate() {
        let of = |line: &str| Read::from_record(&record(line)).unwrap().has_template_length();
        assert!(of("r 99 1 11 60 4M = 50 44 ACGT IIII"));
        assert!(!of("r 73 1 11 60 4M = 11 0 ACGT IIII"), "the mate is unmapped");
        assert!(!of("r 0 1 11 60 4M * 0 300 ACGT IIII"), "there is no mate");
    }

    #[test]
    fn equal_signs_are_the_references_bases() {
        let reference = ReferenceWindow::new(10, b"ACGTNCGT".to_vec());
        let spelled = |bases: &str, cigar: &str| {
            let mut read = ReadBuilder::new(11, bases).cigar(cigar).build();
            read.spell_out(&reference);
            assert_eq!(read.written.as_deref(), Some(bases.as_bytes()));
            String::from_utf8(read.bases.to_vec()).unwrap()
        };
        assert_eq!(spelled("==A=", "4M"), "CGAN");
        assert_eq!(spelled("A===T=", "1S1M1I1M1D2M"), "ACNGTC");
        assert_eq!(spelled("====", "3M1S"), "CGTN");
        assert_eq!(spelled("==========", "10M"), "CGTNCGTNNN", "off the window nothing is known");
    }
}
