//! Realigned reads of the called regions, in genome order -> a BAM file and its index, to be looked at in a browser.
//!
//! Records are read from the reads file a second time, so that they keep their names, flags, mates and tags; only what
//! realignment changed is new. Each record is written once, as the region that holds its middle saw it (or the first region
//! that it overlaps). A moved record tells its old alignment in the tag OA (SAM optional fields specification) and loses
//! the tags MD and NM, which would be wrong. Its mate's record is told (`mates`).
//!
//! Memory: the records that may still be followed by an earlier one or whose near mates may still be moved, which is those of a few
//! regions.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use rust_htslib::bam::record::{Aux, Cigar as HtsCigar, CigarString};
use rust_htslib::bam::{self, Read as _};
use tempfile::TempPath;

use crate::alignment_file::{self, BamFile, RegionReader};
use crate::error::{Error, Parameter, Result};
use crate::files::{Whole, temporary_beside, vacant};
use crate::genome::{ContigId, Contigs, Interval};
use crate::output::header::{OutputHeader, index_path, index_type};
use crate::output::mates::{Mates, NEAR, Place, five_prime};
use crate::reads::{Cigar, CigarKind, Moved, Read};
use crate::regions::{Region, Regions};

/// How far left of its region a read may be moved, in bp: more than a window and a read together.
const FARTHEST: u64 = 5000;

/// A read of a region as the file knows it, and its new alignment where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Its record's [`fingerprint`].
    record: u64,
    /// Where it lies now, if somewhere else.
    now: Option<Moved>,
    /// Its bases, if it lies somewhere else and the record has some as `=`, which would mean others there.
    bases: Option<Box<[u8]>>,
}

/// A number for what a read's record holds: reads of one position may share a name, or have none. Clipped bases are left out of it, since a
/// trimmer's are dropped from the read ([`Trimmed`](crate::reads::Trimmed)).
fn fingerprint(read: &Read) -> u64 {
    let mut hasher = DefaultHasher::new();
    // Of a long read only a part may be at hand; its name and place are enough.
    if let Some(record) = read.long_record {
        (record.start(), record.end()).hash(&mut hasher);
        (&read.name, read.flags, &read.read_group, read.mapping_quality).hash(&mut hasher);
        return hasher.finish();
    }
    let cigar = read.moved_from.as_ref().map_or(&read.cigar, |before| &before.cigar);
    (&read.name, read.flags, &read.read_group, read.mapping_quality, read.start_in_file()).hash(&mut hasher);
    let is_clip = |op: &&Cigar| matches!(op.kind, CigarKind::SoftClip | CigarKind::HardClip);
    let soft = |op: &Cigar| if op.kind == CigarKind::SoftClip { op.length as usize } else { 0 };
    let head: usize = cigar.iter().take_while(is_clip).map(soft).sum();
    let tail: usize = cigar.iter().rev().take_while(is_clip).map(soft).sum();
    cigar.iter().filter(|op| !is_clip(op)).for_each(|op| (op.kind as u8, op.length).hash(&mut hasher));
    let bases = read.written.as_ref().unwrap_or(&read.bases);
    (&bases[head..bases.len() - tail], &read.qualities[head..read.qualities.len() - tail]).hash(&mut hasher);
    hasher.finish()
}

impl From<&Read> for Placement {
    fn from(read: &Read) -> Self {
        let moved = read.moved_from.is_some();
        Self {
            record: fingerprint(read),
            now: moved.then(|| Moved { start: read.span.start(), cigar: with_hard_clips(read) }),
            bases: read.written.as_ref().filter(|_| moved).map(|_| read.bases.clone()),
        }
    }
}

/// The read's alignment with the hard clips that it had before it was moved: those of the file, and ends that were left out of account.
fn with_hard_clips(read: &Read) -> Box<[Cigar]> {
    let is_hard = |op: &&Cigar| op.kind == CigarKind::HardClip;
    let before = read.moved_from.as_ref().map_or(&[][..], |before| &before.cigar);
    let head = before.iter().take_while(is_hard);
    let tail = before.iter().rev().take_while(is_hard);
    head.chain(read.cigar.iter().filter(|op| !is_hard(op))).chain(tail).copied().collect()
}

/// Writes the BAM. Dropped before [`RealignedBam::finish`], it leaves nothing behind.
pub struct RealignedBam {
    path: PathBuf,
    source: BamFile,
    reader: RegionReader,
    writer: bam::Writer,
    temporary: TempPath,
    header: OutputHeader,
    index: bam::index::Type,
    waiting: BinaryHeap<Reverse<Waiting>>,
    mates: Mates,
    /// Records before this are written.
    written: Place,
    taken: u64,
}

