//! A region -> its usable reads, sampled to a cap ([`ReadSource`]); from an indexed BAM or CRAM ([`BamSource`]).

use std::path::{Path, PathBuf};

use rust_htslib::bam::{self, Read as _};

use super::check;
use super::filter::ReadFilter;
use super::read::Read;
use super::sampler::Reservoir;
use crate::error::{Error, Result};
use crate::genome::{Contig, ContigId, Contigs, Interval};

/// Most reads kept of one region; more are sampled.
pub const DEFAULT_MAX_READS: usize = 1500;

/// Memory for unpacked BGZF blocks, in bytes for each open file. An index leads to the start of 16 kb of contig, so fetching these
/// 16 kb region by region unpacks most blocks many times; they take 1 MB at 30x.
const BLOCK_CACHE: i32 = 8 << 20;
/// Reads handed over at once where all are wanted.
const READS_AT_ONCE: usize = 4096;

/// What a fetch met, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FetchStats {
    /// Records that overlap the interval.
    pub records: u64,
    /// Of these, left out by flags or MAPQ.
    pub filtered: u64,
    /// Of these, without a usable alignment or sequence.
    pub unusable: u64,
    /// Of these, dropped to stay under the cap.
    pub sampled_out: u64,
}

impl FetchStats {
    /// Share of the usable reads that are left.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "reads of a region")]
    pub fn kept_share(&self) -> f64 {
        let offered = self.records - self.filtered;
        (offered - self.sampled_out) as f64 / offered.max(1) as f64
    }
}

impl std::ops::AddAssign for FetchStats {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.filtered += other.filtered;
        self.unusable += other.unusable;
        self.sampled_out += other.sampled_out;
    }
}

/// Gives the reads of an interval.
pub trait ReadSource: Send {
    /// The usable reads that overlap `interval`, in [`Read::order`], at most the source's cap of them.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read there.
    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)>;

    /// Gives `take` all usable reads that overlap `interval`, cap or not, some at a time.
    ///
    /// # Errors
    /// As [`ReadSource::fetch`].
    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()>;
}

/// What to take from a reads file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Which reads are used.
    pub filter: ReadFilter,
    /// Most reads kept of one region.
    pub max_reads: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { filter: ReadFilter::default(), max_reads: DEFAULT_MAX_READS }
    }
}

/// A checked BAM or CRAM file; opened once per thread with [`BamFile::open`].
#[derive(Clone, Debug)]
pub struct BamFile {
    path: PathBuf,
    index: PathBuf,
    reference: PathBuf,
    contigs: Contigs,
    header: String,
}

impl BamFile {
    /// Checks that the file is whole, sorted and has an index of its own; reads its header.
    ///
    /// # Errors
    /// [`Error::Input`] saying what is wrong and what to do.
    pub fn new(path: &Path, reference: &Path) -> Result<Self> {
        let index = check::file_and_index(path)?;
        let reader = bam::Reader::from_path(path)
            .map_err(|_| Error::input(path, "is not a readable BAM or CRAM file (no valid header)"))?;
        let view = reader.header();
        let contigs = view
            .target_names()
            .iter()
            .enumerate()
            .map(|(i, name)| Contig {
                name: String::from_utf8_lossy(name).into_owned(),
                length: u32::try_from(i).ok().and_then(|tid| view.target_len(tid)).unwrap_or(0),
            })
            .collect();
        let header = String::from_utf8_lossy(view.as_bytes()).into_owned();
        let file =
            Self { path: path.into(), index, reference: reference.into(), contigs: Contigs::new(contigs), header };
        check::sort_order(&file)?;
        check::index_matches(&file)?;
        Ok(file)
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The index's path.
    #[must_use]
    pub fn index(&self) -> &Path {
        &self.index
    }

    /// The contigs of its header.
    #[must_use]
    pub fn contigs(&self) -> &Contigs {
        &self.contigs
    }

    /// Its header as text.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The FASTA that a CRAM is decoded with.
    pub(super) fn reference(&self) -> &Path {
        &self.reference
    }

    /// True for CRAM, by name.
    #[must_use]
    pub fn is_cram(&self) -> bool {
        self.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("cram"))
    }

    /// An htslib reader with its index, for one thread.
    pub(crate) fn indexed_reader(&self) -> Result<bam::IndexedReader> {
        let mut reader = bam::IndexedReader::from_path_and_index(&self.path, &self.index)
            .map_err(|e| check::unusable_index(self, &e))?;
        keep_blocks(&reader);
        if self.is_cram() {
            reader.set_reference(&self.reference).map_err(|e| {
                Error::input(&self.path, format!("reference {} does not serve: {e}", self.reference.display()))
            })?;
        }
        Ok(reader)
    }

    /// Opens the file for one thread. `reference` gives contig ids their names.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(&self, reference: &Contigs, options: ReadOptions) -> Result<BamSource> {
        BamSource::open(std::slice::from_ref(self), reference, options)
    }

    /// The sentence for a read error at a place.
    pub(crate) fn broken_at(&self, tid: i32, position: i64, error: &rust_htslib::errors::Error) -> Error {
        let contig = usize::try_from(tid).ok().filter(|&i| i < self.contigs.len());
        let contig = contig.map_or("?", |i| self.contigs.get(ContigId(i)).name.as_str());
        let hint = if self.is_cram() {
            "; a CRAM needs the very reference it was written with"
        } else {
            "; the file is damaged (check it with samtools quickcheck), or its index is of another file"
        };
        Error::input(&self.path, format!("cannot be read near {contig}:{}: {error}{hint}", position + 1))
    }
}

