//! Containers with reads of several contigs -> whether the index has a line for each contig, by reading them.
//!
//! Their headers do not say what is in them. Writers make such containers of contigs with few reads.

use std::collections::BTreeMap;

use rust_htslib::bam::ext::BamRecordExtensions as _;
use rust_htslib::bam::{self, Read as _};

use super::SliceIndex;
use super::cover::Mixed;
use crate::alignment_file::head::Head;
use crate::error::{Error, Result};
use crate::genome::ContigId;

/// Containers that are read; of more, as many spread over the file. One of 10,000 records takes some 20 ms.
const MOST: usize = 64;

/// What of the file is not in the index, if anything.
pub(in crate::alignment_file) fn missing(
    head: &Head,
    index: &SliceIndex,
    containers: &[Mixed],
) -> Result<Option<String>> {
    if containers.is_empty() {
        return Ok(None);
    }
    let mut reader = bam::Reader::from_path(&head.path).map_err(|_| Error::input(&head.path, "cannot be opened"))?;
    head.give_reference(|reference| reader.set_reference(reference))?;
    let mut record = bam::Record::new();
    for container in containers.iter().step_by(containers.len().div_ceil(MOST)) {
        reader.seek(container.start.cast_signed()).map_err(|e| head.broken_at(-1, -1, &e))?;
        let mut spans: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        for _ in 0..container.records {
            match reader.read(&mut record) {
                None => break,
                Some(outcome) => outcome.map_err(|e| head.broken_at(-1, -1, &e))?,
            }
            // Unmapped reads are not used.
            if !record.is_unmapped() {
                let (start, end) = (record.pos(), record.reference_end());
                let span = spans.entry(record.tid()).or_insert((start, end));
                *span = (span.0.min(start), span.1.max(end));
            }
        }
        let lines = &index.slices[index.slices.partition_point(|slice| slice.container < container.start)..];
        let lines = &lines[..lines.partition_point(|slice| slice.container == container.start)];
        for (tid, (start, end)) in spans {
            let contig = usize::try_from(tid).ok().filter(|&contig| contig < head.contigs.len());
            let lines = lines.iter().filter(|slice| slice.contig == contig);
            let first = lines.clone().map(|slice| slice.start).min();
            let last = lines.map(|slice| slice.start + slice.span).max();
            let (from, to) = (start.unsigned_abs() + 1, end.unsigned_abs() + 1);
            if first.is_none_or(|first| first > from) || last.is_none_or(|last| last < to) {
                let name = contig.map_or("*", |contig| &head.contigs.get(ContigId(contig)).name);
                return Ok(Some(format!("it does not reach all reads at {name}:{from}-{end}")));
            }
        }
    }
    Ok(None)
}
