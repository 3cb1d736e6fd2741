//! Realigned reads of the called regions, in genome order -> a BAM file and its index, to be looked at in a browser.
//!
//! Records are read from the reads file a second time, so that they keep their names, flags, mates and tags; only what
//! realignment changed is new. Each record is written once, as the region that holds its middle saw it (or the first region
//! that it overlaps). A moved record tells its old alignment in the tag OA (SAM optional fields specification) and loses
//! the tags MD and NM, which would be wrong. Its mate's record is told ([`Mates`]).
//!
//! Memory: the records that may still be followed by an earlier one or whose near mates may still be moved, which is those of a few
//! regions.

use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::path::{Path, PathBuf};

use rust_htslib::bam::record::{Aux, Cigar as HtsCigar, CigarString};
use rust_htslib::bam::{self, Read as _};
use tempfile::TempPath;

use super::mates::{Mates, NEAR, Place, five_prime};
use crate::error::{Error, Result};
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs, Interval};
use crate::output::{Whole, temporary_beside, vacant};
use crate::reads::{BamFile, Cigar, CigarKind, Moved, Read, check};
use crate::regions::Region;

/// How far left of its region a read may be moved, in bp: more than a window and a read together.
const FARTHEST: u64 = 5000;
/// Contigs longer than this need a CSI index (SAM specification, section 5.2).
const LONGEST_BAI_CONTIG: u64 = 1 << 29;

/// A read of a region as the file knows it, and its new alignment where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    name: Box<[u8]>,
    number: u8,
    /// First aligned position in the file, 0-based.
    start_in_file: u64,
    /// Where it lies now, if somewhere else.
    now: Option<Moved>,
}

impl From<&Read> for Placement {
    fn from(read: &Read) -> Self {
        let moved = read.moved_from.is_some();
        Self {
            name: read.name.clone(),
            number: read.number,
            start_in_file: read.start_in_file(),
            now: moved.then(|| Moved { start: read.span.start(), cigar: read.cigar.clone() }),
        }
    }
}

/// Writes the BAM. Dropped before [`RealignedBam::finish`], it leaves nothing behind.
pub struct RealignedBam {
    path: PathBuf,
    source: BamFile,
    reader: bam::IndexedReader,
    writer: bam::Writer,
    temporary: TempPath,
    /// For each contig of the reference its tid in the source and in the output, where the source has it.
    tids: Vec<Option<(i32, i32)>>,
    /// Output tid of each tid of the source.
    renumbered: Vec<i32>,
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
    /// [`Error::Usage`] for a name that does not end in `.bam`; [`Error::Output`] where it cannot be written.
    pub fn create(path: &Path, source: &BamFile, reference: &Contigs) -> Result<Self> {
        if path.extension().is_none_or(|extension| extension != "bam") {
            return Err(Error::Usage(format!("--realigned-bam {}: the name must end in .bam", path.display())));
        }
        let long = source.contigs().iter().any(|(_, contig)| contig.length > LONGEST_BAI_CONTIG);
        let index = if long { bam::index::Type::Csi(14) } else { bam::index::Type::Bai };
        vacant(&index_path(path, &index))?;
        let (_, temporary) = temporary_beside(path)?.into_parts();
        let order = contig_order(source.contigs(), reference);
        let header = bam::Header::from_template(&bam::HeaderView::from_bytes(&header(source, &order)));
        let failed = |e| Error::output(path, format!("cannot be written: {e}"));
        let writer = bam::Writer::from_path(&temporary, &header, bam::Format::Bam).map_err(failed)?;
        let mut renumbered = vec![-1; order.len()];
        for (new, &old) in (0..).zip(&order) {
            renumbered[old] = new;
        }
        let tids = reference
            .iter()
            .map(|(_, contig)| {
                let old = source.contigs().id(&contig.name)?.0;
                Some((i32::try_from(old).ok()?, renumbered[old]))
            })
            .collect();
        Ok(Self {
            path: path.into(),
            source: source.clone(),
            reader: source.indexed_reader()?,
            writer,
            temporary,
            tids,
            renumbered,
            index,
            waiting: BinaryHeap::new(),
            mates: Mates::default(),
            written: (0, 0),
            taken: 0,
        })
    }

