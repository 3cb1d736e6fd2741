//! Regions that are gathered and written -> progress and the time that is left: a bar on a terminal, otherwise a log line every 15 seconds.
//!
//! Both are by work, which is what the indexes of the reads say of each region, so that stretches without reads are not taken for half of the run.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::genome::Contigs;
use crate::inputs::Inputs;
use crate::regions::{Region, Regions};
use crate::workload::ReadBytes;

/// Time between two log lines.
const LOG_INTERVAL: Duration = Duration::from_secs(15);
/// How much of this run's work must be done in how long at least, or how long it must have run, before the time that is left is told: the first regions of a
/// run are not like all others, and those in progress are not yet counted.
const SETTLED_SHARE: f64 = 0.1;
const LEAST_TIME: Duration = Duration::from_secs(1);
const SETTLED_TIME: Duration = LOG_INTERVAL;
/// Steps of the bar.
const STEPS: f64 = 1e6;

/// Reports the work that is done and the place up to which calls are written.
pub(super) struct Progress<'a> {
    contigs: &'a Contigs,
    bytes: ReadBytes<'a>,
    bar: Option<ProgressBar>,
    state: Mutex<State>,
}

struct State {
    pace: Pace,
    started: Instant,
    logged: Instant,
}

/// How much of the work is done, and by whom.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    /// Done by an earlier run.
    before: f64,
    /// Done by this run: of the regions that are gathered, some of which are not yet written.
    done: f64,
    /// All of it.
    total: f64,
}

impl Pace {
    /// The share that is done, 0 to 1.
    fn share(self) -> f64 {
        if self.total > 0.0 { ((self.before + self.done) / self.total).min(1.0) } else { 1.0 }
    }

    /// The time that the rest takes at this run's pace; unknown until the pace has settled.
    fn left(self, elapsed: Duration) -> Option<Duration> {
        let own = self.total - self.before;
        let is_settled = elapsed >= SETTLED_TIME || (self.done >= SETTLED_SHARE * own && elapsed >= LEAST_TIME);
        let seconds = elapsed.as_secs_f64() * (own - self.done).max(0.0) / self.done;
        (is_settled && self.done > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

/// A time for people: whole seconds, minutes from two minutes on.
fn roughly(time: Duration) -> String {
    let seconds = time.as_secs_f64().round();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "cast saturates; a time is not negative"
    )]
    let whole = |number: f64| number.round() as u64;
    if seconds < 120.0 {
        format!("{} s", whole(seconds))
    } else if seconds < 7200.0 {
        format!("{} min", whole(seconds / 60.0))
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

impl<'a> Progress<'a> {
    /// For all regions, of which an earlier run has written the first ones.
    pub(super) fn new(inputs: &'a Inputs, regions: &Regions, written: usize) -> Self {
        let bytes = ReadBytes::of(inputs);
        let of = |(contig, interval)| bytes.work(contig, interval);
        let before = regions.intervals_before(written).map(of).sum();
        let pace = Pace { before, done: 0.0, total: regions.intervals().map(of).sum() };
        let shown = log::log_enabled!(log::Level::Info) && std::io::stderr().is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps(1.0)), ProgressDrawTarget::stderr());
            bar.set_position(steps(pace.share()));
            bar.set_style(
                ProgressStyle::with_template("{elapsed_precise} [{bar:32}] {msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("=> "),
            );
            bar
        });
        let now = Instant::now();
        let state = Mutex::new(State { pace, started: now, logged: now });
        Self { contigs: inputs.reference().contigs(), bytes, bar, state }
    }

    /// A region's evidence was gathered.
    pub(super) fn gathered(&self, region: Region) {
        let Ok(mut state) = self.state.lock() else { return };
        state.pace.done += self.bytes.work(region.contig, region.interval);
    }

    /// A region was written.
    pub(super) fn written(&self, region: Region) {
        let Ok(mut state) = self.state.lock() else { return };
        if self.bar.is_none() && state.logged.elapsed() < LOG_INTERVAL {
            return;
        }
        let (pace, elapsed) = (state.pace, state.started.elapsed());
        let left = pace.left(elapsed).map_or_else(String::new, |left| format!(", about {} left", roughly(left)));
        let locus = format!("{}:{}", self.contigs.get(region.contig).name, region.interval.end());
        if let Some(bar) = &self.bar {
            bar.set_position(steps(pace.share()));
            bar.set_message(format!("{:.1} %{left}; at {locus}", 100.0 * pace.share()));
            return;
        }
        state.logged = Instant::now();
        log::info!("{:.1} % after {}{left}; at {locus}", 100.0 * pace.share(), roughly(elapsed));
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A share of the bar.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is 0 to 1")]
fn steps(share: f64) -> u64 {
    (STEPS * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pace: Pace, elapsed: u64) -> Option<u64> {
        pace.left(Duration::from_secs(elapsed)).map(|left| left.as_secs())
    }

    #[test]
    fn the_rest_is_estimated_by_the_pace_of_this_run() {
        let pace = Pace { before: 0.0, done: 10.0, total: 100.0 };
        assert_eq!((pace.share(), seconds(pace, 20)), (0.1, Some(180)));
        // What an earlier run did took this one no time.
        let resumed = Pace { before: 50.0, ..pace };
        assert_eq!((resumed.share(), seconds(resumed, 20)), (0.6, Some(80)));
        assert_eq!(seconds(Pace { done: 0.0, ..pace }, 20), None);
        // The first regions say too little.
        let early = Pace { done: 5.0, ..pace };
        assert_eq!([2, 14, 15].map(|elapsed| seconds(early, elapsed)), [None, None, Some(285)]);
        assert_eq!([0, 2].map(|elapsed| seconds(Pace { before: 50.0, ..early }, elapsed)), [None, Some(18)]);
        assert_eq!((Pace::default().share(), seconds(Pace { done: 101.0, ..pace }, 20)), (1.0, Some(0)));
    }

    #[test]
    fn times_are_for_people() {
        let of = |seconds: u64| roughly(Duration::from_secs(seconds));
        assert_eq!([of(7), of(119), of(125), of(7300)], ["7 s", "119 s", "2 min", "2.0 h"]);
        assert!(roughly(Duration::MAX).ends_with(" h"));
    }
}
