//! A region -> its usable reads, sampled to a cap ([`ReadSource`]); from an indexed BAM or CRAM ([`BamSource`]).

use rust_htslib::bam;
use serde::{Deserialize, Serialize};

use super::filter::{FilterReason, ReadFilter};
use super::read::{Keep, Read};
use super::reservoir::Reservoir;
use crate::alignment_file::{BamFile, RegionReader};
use crate::error::Result;
use crate::genome::{ContigId, Contigs, Interval};

/// Most reads kept of one region; more are sampled.
pub const DEFAULT_MAX_READS: usize = 1500;

/// Reads of a batch, where all reads of an interval are wanted.
const READS_AT_ONCE: usize = 4096;
/// Bases of a batch.
const BASES_AT_ONCE: usize = 32_000_000;

/// What a fetch read and left out, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchStats {
    /// Records that overlap the interval.
    pub records: u64,
    /// Of these, left out by flags or MAPQ, for each of [`FilterReason::ALL`].
    pub left_out: [u64; FilterReason::ALL.len()],
    /// Of these, without a usable alignment or sequence.
    pub unusable: u64,
    /// Of these, dropped to stay under the cap.
    pub sampled_out: u64,
    /// Of the reads kept, those with bases of unknown quality.
    pub without_qualities: u64,
}

impl FetchStats {
    /// Records left out by flags or MAPQ.
    #[must_use]
    pub fn filtered(&self) -> u64 {
        self.left_out.iter().sum()
    }

    /// Share of the usable reads that are left.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "reads of a region")]
    pub fn kept_share(&self) -> f64 {
        let offered = self.records - self.filtered();
        if offered == 0 { 1.0 } else { (offered - self.sampled_out) as f64 / offered as f64 }
    }
}

impl std::ops::AddAssign for FetchStats {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.left_out.iter_mut().zip(other.left_out).for_each(|(sum, more)| *sum += more);
        self.unusable += other.unusable;
        self.sampled_out += other.sampled_out;
        self.without_qualities += other.without_qualities;
    }
}

/// Gives the reads of an interval.
pub trait ReadSource: Send {
    /// The usable reads that overlap `interval`, in [`Read::order`], at most the source's cap of them.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where the file cannot be read there.
    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)>;

    /// Gives `take` all usable reads that overlap `interval`, without the cap, in batches, each in [`Read::order`]. Reads of one start are in
    /// one batch, as far as there is room, so that repeated records are found.
    ///
    /// # Errors
    /// As [`ReadSource::fetch`].
    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()>;
}

/// Opens a [`ReadSource`] for each thread that needs one.
pub trait OpenReads: Sync {
    /// A source of its own of all the reads; `reference` gives contig ids their names.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where a file cannot be opened.
    fn open(&self, reference: &Contigs, options: ReadOptions) -> Result<Box<dyn ReadSource>>;
}

/// What to take from a reads file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which reads are used.
    pub filter: ReadFilter,
    /// Most reads kept of one region.
    pub max_reads: usize,
    /// Template length of reads that have none, in bp; that of the file where it is not set.
    pub missing_insert_size: Option<u32>,
    /// Most bases of all reads together in an interval, for each of its positions; no limit where it is not set.
    pub max_bases_per_position: Option<u32>,
    /// How far beyond an interval long reads are kept, in bp; as a whole where it is not set.
    pub cut_margin: Option<u64>,
    /// Whether base modifications are read.
    pub methylation: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            filter: ReadFilter::default(),
            max_reads: DEFAULT_MAX_READS,
            missing_insert_size: None,
            max_bases_per_position: None,
            cut_margin: None,
            methylation: false,
        }
    }
}

/// One thread's reader of a sample's BAM or CRAM files.
pub struct BamSource {
    files: Vec<OpenFile>,
    options: ReadOptions,
    record: bam::Record,
}

struct OpenFile {
    reader: RegionReader,
    /// The file's tid of each reference contig.
    tids: Vec<Option<i32>>,
}

impl BamSource {
    /// Opens the files of one sample, whose reads are pooled. `reference` gives contig ids their names.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where one cannot be opened.
    pub fn open(files: &[BamFile], reference: &Contigs, options: ReadOptions) -> Result<Self> {
        let open = |file: &BamFile| {
            let tid = |name: &str| file.contigs().id(name).and_then(|id| i32::try_from(id.0).ok());
            let tids = reference.iter().map(|(_, contig)| tid(&contig.name)).collect();
            Ok(OpenFile { reader: RegionReader::open(file)?, tids })
        };
        Ok(Self { files: files.iter().map(open).collect::<Result<_>>()?, options, record: bam::Record::new() })
    }
}

impl OpenFile {
    /// Gives `take` the file's records of an interval that pass the filter.
    fn each_record(
        &mut self,
        contig: ContigId,
        interval: Interval,
        filter: ReadFilter,
        record: &mut bam::Record,
        stats: &mut FetchStats,
        mut take: impl FnMut(&bam::Record, u64, &mut FetchStats),
    ) -> Result<()> {
        let Some(tid) = self.tids.get(contig.0).copied().flatten() else { return Ok(()) };
        self.reader.fetch(tid, interval.start(), interval.end())?;
        let length = self.reader.file().contigs().get(ContigId(usize::try_from(tid).unwrap_or(0))).length;
        while self.reader.read(record)? {
            stats.records += 1;
            if let Some(reason) = filter.reject(record) {
                stats.left_out[reason as usize] += 1;
                continue;
            }
            take(record, length, stats);
        }
        Ok(())
    }
}