/// A record by output tid, position and time of arrival.
struct Waiting {
    order: (i32, i64, u64),
    /// Its position in the file.
    was_at: i64,
    record: bam::Record,
}

impl RealignedBam {
    /// Opens a temporary file beside `path` for the reads of `source` on the contigs of `reference`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that does not end in `.bam`; [`Error::Output`] where it cannot be written.
    pub fn create(path: &Path, source: &BamFile, reference: &Contigs) -> Result<Self> {
        if path.extension().is_none_or(|extension| extension != "bam") {
            let value = path.display().to_string();
            return Err(Error::parameter(Parameter::RealignedBam, value, "the name must end in .bam"));
        }
        let index = index_type(source.contigs());
        vacant(&index_path(path, &index))?;
        let (_, temporary) = temporary_beside(path)?.into_parts();
        let header = OutputHeader::new(source, reference, "realigned reads");
        let failed = |e| Error::output(path, format!("cannot be written: {e}"));
        let writer = bam::Writer::from_path(&temporary, &header.header, bam::Format::Bam).map_err(failed)?;
        Ok(Self {
            path: path.into(),
            source: source.clone(),
            reader: RegionReader::open(source)?,
            writer,
            temporary,
            header,
            index,
            waiting: BinaryHeap::new(),
            mates: Mates::default(),
            written: (0, 0),
            taken: 0,
        })
    }

    /// Takes the reads of the region of number `this`; regions come in order.
    ///
    /// # Errors
    /// [`Error::Input`] where the reads file cannot be read any more, [`Error::Output`] where the BAM cannot be written.
    pub fn take(&mut self, regions: &Regions, this: usize, reads: &[Placement]) -> Result<()> {
        let Some(region) = regions.get(this) else { return Ok(()) };
        let Some((source_tid, tid)) = self.header.tids(region.contig) else { return Ok(()) };
        let placements: HashMap<u64, &Placement> = reads.iter().map(|read| (read.record, read)).collect();
        // Later regions begin here, and so do their reads, but for those that are seen now and left for them.
        let mut earliest_later = region.interval.end();
        self.reader.fetch(source_tid, region.interval.start(), region.interval.end())?;
        let mut record = bam::Record::new();
        while self.reader.read(&mut record)? {
            let Ok(position) = u64::try_from(record.pos()) else { continue };
            let span = Interval::new(position, record.cigar().end_pos().unsigned_abs());
            let owner = owner(regions, region, span);
            if owner > this {
                earliest_later = earliest_later.min(position);
            }
            if owner != this {
                continue;
            }
            let Ok(read) = Read::from_record(&record) else { continue };
            let Some(placement) = placements.get(&fingerprint(&read)) else { continue };
            let is_moved = placement.now.is_some();
            let was_at = record.pos();
            let before = (was_at, five_prime(&record));
            if let Some(now) = &placement.now {
                move_record(&mut record, now, placement.bases.as_deref(), &self.source)?;
            }
            self.header.renumber(&mut record);
            if is_moved {
                self.mates.moved(&mut record, before, self.written, FARTHEST);
            }
            self.taken += 1;
            let order = (tid, record.pos(), self.taken);
            self.waiting.push(Reverse(Waiting { order, was_at, record: record.clone() }));
        }
        self.write_until((tid, earliest_later.saturating_sub(FARTHEST + NEAR).cast_signed()))
    }

    /// Writes the records that no later one can come before.
    fn write_until(&mut self, (tid, position): (i32, i64)) -> Result<()> {
        while let Some(first) = self.waiting.peek_mut()
            && (first.0.order.0, first.0.order.1) < (tid, position)
        {
            let Reverse(Waiting { order, was_at, mut record }) = PeekMut::pop(first);
            self.mates.tell(&mut record, (order.0, was_at));
            self.writer.write(&record).map_err(|e| Error::output(&self.path, format!("cannot be written: {e}")))?;
        }
        self.written = (tid, position);
        self.mates.forget_before((tid, position.saturating_sub(FARTHEST.cast_signed())));
        Ok(())
    }

