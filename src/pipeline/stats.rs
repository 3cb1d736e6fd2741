//! What a run did and where its time went.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::genotype::{Call, Filter};
use crate::reads::FetchStats;

/// A way to spend time. Waiting is listed beside working, so that the stage that holds the others up shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Workers fetch and decode reads.
    Read,
    /// Workers realign reads.
    Realign,
    /// Workers count alleles and find candidates.
    Count,
    /// Workers settle candidates without images.
    Settle,
    /// Workers render images.
    Render,
    /// Workers wait for room before the classifier.
    WaitForClassifier,
    /// Workers wait for earlier regions to be written.
    WaitForWindow,
    /// The classifier runs.
    Classify,
    /// The classifier waits for images.
    ClassifierWaits,
    /// Calls are merged and written.
    Write,
}

const STAGES: [(Stage, &str); 10] = [
    (Stage::Read, "workers: read"),
    (Stage::Realign, "workers: realign"),
    (Stage::Count, "workers: count alleles"),
    (Stage::Settle, "workers: fast tier"),
    (Stage::Render, "workers: render"),
    (Stage::WaitForClassifier, "workers: wait for classifier"),
    (Stage::WaitForWindow, "workers: wait for writer"),
    (Stage::Classify, "classifier: run"),
    (Stage::ClassifierWaits, "classifier: wait for images"),
    (Stage::Write, "writer: merge and write"),
];

/// Time by stage, summed over threads.
#[derive(Debug, Default)]
pub struct StageTimes {
    nanoseconds: [AtomicU64; STAGES.len()],
    batches: AtomicU64,
    batched_images: AtomicU64,
}

impl StageTimes {
    pub(super) fn add(&self, stage: Stage, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds[stage as usize].fetch_add(nanoseconds, Ordering::Relaxed);
    }

    pub(super) fn batch(&self, images: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.batched_images.fetch_add(images as u64, Ordering::Relaxed);
    }

    /// Time of one stage, summed over its threads.
    #[must_use]
    pub fn of(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.nanoseconds[stage as usize].load(Ordering::Relaxed))
    }
}

/// Counts of a run, printed as the table at its end.
#[derive(Debug, Default)]
pub struct RunStats {
    /// Regions called.
    pub regions: u64,
    /// Records met and left out.
    pub reads: FetchStats,
    /// Reads whose alignment was changed, region by region.
    pub realigned: u64,
    /// Candidates found.
    pub candidates: u64,
    /// Candidates that the fast tier settled.
    pub settled: u64,
    /// Images that the candidates ask for; each candidate that is settled saves one.
    pub images: u64,
    /// Calls by filter: PASS, `RefCall`, `NoCall`.
    pub calls: [u64; 3],
    /// Time from start to end.
    pub wall: Duration,
    /// Time by stage.
    pub times: StageTimes,
}

impl RunStats {
    pub(super) fn count(&mut self, call: &Call) {
        self.calls[call.filter as usize] += 1;
    }
}

impl fmt::Display for RunStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads = &self.reads;
        writeln!(f, "{:<30}{:>12}", "regions", self.regions)?;
        writeln!(f, "{:<30}{:>12}", "reads (region overlaps)", reads.records)?;
        writeln!(f, "{:<30}{:>12}", "  left out by flags or MAPQ", reads.filtered)?;
        writeln!(f, "{:<30}{:>12}", "  left out as unusable", reads.unusable)?;
        writeln!(f, "{:<30}{:>12}", "  left out over the cap", reads.sampled_out)?;
        writeln!(f, "{:<30}{:>12}", "  realigned", self.realigned)?;
        writeln!(f, "{:<30}{:>12}", "candidates", self.candidates)?;
        let batches = self.times.batches.load(Ordering::Relaxed);
        writeln!(f, "{:<30}{:>12}", "  settled without an image", self.settled)?;
        let images = self.images.saturating_sub(self.settled);
        writeln!(f, "{:<30}{images:>12}  in {batches} batches", "images")?;
        for (filter, n) in [Filter::Pass, Filter::RefCall, Filter::NoCall].into_iter().zip(self.calls) {
            writeln!(f, "{:<30}{n:>12}", format!("calls {}", filter.name()))?;
        }
        writeln!(f, "{:<30}{:>11.2}s", "time", self.wall.as_secs_f64())?;
        for (stage, name) in STAGES {
            writeln!(f, "  {name:<28}{:>11.2}s", self.times.of(stage).as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_listed_in_their_own_order() {
        for (i, (stage, _)) in STAGES.into_iter().enumerate() {
            assert_eq!(stage as usize, i);
        }
    }

    #[test]
    fn the_table_names_every_stage() {
        let stats = RunStats { candidates: 17, ..RunStats::default() };
        stats.times.add(Stage::Render, Duration::from_millis(1500));
        let table = stats.to_string();
        assert!(STAGES.iter().all(|(_, name)| table.contains(name)));
        assert!(table.contains("1.50s") && table.contains("17"));
    }
}