/// What turns the records of one file into reads.
#[derive(Clone, Copy)]
struct Maker {
    file: u16,
    missing_insert_size: Option<u32>,
    keep: Keep,
}

impl Maker {
    fn new(file: usize, interval: Interval, options: ReadOptions) -> Self {
        let within = options.cut_margin.map(|margin| interval.padded(margin, u64::MAX - margin));
        Self {
            file: u16::try_from(file).unwrap_or(u16::MAX),
            missing_insert_size: options.missing_insert_size,
            keep: Keep { within, methylation: options.methylation },
        }
    }

    /// The record as a read of a contig of `length` bp, or `None`, which is counted.
    fn usable(self, record: &bam::Record, length: u64, stats: &mut FetchStats) -> Option<Read> {
        let fits = |read: &Read| read.long_record.unwrap_or(read.span).end() <= length;
        let Some(mut read) = Read::part_of_record(record, self.keep).ok().filter(fits) else {
            stats.unusable += 1;
            return None;
        };
        stats.without_qualities += u64::from(record.qual().contains(&u8::MAX));
        read.file = self.file;
        if let Some(length) = self.missing_insert_size.filter(|_| !read.has_template_length()) {
            read.template_length = length.into();
        }
        Some(read)
    }
}

/// The positions over which a record is aligned.
fn positions(record: &bam::Record) -> Interval {
    let at = |position: i64| u64::try_from(position).unwrap_or(0);
    Interval::new(at(record.pos()), at(record.cigar().end_pos()))
}

fn in_order(mut reads: Vec<Read>) -> Vec<Read> {
    reads.sort_by(|a, b| a.order().cmp(&b.order()));
    reads
}

impl ReadSource for BamSource {
    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)> {
        let mut stats = FetchStats::default();
        let most_bases = self.options.max_bases_per_position.map(|bases| u64::from(bases) * interval.len());
        let mut kept = Reservoir::new(self.options.max_reads, contig.0, interval.start()).with_most_bases(most_bases);
        for (index, file) in self.files.iter_mut().enumerate() {
            let (filter, maker) = (self.options.filter, Maker::new(index, interval, self.options));
            file.each_record(contig, interval, filter, &mut self.record, &mut stats, |record, length, stats| {
                let arrival = kept.seen();
                let bases = most_bases.map_or(0, |_| positions(record).intersect(interval).len());
                kept.offer(bases, || maker.usable(record, length, stats).map(|read| (arrival, read)));
            })?;
        }
        let seen = kept.seen();
        // Reads of equal order keep the file's order, whatever was sampled.
        let mut reads = kept.into_kept();
        stats.sampled_out = match most_bases {
            Some(_) => (seen - reads.len() as u64).saturating_sub(stats.unusable),
            None => seen.saturating_sub(self.options.max_reads as u64),
        };
        reads.sort_unstable_by(|(a_arrival, a), (b_arrival, b)| (a.order(), a_arrival).cmp(&(b.order(), b_arrival)));
        Ok((reads.into_iter().map(|(_, read)| read).collect(), stats))
    }

    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()> {
        let mut stats = FetchStats::default();
        let mut some = Vec::new();
        let mut bases = 0;
        for (index, file) in self.files.iter_mut().enumerate() {
            let (filter, maker) = (self.options.filter, Maker::new(index, interval, self.options));
            let mut last = i64::MIN;
            file.each_record(contig, interval, filter, &mut self.record, &mut stats, |record, length, stats| {
                let enough = if record.pos() > last { READS_AT_ONCE } else { 8 * READS_AT_ONCE };
                last = record.pos();
                if some.len() >= enough || bases >= BASES_AT_ONCE {
                    take(in_order(std::mem::take(&mut some)));
                    bases = 0;
                }
                let read = maker.usable(record, length, stats);
                bases += read.as_ref().map_or(0, |read| read.bases.len());
                some.extend(read);
            })?;
        }
        take(in_order(some));
        Ok(())
    }
}

/// Reads held in memory, which are used as they are: no filter, no cap.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    reads: Vec<(ContigId, Read)>,
}

impl MemorySource {
    /// These reads of a contig.
    #[must_use]
    pub fn new(contig: ContigId, reads: Vec<Read>) -> Self {
        Self { reads: Vec::new() }.with(contig, reads)
    }

    /// With reads of another contig.
    #[must_use]
    pub fn with(mut self, contig: ContigId, reads: Vec<Read>) -> Self {
        self.reads.extend(reads.into_iter().map(|read| (contig, read)));
        self
    }
}

impl OpenReads for MemorySource {
    fn open(&self, _: &Contigs, _: ReadOptions) -> Result<Box<dyn ReadSource>> {
        Ok(Box::new(self.clone()))
    }
}

impl ReadSource for MemorySource {
    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)> {
        let here = self.reads.iter().filter(|(of, read)| *of == contig && read.span.overlaps(interval));
        let reads = in_order(here.map(|(_, read)| read.clone()).collect());
        let stats = FetchStats { records: reads.len() as u64, ..FetchStats::default() };
        Ok((reads, stats))
    }

    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()> {
        take(self.fetch(contig, interval)?.0);
        Ok(())
    }
}
