//! The haplotypes of fragments, as calls are phased -> a BAM or CRAM of all reads of the called regions, with the tags HP and PS, and its index.
//!
//! Records are read from the reads file a second time, in its order, as far as their fragments are phased. HP is the haplotype, 1 for the first
//! allele of a phased GT, and PS the phase set as in the VCF (SAM optional fields specification). Records that calling leaves out, and those whose
//! haplotype is not known, have neither; tags that the file has already are of another phasing and are removed.
//!
//! A record belongs to the first place that is called which it overlaps, and a run of a chunk has the records whose place begins in the chunk: the
//! files of all chunks have each record once, as a run without chunks has. Phase sets end at multiples of some bp, where chunks may be cut; a record has the
//! haplotype of a set on the side of the cut on which its place begins, which is known in its chunk.
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
use crate::regions::{Regions, Targets};

/// How far behind its end in the file a fragment may show alleles once it is realigned, in bp.
const FARTHEST: u64 = 5000;
/// Haplotypes that are kept before those that are no longer needed are forgotten.
const FEW: usize = 100_000;

/// Which records are written, and which of them have haplotypes.
#[derive(Clone, Copy)]
pub struct Taken<'a> {
    /// What is called, in a run of all chunks.
    pub regions: &'a Regions,
    /// The chunk that is called, if it is one.
    pub within: Option<&'a Targets>,
    /// Phase sets end at multiples of this, in bp.
    pub cut: u64,
    /// Records that pass have haplotypes.
    pub filter: ReadFilter,
}

/// A place whose records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    contig: ContigId,
    interval: Interval,
    /// Records that begin before this belong to an earlier place.
    first: u64,
}

impl Taken<'_> {
    /// The places in genome order.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        let mut last: Option<(ContigId, u64)> = None;
        for (contig, interval) in self.regions.intervals() {
            let before = last.filter(|(other, _)| *other == contig).map_or(0, |(_, end)| end);
            last = Some((contig, interval.end()));
            let Some(chunk) = self.within else {
                places.push(Place { contig, interval, first: before });
                continue;
            };
            places.extend(chunk.parts_in(contig, interval).map(|part| {
                let first = if part.start() > interval.start() { part.start() } else { before };
                Place { contig, interval: part, first }
            }));
        }
        places
    }
}

/// Writes the file. Dropped before [`HaplotaggedReads::finish`], it leaves nothing behind.
pub struct HaplotaggedReads {
    path: PathBuf,
    filter: ReadFilter,
    cut: u64,
    reader: RegionReader,
    writer: bam::Writer,
    temporary: TempPath,
    header: OutputHeader,
    /// None for a CRAM, whose index is a CRAI.
    index: Option<bam::index::Type>,
    places: Vec<Place>,
    /// How many of them the reader was turned to.
    begun: usize,
    /// The record that is to be written next.
    next: Option<bam::Record>,
    /// By contig, number, and number of the stretch between two cuts.
    fragments: FxHashMap<(ContigId, u64, u64), FragmentTag>,
    most: usize,
}

impl HaplotaggedReads {
    /// Opens a temporary file beside `path` for the reads of `source` that are `taken`. A name that ends in `.cram` makes a CRAM, which is encoded with the file `reference` of these `contigs`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a name that ends in neither `.bam` nor `.cram`; [`Error::Output`] where it cannot be written.
    pub fn create(
        path: &Path,
        source: &BamFile,
        (reference, contigs): (&Path, &Contigs),
        taken: Taken,
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
            filter: taken.filter,
            cut: taken.cut.max(1),
            reader: RegionReader::open(source)?,
            writer,
            temporary,
            header,
            index,
            places: taken.places(),
            begun: 0,
            next: None,
            fragments: FxHashMap::default(),
            most: FEW,
        })
    }

    /// Takes haplotypes of fragments.
    pub fn take(&mut self, fragments: Vec<FragmentTag>) {
        for tag in fragments {
            let key = (tag.contig, tag.fragment, tag.position / self.cut);
            let known = self.fragments.entry(key).or_insert(tag);
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
            let place = self.places[self.begun - 1];
            if (place.contig, fragment_end(&record) + FARTHEST) > settled {
                self.next = Some(record);
                self.forget_before((place.contig, settled));
                return Ok(());
            }
            self.write(place, record)?;
        }
    }

    /// The next record that does not belong to an earlier place; `None` behind the last.
    fn read(&mut self) -> Result<Option<bam::Record>> {
        let mut record = bam::Record::new();
        loop {
            if let Some(Place { contig, first, .. }) = self.begun.checked_sub(1).map(|current| self.places[current]) {
                let is_on_contig = self.header.tids(contig).is_some();
                while is_on_contig && self.reader.read(&mut record)? {
                    if record.pos() >= first.cast_signed() {
                        return Ok(Some(record));
                    }
                }
            }
            let Some(&Place { contig, interval, .. }) = self.places.get(self.begun) else { return Ok(None) };
            self.begun += 1;
            if let Some((tid, _)) = self.header.tids(contig) {
                self.reader.fetch(tid, interval.start(), interval.end())?;
            }
        }
    }

    fn write(&mut self, Place { contig, interval, .. }: Place, mut record: bam::Record) -> Result<()> {
        for tag in [b"HP", b"PS"] {
            // Absent is as good as removed.
            let _ = record.remove_aux(tag);
        }
        let is_used = self.filter.reject(&record).is_none();
        let begins = record.pos().unsigned_abs().max(interval.start());
        let key = (contig, fragment_of_record(&record, 0), begins / self.cut);
        let found = is_used.then(|| self.fragments.get(&key)).flatten();
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
        self.fragments.retain(|(contig, ..), tag| (*contig, tag.end) >= start);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_chunks_are_those_of_the_run() {
        let targets = |all: &[(u64, u64)]| {
            let contigs = Contigs::new(vec![crate::genome::Contig { name: "1".into(), length: 9000 }]);
            let given = all.iter().map(|(start, end)| format!("1:{}-{end}", start + 1)).collect::<Vec<_>>();
            Targets::parse(&given, &contigs).unwrap()
        };
        let regions = targets(&[(100, 3000), (3100, 3200), (3300, 5000)]).regions(1000);
        let places = |within: Option<&Targets>| {
            let taken = Taken { regions: &regions, within, cut: 2000, filter: ReadFilter::default() };
            let places = taken.places();
            places.iter().map(|at| (at.interval.start(), at.interval.end(), at.first)).collect::<Vec<_>>()
        };
        assert_eq!(places(None), [(100, 3000, 0), (3100, 3200, 3000), (3300, 5000, 3200)]);
        let [left, right] = [&[(100, 2000)][..], &[(2000, 3000), (3100, 3200), (3300, 5000)]].map(targets);
        assert_eq!(places(Some(&left)), [(100, 2000, 0)]);
        assert_eq!(places(Some(&right)), [(2000, 3000, 2000), (3100, 3200, 3000), (3300, 5000, 3200)]);
    }
}
