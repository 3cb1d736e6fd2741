//! The haplotypes of fragments, as calls are phased -> a BAM or CRAM of all reads of the called regions, with the tags HP and PS, and its index.
//!
//! Records are read from the reads file a second time, in its order, as far as their fragments are phased. HP is the haplotype, 1 for the first
//! allele of a phased GT, and PS the phase set as in the VCF (SAM optional fields specification). Records that calling leaves out, and those whose
//! haplotype is not known, have neither; tags that the file has already are of another phasing and are removed.
//!
//! Memory: one record, and the haplotypes of fragments that reach beyond it.

use std::path::{Path, PathBuf};

use rust_htslib::bam;
use rust_htslib::bam::record::Aux;
use rustc_hash::FxHashMap;
use tempfile::TempPath;

use super::header::{OutputHeader, index_path, index_type};
use crate::alignment_file::{BamFile, RegionReader, is_whole};
use crate::error::{Error, Parameter, Result};
use crate::files::{Whole, temporary_beside, vacant};
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs, Interval};
use crate::haplotypes::FragmentTag;
use crate::reads::{ReadFilter, fragment_end, fragment_of_record};
use crate::regions::Regions;

/// How far behind its end in the file a fragment may show alleles once it is realigned, in bp.
const FARTHEST: u64 = 5000;
/// Haplotypes that are kept before those that are no longer needed are forgotten.
const FEW: usize = 100_000;

/// Writes the file. Dropped before [`HaplotaggedReads::finish`], it leaves nothing behind.
pub struct HaplotaggedReads {
    path: PathBuf,
    filter: ReadFilter,
    reader: RegionReader,
    writer: bam::Writer,
    temporary: TempPath,
    header: OutputHeader,
    /// None for a CRAM, whose index is a CRAI.
    index: Option<bam::index::Type>,
    /// What is called.
    intervals: Vec<(ContigId, Interval)>,
    /// How many of them the reader was turned to.
    begun: usize,
    /// The record that is to be written next.
    next: Option<bam::Record>,
    fragments: FxHashMap<(ContigId, u64), FragmentTag>,
    most: usize,
}

impl HaplotaggedReads {
    /// Opens a temporary file beside `path` for the reads of `source` in `regions`. Only records that pass `filter`
    /// are tagged. A name that ends in `.cram` makes a CRAM, which is encoded with the file `reference` of these `contigs`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that ends in neither `.bam` nor `.cram`; [`Error::Output`] where it cannot be written.
    pub fn create(
        path: &Path,
        source: &BamFile,
        (reference, contigs): (&Path, &Contigs),
        regions: &Regions,
        filter: ReadFilter,
    ) -> Result<Self> {
        let index = match path.extension().and_then(|extension| extension.to_str()) {
            Some("bam") => Some(index_type(source.contigs())),
            Some("cram") => None,
            _ => {
                let (value, problem) = (path.display().to_string(), "the name must end in .bam or .cram");
                return Err(Error::parameter(Parameter::HaplotaggedBam, value, problem));
            }
        };
        vacant(&index_of(path, index.as_ref()))?;
        let (_, temporary) = temporary_beside(path)?.into_parts();
        let header = OutputHeader::new(source, contigs, "haplotagged reads");
        let failed = |e| Error::output(path, format!("cannot be written: {e}"));
        let format = if index.is_some() { bam::Format::Bam } else { bam::Format::Cram };
        let mut writer = bam::Writer::from_path(&temporary, &header.header, format).map_err(failed)?;
        if index.is_none() {
            writer.set_reference(reference).map_err(failed)?;
        }
        Ok(Self {
            path: path.into(),
            filter,
            reader: RegionReader::open(source)?,
            writer,
            temporary,
            header,
            index,
            intervals: regions.intervals().collect(),
            begun: 0,
            next: None,
            fragments: FxHashMap::default(),
            most: FEW,
        })
    }

    /// Takes haplotypes of fragments.
    pub fn take(&mut self, fragments: Vec<FragmentTag>) {
        for tag in fragments {
            let known = self.fragments.entry((tag.contig, tag.fragment)).or_insert(tag);
            let end = known.end.max(tag.end);
            if tag.log_odds > known.log_odds {
                *known = tag;
            }
            known.end = end;
        }
    }