    /// Makes the file and its index whole, to be placed under their final names.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn finish(mut self) -> Result<Whole> {
        self.write_until((i32::MAX, i64::MAX))?;
        let Self { path, writer, mut temporary, index, mates, .. } = self;
        // Closing may fail without a word, for want of space; then the end-of-file block is missing.
        drop(writer);
        let ends_whole = |file: &Path| {
            alignment_file::ends_whole(file)
                .map_err(|_| Error::output(&path, "cannot be written to its end; is there space left?"))
        };
        ends_whole(&temporary)?;
        if mates.some_are_behind() {
            temporary = second_pass(&temporary, &path, &mates)?;
            ends_whole(&temporary)?;
        }
        let index_path = index_path(&path, &index);
        let (_, temporary_index) = temporary_beside(&index_path)?.into_parts();
        bam::index::build(&*temporary, Some(&*temporary_index), index, 1)
            .map_err(|e| Error::output(&index_path, format!("cannot be written: {e}")))?;
        Whole::new(temporary, &path)?.with_index(temporary_index, &index_path)
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Waiting {}
impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

/// Writes the file again, with what mates far behind are to be told.
fn second_pass(first: &Path, path: &Path, mates: &Mates) -> Result<TempPath> {
    let failed = |e: rust_htslib::errors::Error| Error::output(path, format!("cannot be written: {e}"));
    let (_, temporary) = temporary_beside(path)?.into_parts();
    let mut reader = bam::Reader::from_path(first).map_err(failed)?;
    let header = bam::Header::from_template(reader.header());
    let mut writer = bam::Writer::from_path(&temporary, &header, bam::Format::Bam).map_err(failed)?;
    for record in reader.records() {
        let mut record = record.map_err(failed)?;
        mates.tell_late(&mut record);
        writer.write(&record).map_err(failed)?;
    }
    Ok(temporary)
}

/// Which of the regions writes a read that overlaps the region `here`: the one that holds its middle, else the first that it
/// overlaps.
fn owner(regions: &Regions, here: Region, span: Interval) -> usize {
    let this = here.sequence;
    let on_contig = |i: usize| regions.get(i).filter(|region| region.contig == here.contig);
    let before = (0..this).rev().map_while(on_contig).take_while(|region| region.interval.end() > span.start());
    let after = (this..).map_while(on_contig).take_while(|region| region.interval.start() < span.end());
    let overlapping: BTreeMap<usize, Interval> = before.chain(after).map(|r| (r.sequence, r.interval)).collect();
    let middle = span.start() + span.len() / 2;
    let holder = overlapping.iter().find(|(_, interval)| interval.contains(middle));
    holder.or_else(|| overlapping.first_key_value()).map_or(this, |(&i, _)| i)
}

fn move_record(record: &mut bam::Record, now: &Moved, bases: Option<&[u8]>, source: &BamFile) -> Result<()> {
    let (tid, position) = (record.tid(), record.pos());
    let contig = usize::try_from(record.tid()).unwrap_or(0);
    let mismatches = match record.aux(b"NM") {
        Ok(Aux::U8(n)) => n.to_string(),
        Ok(Aux::U16(n)) => n.to_string(),
        Ok(Aux::I32(n)) => n.to_string(),
        _ => String::new(),
    };
    // rname,pos,strand,CIGAR,mapQ,NM;
    let old = format!(
        "{},{},{},{},{},{mismatches};",
        source.contigs().get(ContigId(contig)).name,
        record.pos() + 1,
        if record.is_reverse() { '-' } else { '+' },
        record.cigar(),
        record.mapq(),
    );
    for tag in [b"NM", b"MD", b"OA"] {
        // Absent is as good as removed.
        let _ = record.remove_aux(tag);
    }
    record.push_aux(b"OA", Aux::String(&old)).map_err(|e| source.broken_at(tid, position, &e))?;
    let before = record.cigar();
    let cigar = CigarString(clipped_as_before(&before, &now.cigar));
    match bases {
        Some(bases) => {
            let (name, qualities) = (record.qname().to_vec(), record.qual().to_vec());
            let whole = with_clips(bases, &record.seq().as_bytes(), &cigar);
            record.set(&name, Some(&cigar), &whole, &qualities);
        }
        None => record.set_cigar(Some(&cigar)),
    }
    record.set_pos(now.start.cast_signed());
    record.set_bin(bin(record.pos(), record.cigar().end_pos()));
    Ok(())
}

/// A new alignment as the record has its clips: what it does not hold is clipped hard, what was left out of account softly.
fn clipped_as_before(before: &[HtsCigar], now: &[Cigar]) -> Vec<HtsCigar> {
    let is_hard = |op: &&Cigar| op.kind == CigarKind::HardClip;
    let of_record = |op: Option<&HtsCigar>| match op {
        Some(HtsCigar::HardClip(length)) => *length,
        _ => 0,
    };
    let clips = |hard: u32, all: u32| {
        let soft = all.saturating_sub(hard);
        [HtsCigar::HardClip(hard), HtsCigar::SoftClip(soft)].into_iter().filter(|op| !op.is_empty())
    };
    let sum = |ops: &mut dyn Iterator<Item = &Cigar>| ops.map(|op| op.length).sum::<u32>();
    let head = clips(of_record(before.first()), sum(&mut now.iter().take_while(is_hard)));
    let last = before.last().filter(|_| before.len() > 1);
    let tail: Vec<HtsCigar> = clips(of_record(last), sum(&mut now.iter().rev().take_while(is_hard))).collect();
    head.chain(now.iter().filter(|op| !is_hard(op)).map(|&op| op.into())).chain(tail.into_iter().rev()).collect()
}

/// A read's bases with those of a record's clips that were left out of account, which `cigar` has again; `=` says nothing in a clip.
fn with_clips(bases: &[u8], of_record: &[u8], cigar: &[HtsCigar]) -> Vec<u8> {
    let missing = of_record.len().saturating_sub(bases.len());
    let head = cigar.iter().find(|op| !matches!(op, HtsCigar::HardClip(_)));
    let head = head.map_or(0, |op| if let HtsCigar::SoftClip(n) = op { *n as usize } else { 0 }).min(missing);
    let tail = &of_record[of_record.len() - (missing - head)..];
    let clipped = |bases: &[u8]| bases.iter().map(|&base| if base == b'=' { b'N' } else { base }).collect::<Vec<u8>>();
    [clipped(&of_record[..head]), bases.to_vec(), clipped(tail)].concat()
}

/// The bin of an alignment over `start..end`, 0-based (SAM specification, section 5.3).
fn bin(start: i64, end: i64) -> u16 {
    let last = (end - 1).max(start);
    let level = [(14, 15), (17, 12), (20, 9), (23, 6), (26, 3)]
        .into_iter()
        .find(|(shift, _)| start >> shift == last >> shift)
        .map_or(0, |(shift, bits)| ((1 << bits) - 1) / 7 + (start >> shift));
    u16::try_from(level).unwrap_or(0)
}

impl From<Cigar> for HtsCigar {
    fn from(op: Cigar) -> Self {
        match op.kind {
            CigarKind::Match => Self::Match(op.length),
            CigarKind::Insertion => Self::Ins(op.length),
            CigarKind::Deletion => Self::Del(op.length),
            CigarKind::Skip => Self::RefSkip(op.length),
            CigarKind::SoftClip => Self::SoftClip(op.length),
            CigarKind::HardClip => Self::HardClip(op.length),
            CigarKind::Padding => Self::Pad(op.length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regions::Targets;
    use crate::testing::{ReadBuilder, cigar};

    #[test]
    fn one_region_owns_a_read() {
        let mut targets = Targets::default();
        for (contig, start, end) in [(0, 0, 200), (0, 500, 600), (1, 0, 100)] {
            targets.insert(ContigId(contig), Interval::new(start, end));
        }
        let regions = targets.regions(100);
        let owners = |start, end| -> Vec<usize> {
            let span = Interval::new(start, end);
            let overlapped = regions.iter().take(3).filter(|region| region.interval.overlaps(span));
            overlapped.map(|region| owner(&regions, region, span)).collect()
        };
        // The middle decides, and all regions agree.
        assert_eq!(owners(50, 140), [0, 0]);
        assert_eq!(owners(70, 190), [1, 1]);
        // A middle that is not called: the first.
        assert_eq!(owners(180, 460), [1]);
        assert_eq!(owners(150, 520), [1, 1]);
        assert_eq!(owners(400, 550), [2]);
    }

    #[test]
    fn clips_are_what_the_record_has() {
        let before = |text: &str| -> Vec<HtsCigar> { cigar(text).iter().map(|&op| op.into()).collect() };
        let read = |text: &str| {
            let mut read = ReadBuilder::new(100, &"A".repeat(40)).cigar(text).build();
            assert!(read.realign(98, cigar("10M2I28M")));
            CigarString(clipped_as_before(&before(&text.replace("9H", "9S")), &with_hard_clips(&read))).to_string()
        };
        // 5H is of the file; 9H was 9S there.
        assert_eq!(read("5H9H40M9H5H"), "5H9S10M2I28M9S5H");
        assert_eq!(
            (read("9H40M"), read("40M9H"), read("5H40M")),
            ("9S10M2I28M".into(), "10M2I28M9S".into(), "5H10M2I28M".into())
        );
    }

    #[test]
    fn bins_are_the_specifications() {
        // One 16 kb block, two of them, the 64 Mb border.
        assert_eq!((bin(0, 100), bin(16_383, 16_384), bin(16_383, 16_385)), (4681, 4681, 585));
        assert_eq!(bin((1 << 26) - 1, (1 << 26) + 1), 0);
    }
}