    /// Takes the reads of `regions[this]`; regions come in order.
    ///
    /// # Errors
    /// [`Error::Input`] where the reads file cannot be read any more, [`Error::Output`] where the BAM cannot be written.
    pub fn take(&mut self, regions: &[Region], this: usize, reads: &[Placement]) -> Result<()> {
        let region = regions[this];
        let Some((source_tid, tid)) = self.tids.get(region.contig.0).copied().flatten() else { return Ok(()) };
        let placements: HashMap<_, _> =
            reads.iter().map(|read| ((&*read.name, read.number, read.start_in_file), read)).collect();
        let (start, end) = (region.interval.start().cast_signed(), region.interval.end().cast_signed());
        // Later regions begin here, and so do their reads, but for those that are seen now and left for them.
        let mut earliest_later = region.interval.end();
        self.reader.fetch((source_tid, start, end)).map_err(|e| self.source.broken_at(source_tid, start, &e))?;
        let mut record = bam::Record::new();
        while let Some(outcome) = self.reader.read(&mut record) {
            outcome.map_err(|e| self.source.broken_at(source_tid, start, &e))?;
            let Ok(position) = u64::try_from(record.pos()) else { continue };
            let span = Interval::new(position, record.cigar().end_pos().unsigned_abs());
            let owner = owner(regions, this, span);
            if owner > this {
                earliest_later = earliest_later.min(position);
            }
            let key = (record.qname(), u8::from(record.is_last_in_template()), position);
            let Some(placement) = placements.get(&key).filter(|_| owner == this) else { continue };
            let is_moved = placement.now.is_some();
            let was_at = record.pos();
            let before = (was_at, five_prime(&record));
            if let Some(now) = &placement.now {
                move_record(&mut record, now, &self.source)?;
            }
            record.set_tid(tid);
            let mate = usize::try_from(record.mtid()).ok().and_then(|mate| self.renumbered.get(mate)).copied();
            record.set_mtid(mate.unwrap_or(-1));
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
            check::ends_whole(file)
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

fn index_path(path: &Path, index: &bam::index::Type) -> PathBuf {
    with_suffix(path, if matches!(index, bam::index::Type::Bai) { ".bai" } else { ".csi" })
}

/// Which of the regions writes a read that overlaps region `this`: the one that holds its middle, else the first that it
/// overlaps.
fn owner(regions: &[Region], this: usize, span: Interval) -> usize {
    let here = regions[this];
    let on_contig = |i: &usize| regions.get(*i).is_some_and(|region| region.contig == here.contig);
    let before = (0..this).rev().take_while(on_contig).take_while(|&i| regions[i].interval.end() > span.start());
    let after = (this..).take_while(on_contig).take_while(|&i| regions[i].interval.start() < span.end());
    let overlapping: BTreeMap<usize, Interval> = before.chain(after).map(|i| (i, regions[i].interval)).collect();
    let middle = span.start() + span.len() / 2;
    let holder = overlapping.iter().find(|(_, interval)| interval.contains(middle));
    holder.or_else(|| overlapping.first_key_value()).map_or(this, |(&i, _)| i)
}

/// The source's contigs by index: those of the reference in its order, then the others.
fn contig_order(source: &Contigs, reference: &Contigs) -> Vec<usize> {
    let known = reference.iter().filter_map(|(_, contig)| source.id(&contig.name)).map(|id| id.0);
    let others = source.iter().filter(|(_, contig)| reference.id(&contig.name).is_none()).map(|(id, _)| id.0);
    known.chain(others).collect()
}

/// The source's header with its contigs in another order, sorted by position, with a line of ours.
fn header(source: &BamFile, order: &[usize]) -> Vec<u8> {
    let (contigs, others): (Vec<&str>, Vec<&str>) =
        source.header().lines().filter(|line| !line.starts_with("@HD")).partition(|line| line.starts_with("@SQ"));
    let lines = std::iter::once("@HD\tVN:1.6\tSO:coordinate")
        .chain(order.iter().filter_map(|&i| contigs.get(i).copied()))
        .chain(others);
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    // Runs of this program on its own output need another ID each.
    let runs = text.matches("@PG\tID:varpix").count();
    let suffix = if runs == 0 { String::new() } else { format!(".{runs}") };
    let version = env!("CARGO_PKG_VERSION");
    format!("{text}@PG\tID:varpix{suffix}\tPN:varpix\tVN:{version}\tDS:realigned reads\n").into_bytes()
}

fn move_record(record: &mut bam::Record, now: &Moved, source: &BamFile) -> Result<()> {
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
    let hard = |op: Option<&HtsCigar>| op.copied().filter(|op| matches!(op, HtsCigar::HardClip(_)));
    let before = record.cigar();
    let cigar: Vec<HtsCigar> = hard(before.first())
        .into_iter()
        .chain(now.cigar.iter().filter(|op| op.kind != CigarKind::HardClip).map(|&op| op.into()))
        .chain(hard(before.last()).filter(|_| before.len() > 1))
        .collect();
    record.set_cigar(Some(&CigarString(cigar)));
    record.set_pos(now.start.cast_signed());
    record.set_bin(bin(record.pos(), record.cigar().end_pos()));
    Ok(())
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

    fn region(sequence: usize, contig: usize, start: u64, end: u64) -> Region {
        Region { sequence, contig: ContigId(contig), interval: Interval::new(start, end) }
    }

    #[test]
    fn one_region_owns_a_read() {
        let regions = [region(0, 0, 0, 100), region(1, 0, 100, 200), region(2, 0, 500, 600), region(3, 1, 0, 100)];
        let owners = |start, end| -> Vec<usize> {
            let span = Interval::new(start, end);
            let overlapped = (0..3).filter(|&i| regions[i].interval.overlaps(span));
            overlapped.map(|i| owner(&regions, i, span)).collect()
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
    fn bins_are_the_specifications() {
        // One 16 kb block, two of them, the 64 Mb border.
        assert_eq!((bin(0, 100), bin(16_383, 16_384), bin(16_383, 16_385)), (4681, 4681, 585));
        assert_eq!(bin((1 << 26) - 1, (1 << 26) + 1), 0);
    }
}
