//! Counts and times of a run -> the table that ends its log, and warnings.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::region_times::RegionTimes;
use crate::genotype::Filter;
use crate::reads::{FetchStats, FilterReason};
use crate::statistics::{CallStats, Coverage};

/// A stage whose time is measured. Waiting is listed beside working, so that the bottleneck shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Workers fetch and decode reads.
    Read,
    /// Workers realign reads.
    Realign,
    /// Workers count alleles and find candidates.
    Count,
    /// Workers run the small model.
    SmallModel,
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
    (Stage::SmallModel, "workers: small model"),
    (Stage::Render, "workers: render"),
    (Stage::WaitForClassifier, "workers: wait for classifier"),
    (Stage::WaitForWindow, "workers: wait for writer"),
    (Stage::Classify, "classifier: run"),
    (Stage::ClassifierWaits, "classifier: wait for images"),
    (Stage::Write, "writer: merge and write"),
];

/// Time by stage, summed over threads; of a run that was resumed, over all its parts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StageTimes {
    nanoseconds: [AtomicU64; STAGES.len()],
    batches: AtomicU64,
}

/// The times so far.
impl Clone for StageTimes {
    fn clone(&self) -> Self {
        let now = |value: &AtomicU64| AtomicU64::new(value.load(Ordering::Relaxed));
        Self { nanoseconds: self.nanoseconds.each_ref().map(now), batches: now(&self.batches) }
    }
}

impl StageTimes {
    pub(super) fn add(&self, stage: Stage, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds[stage as usize].fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Runs part of a stage and adds the time that it takes.
    pub(super) fn time<T>(&self, stage: Stage, run: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let outcome = run();
        self.add(stage, started.elapsed());
        outcome
    }

    pub(super) fn batch(&self) {
        self.batches.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// The stages with their names and times, summed over their threads.
    pub fn stages(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        STAGES.into_iter().map(|(stage, name)| (name, self.of(stage)))
    }

    /// Time of one stage, summed over its threads.
    #[must_use]
    pub fn of(&self, stage: Stage) -> Duration {
        Duration::from_nanos(self.nanoseconds[stage as usize].load(Ordering::Relaxed))
    }
}

/// Counts of a run, printed as the table at its end. Those of a run that was resumed are of all its parts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunStats {
    /// Regions called.
    pub regions: u64,
    /// Records read and filtered.
    pub reads: FetchStats,
    /// Reads whose alignment was changed, region by region.
    pub realigned: u64,
    /// Candidates found.
    pub candidates: u64,
    /// Candidates that needed no image, as the small model or likelihoods decided.
    pub decided: u64,
    /// Of these, those unlike any that the model has learned from, which the likelihoods of their reads decided.
    pub by_likelihoods: u64,
    /// Images that the CNN classified.
    pub images: u64,
    /// Batches of images that the CNN classified. Alone of these counts, it depends on timing.
    pub batches: u64,
    /// What is counted of the calls. Of a run that was resumed without [`RunStats::details`], only the calls by filter are of all its parts.
    pub calls: CallStats,
    /// What earlier parts of a run that was resumed took.
    pub earlier: Earlier,
    /// Time from start to end; of a run that was resumed the sum of its parts.
    pub wall: Duration,
    /// Time by stage.
    pub times: StageTimes,
    /// Depths and the time of regions, where they were wanted.
    pub details: Option<Details>,
}

/// Parts of a run that ended early, each as far as the next one went on from it. What was lost of them is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// How many there were.
    pub runs: u64,
    /// Regions that the last part found finished.
    pub regions: u64,
    /// Their time from start to end.
    pub wall: Duration,
    /// Their CPU time.
    pub cpu: Duration,
    /// The highest resident memory of any, bytes; not known where /proc is not there.
    pub peak_memory: Option<u64>,
}

impl RunStats {
    /// What a journal keeps. What is counted of calls may name a hundred thousand contigs, and is kept only where it is reported.
    pub(super) fn kept(&self) -> Self {
        let mut kept = self.clone();
        if kept.details.is_none() {
            kept.calls = CallStats { filters: kept.calls.filters, ..CallStats::default() };
        }
        kept
    }
}

/// What is counted and measured where it is wanted only.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Depths of the positions called.
    pub coverage: Coverage,
    /// Time of the regions.
    pub regions: RegionTimes,
}

impl fmt::Display for RunStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reads = &self.reads;
        writeln!(f, "{:<30}{:>12}", "regions", self.regions)?;
        writeln!(f, "{:<30}{:>12}", "reads (counted per region)", reads.records)?;
        writeln!(f, "{:<30}{:>12}", "  filtered by flags or MAPQ", reads.filtered())?;
        for reason in FilterReason::ALL.into_iter().filter(|&reason| reads.left_out[reason as usize] > 0) {
            writeln!(f, "    {:<26}{:>12}", reason.name(), reads.left_out[reason as usize])?;
        }
        writeln!(f, "{:<30}{:>12}", "  unusable", reads.unusable)?;
        writeln!(f, "{:<30}{:>12}", "  sampled out over the cap", reads.sampled_out)?;
        writeln!(f, "{:<30}{:>12}", "  realigned", self.realigned)?;
        writeln!(f, "{:<30}{:>12}", "candidates", self.candidates)?;
        writeln!(f, "{:<30}{:>12}", "  decided without an image", self.decided)?;
        if self.by_likelihoods > 0 {
            writeln!(f, "{:<30}{:>12}", "  of these by likelihoods", self.by_likelihoods)?;
        }
        writeln!(f, "{:<30}{:>12}  in {} batches", "images", self.images, self.batches)?;
        for (filter, n) in [Filter::Pass, Filter::RefCall, Filter::NoCall].into_iter().zip(self.calls.filters) {
            writeln!(f, "{:<30}{n:>12}", format!("calls {}", filter.name()))?;
        }
        let parts = match self.earlier.runs {
            0 => String::new(),
            earlier => format!("  in {} parts", earlier + 1),
        };
        writeln!(f, "{:<30}{:>11.2}s{parts}", "time", self.wall.as_secs_f64())?;
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

    #[test]
    fn only_reasons_that_occur_are_listed() {
        let mut reads = FetchStats { records: 100, ..FetchStats::default() };
        reads.left_out[FilterReason::Duplicate as usize] = 30;
        let table = RunStats { reads, ..RunStats::default() }.to_string();
        assert!(table.contains("    duplicate") && !table.contains("    secondary"), "{table}");
    }
}
