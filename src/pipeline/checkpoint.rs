//! A run whose finished regions are on the disk -> a mark of its journal; and back, so that a later run goes on from there.
//!
//! A mark is made between two regions of which nothing reaches from one into the other: no call that may overlap a later one, no
//! reference block that may grow, no call that covers positions of the next region, no fragment that may bind calls before it to later ones
//! where calls are phased. Such places are frequent, as blocks end at multiples of
//! [`BLOCK_CUT`](crate::vcf::reference_blocks::BLOCK_CUT) bp; with long reads that are phased they are some 100 kb apart.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::stats::RunStats;
use crate::error::{Error, Result};
use crate::files::journal::Journal;
use crate::files::{PartState, leftovers};

/// Time between two marks: what is lost at most, and long against the time that a disk takes to write them.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);
/// A disk that takes long to write a mark is given this many times as long until the next one.
const REST: u32 = 100;

/// Where a run stood.
#[derive(Debug, Default)]
pub struct Checkpoint {
    /// The first region that is not written.
    pub region: usize,
    /// Sites to genotype that are written.
    pub sites: usize,
    /// Counts of the regions before it.
    pub stats: RunStats,
    /// The files of the calls and of the gVCF, as far as they are wanted.
    pub parts: Vec<PartState>,
}

/// A checkpoint but for the bytes of unfinished blocks, which follow it.
#[derive(Serialize, Deserialize)]
struct Line<S> {
    region: usize,
    /// The position after the last region, for whoever looks at the journal.
    written_before: String,
    sites: usize,
    stats: S,
    parts: Vec<PartLine>,
}

#[derive(Serialize, Deserialize)]
struct PartLine {
    bytes: u64,
    crc32: u32,
    staged: usize,
}

impl Checkpoint {
    /// Reads a mark; `None` where it is not one.
    #[must_use]
    pub fn parse(mark: &[u8]) -> Option<Self> {
        let end = mark.iter().position(|&byte| byte == b'\n')?;
        let line: Line<RunStats> = serde_json::from_slice(&mark[..end]).ok()?;
        let mut rest = &mark[end + 1..];
        let mut parts = Vec::new();
        for PartLine { bytes, crc32, staged } in line.parts {
            let (staged, after) = rest.split_at_checked(staged)?;
            parts.push(PartState { bytes, crc32, staged: staged.to_vec() });
            rest = after;
        }
        rest.is_empty().then_some(Self { region: line.region, sites: line.sites, stats: line.stats, parts })
    }
}

/// Makes marks in a journal.
#[derive(Debug)]
pub struct Checkpoints {
    journal: Journal,
    every: Duration,
    due: Instant,
    /// The journal and the parts, until there is a mark: before that they are of no use.
    files: Vec<PathBuf>,
}

impl Checkpoints {
    /// Makes a mark in `journal` each time that `every` has passed. `files` are the journal and the parts, which are kept when a signal ends
    /// the process, once there is a mark.
    #[must_use]
    pub fn new(journal: Journal, every: Duration, files: Vec<PathBuf>) -> Self {
        Self { journal, every, due: Instant::now() + every, files }
    }

    pub(super) fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Makes a mark; `place` is the position after its last region. `begun` is when its parts began to be written to the disk.
    pub(super) fn keep(&mut self, at: &Checkpoint, place: String, begun: Instant) -> Result<()> {
        let parts = at.parts.iter();
        let parts = parts.map(|part| PartLine { bytes: part.bytes, crc32: part.crc32, staged: part.staged.len() });
        let line = Line {
            region: at.region,
            written_before: place,
            sites: at.sites,
            stats: &at.stats,
            parts: parts.collect(),
        };
        let mut mark = serde_json::to_vec(&line).map_err(|e| Error::Internal(format!("journal: {e}")))?;
        mark.push(b'\n');
        at.parts.iter().for_each(|part| mark.extend_from_slice(&part.staged));
        self.journal.mark(&mark)?;
        if !self.files.is_empty() {
            leftovers::are_of_use(&std::mem::take(&mut self.files));
        }
        // Zero asks for a mark wherever one can be made, at any price.
        let rest = if self.every.is_zero() { Duration::ZERO } else { self.every.max(begun.elapsed() * REST) };
        self.due = Instant::now() + rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::journal;
    use crate::pipeline::stats::{Details, Stage};

    #[test]
    fn a_mark_is_read_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::create(&path, b"run", None).unwrap();
        let mut checkpoints = Checkpoints::new(journal, Duration::ZERO, Vec::new());
        assert!(checkpoints.is_due());
        let part = |bytes, staged: &[u8]| PartState { bytes, crc32: 7, staged: staged.to_vec() };
        let mut stats = RunStats { candidates: 9, details: Some(Details::default()), ..RunStats::default() };
        stats.calls.filters = [1, 2, 3];
        stats.calls.indel_lengths.insert(-3, 4);
        stats.reads.left_out[2] = 5;
        stats.times.time(Stage::Count, || std::thread::sleep(Duration::from_millis(1)));
        let parts = vec![part(100, b"chr1\t5\nchr"), part(0, b"\xff\0")];
        let at = Checkpoint { region: 17, sites: 3, stats, parts };
        checkpoints.keep(&at, "chr1:20000".into(), Instant::now()).unwrap();
        let frames = journal::read(&path).unwrap().unwrap();
        let found = Checkpoint::parse(&frames.marks[0]).unwrap();
        assert_eq!((found.region, found.sites, &found.parts), (17, 3, &at.parts));
        let (stats, of) = (&found.stats, &at.stats);
        assert_eq!((stats.candidates, &stats.calls, stats.reads), (9, &of.calls, of.reads));
        assert_eq!((&stats.details, stats.times.of(Stage::Count)), (&of.details, of.times.of(Stage::Count)));
        assert!(stats.times.of(Stage::Count) > Duration::ZERO);
        assert!(String::from_utf8_lossy(&frames.marks[0]).contains("chr1:20000"));
        // One that is not of this form, or not whole.
        assert!(Checkpoint::parse(b"{}\n").is_none());
        assert!(Checkpoint::parse(&frames.marks[0][..frames.marks[0].len() - 1]).is_none());
    }
}