/// Lets htslib keep the blocks it unpacked last; rust-htslib has no call for it. Does nothing for CRAM.
#[allow(unsafe_code, reason = "one call of htslib's C interface on a file that is open")]
fn keep_blocks(reader: &bam::IndexedReader) {
    // SAFETY: the reader owns an open htsFile, and nothing reads from it meanwhile.
    unsafe { rust_htslib::htslib::hts_set_cache_size(reader.htsfile(), BLOCK_CACHE) };
}

/// One thread's reader of a sample's BAM or CRAM files.
pub struct BamSource {
    files: Vec<OpenFile>,
    options: ReadOptions,
    record: bam::Record,
}

struct OpenFile {
    file: BamFile,
    reader: bam::IndexedReader,
    /// The file's tid of each reference contig.
    tids: Vec<Option<i32>>,
}

impl BamSource {
    /// Opens the files of one sample, whose reads are pooled. `reference` gives contig ids their names.
    ///
    /// # Errors
    /// [`Error::Input`] where one cannot be opened.
    pub fn open(files: &[BamFile], reference: &Contigs, options: ReadOptions) -> Result<Self> {
        let open = |file: &BamFile| {
            let tid = |name: &str| file.contigs.id(name).and_then(|id| i32::try_from(id.0).ok());
            let tids = reference.iter().map(|(_, contig)| tid(&contig.name)).collect();
            Ok(OpenFile { file: file.clone(), reader: file.indexed_reader()?, tids })
        };
        Ok(Self { files: files.iter().map(open).collect::<Result<_>>()?, options, record: bam::Record::new() })
    }
}

impl OpenFile {
    /// Shows the file's records of an interval that pass the filter.
    fn each_record(
        &mut self,
        contig: ContigId,
        interval: Interval,
        filter: ReadFilter,
        record: &mut bam::Record,
        stats: &mut FetchStats,
        mut show: impl FnMut(&bam::Record, u64, &mut FetchStats),
    ) -> Result<()> {
        let Some(tid) = self.tids.get(contig.0).copied().flatten() else { return Ok(()) };
        let signed = |p: u64| i64::try_from(p).unwrap_or(i64::MAX);
        let (start, end) = (signed(interval.start()), signed(interval.end()));
        self.reader.fetch((tid, start, end)).map_err(|e| self.file.broken_at(tid, start, &e))?;
        let length = self.file.contigs.get(ContigId(usize::try_from(tid).unwrap_or(0))).length;
        let mut last = i64::MIN;
        while let Some(outcome) = self.reader.read(record) {
            outcome.map_err(|e| self.file.broken_at(tid, last.max(start), &e))?;
            if record.pos() < last {
                return Err(check::unsorted(self.file.path(), self.file.contigs(), tid, record.pos()));
            }
            last = record.pos();
            stats.records += 1;
            if filter.reject(record).is_some() {
                stats.filtered += 1;
                continue;
            }
            show(record, length, stats);
        }
        Ok(())
    }
}

/// The record as a read of a contig of `length` bp, or `None`, which is counted.
fn usable(record: &bam::Record, length: u64, stats: &mut FetchStats) -> Option<Read> {
    let read = Read::from_record(record).ok().filter(|read| read.span.end() <= length);
    stats.unusable += u64::from(read.is_none());
    read
}

impl ReadSource for BamSource {
    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)> {
        let mut stats = FetchStats::default();
        let mut kept = Reservoir::new(self.options.max_reads, contig.0, interval.start());
        for file in &mut self.files {
            let filter = self.options.filter;
            file.each_record(contig, interval, filter, &mut self.record, &mut stats, |record, length, stats| {
                kept.offer(|| usable(record, length, stats));
            })?;
        }
        stats.sampled_out = kept.seen().saturating_sub(self.options.max_reads as u64);
        let mut reads = kept.into_kept();
        reads.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        Ok((reads, stats))
    }

    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()> {
        let mut stats = FetchStats::default();
        let mut some = Vec::new();
        for file in &mut self.files {
            let filter = self.options.filter;
            file.each_record(contig, interval, filter, &mut self.record, &mut stats, |record, length, stats| {
                some.extend(usable(record, length, stats));
                if some.len() == READS_AT_ONCE {
                    take(std::mem::take(&mut some));
                }
            })?;
        }
        take(some);
        Ok(())
    }
}

/// Reads held in memory: for tests, and for reads that are made rather than read.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    /// The reads, of one contig.
    pub reads: Vec<Read>,
}

impl ReadSource for MemorySource {
    fn fetch(&mut self, _: ContigId, interval: Interval) -> Result<(Vec<Read>, FetchStats)> {
        let mut reads: Vec<_> = self.reads.iter().filter(|r| r.span.overlaps(interval)).cloned().collect();
        reads.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        let stats = FetchStats { records: reads.len() as u64, ..FetchStats::default() };
        Ok((reads, stats))
    }

    fn fetch_all(&mut self, contig: ContigId, interval: Interval, take: &mut dyn FnMut(Vec<Read>)) -> Result<()> {
        take(self.fetch(contig, interval)?.0);
        Ok(())
    }
}