    /// Writes the records whose fragments end before `settled`: no haplotype of theirs follows.
    ///
    /// # Errors
    /// [`Error::Input`] where the reads file cannot be read any more, [`Error::Output`] where the file cannot be written.
    pub fn advance(&mut self, settled: (ContigId, u64)) -> Result<()> {
        loop {
            let Some(record) = (match self.next.take() {
                Some(record) => Some(record),
                None => self.read()?,
            }) else {
                return Ok(());
            };
            let (contig, _) = self.intervals[self.begun - 1];
            if (contig, fragment_end(&record) + FARTHEST) > settled {
                self.next = Some(record);
                self.forget_before((contig, settled));
                return Ok(());
            }
            self.write(contig, record)?;
        }
    }

    /// The next record that was not written with an earlier interval; `None` behind the last.
    fn read(&mut self) -> Result<Option<bam::Record>> {
        let mut record = bam::Record::new();
        loop {
            if let Some(current) = self.begun.checked_sub(1) {
                let (contig, _) = self.intervals[current];
                let before = current.checked_sub(1).map(|before| self.intervals[before]);
                let written_to = before.filter(|(other, _)| *other == contig).map_or(0, |(_, interval)| interval.end());
                let is_on_contig = self.header.tids(contig).is_some();
                while is_on_contig && self.reader.read(&mut record)? {
                    if record.pos() >= written_to.cast_signed() {
                        return Ok(Some(record));
                    }
                }
            }
            let Some(&(contig, interval)) = self.intervals.get(self.begun) else { return Ok(None) };
            self.begun += 1;
            if let Some((tid, _)) = self.header.tids(contig) {
                self.reader.fetch(tid, interval.start(), interval.end())?;
            }
        }
    }

    fn write(&mut self, contig: ContigId, mut record: bam::Record) -> Result<()> {
        for tag in [b"HP", b"PS"] {
            // Absent is as good as removed.
            let _ = record.remove_aux(tag);
        }
        let is_used = self.filter.reject(&record).is_none();
        let found = is_used.then(|| self.fragments.get(&(contig, fragment_of_record(&record, 0)))).flatten();
        let failed = |e: rust_htslib::errors::Error| Error::output(&self.path, format!("cannot be written: {e}"));
        if let Some(found) = found {
            let phase_set = i32::try_from(found.phase_set + 1).unwrap_or(i32::MAX);
            record.push_aux(b"HP", Aux::U8(found.haplotype)).map_err(failed)?;
            record.push_aux(b"PS", Aux::I32(phase_set)).map_err(failed)?;
        }
        self.header.renumber(&mut record);
        self.writer.write(&record).map_err(failed)
    }

    /// Forgets, from time to time, fragments that no record to come is of: those that end before the record that waits.
    fn forget_before(&mut self, (contig, settled): (ContigId, (ContigId, u64))) {
        if self.fragments.len() <= self.most {
            return;
        }
        let start = self.next.as_ref().map_or(settled, |next| (contig, next.pos().unsigned_abs()));
        self.fragments.retain(|(contig, _), tag| (*contig, tag.end) >= start);
        self.most = FEW.max(2 * self.fragments.len());
    }

    /// Makes the file and its index whole, to be placed under their final names; all calls are phased.
    ///
    /// # Errors
    /// [`Error::Input`] where the reads file cannot be read any more, [`Error::Output`] where the file cannot be written.
    pub fn finish(mut self) -> Result<Whole> {
        self.advance((ContigId(usize::MAX), u64::MAX))?;
        let Self { path, writer, temporary, index, .. } = self;
        // Closing may fail without a word, for want of space; then the end-of-file marker is missing.
        drop(writer);
        is_whole(&temporary).map_err(|_| Error::output(&path, "cannot be written to its end; is there space left?"))?;
        let index_path = index_of(&path, index.as_ref());
        let (_, temporary_index) = temporary_beside(&index_path)?.into_parts();
        // Of a CRAM, the index is a CRAI in any case.
        let index = index.unwrap_or(bam::index::Type::Bai);
        bam::index::build(&*temporary, Some(&*temporary_index), index, 1)
            .map_err(|e| Error::output(&index_path, format!("cannot be written: {e}")))?;
        Whole::new(temporary, &path)?.with_index(temporary_index, &index_path)
    }
}

fn index_of(path: &Path, index: Option<&bam::index::Type>) -> PathBuf {
    index.map_or_else(|| with_suffix(path, ".crai"), |index| index_path(path, index))
}
