//! Written regions -> progress: a bar on a terminal, otherwise a log line every 15 seconds.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::genome::Contigs;
use crate::regions::{Region, Regions};

/// Time between two log lines.
const LOG_INTERVAL: Duration = Duration::from_secs(15);

/// Reports regions as they are written.
pub(super) struct Progress<'a> {
    contigs: &'a Contigs,
    total: u64,
    bar: Option<ProgressBar>,
    log: Mutex<Log>,
}

struct Log {
    done: u64,
    started: Instant,
    last: Instant,
}

impl<'a> Progress<'a> {
    /// For all regions, of which an earlier run has written the first ones.
    pub(super) fn new(contigs: &'a Contigs, regions: &Regions, written: usize) -> Self {
        let (total, done) = (regions.bases(), regions.bases_before(written));
        let shown = log::log_enabled!(log::Level::Info) && std::io::stderr().is_terminal();
        let bar = shown.then(|| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()).with_position(done);
            // The time that is left is estimated by this run's pace.
            bar.reset_eta();
            let style = "{elapsed_precise} [{bar:32}] {percent:>3} % at {msg}, {eta} left";
            bar.set_style(
                ProgressStyle::with_template(style)
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("=> "),
            );
            bar
        });
        let now = Instant::now();
        Self { contigs, total, bar, log: Mutex::new(Log { done, started: now, last: now }) }
    }

    /// A region was written.
    pub(super) fn done(&self, region: Region) {
        let place = || format!("{}:{}", self.contigs.get(region.contig).name, region.interval.end());
        if let Some(bar) = &self.bar {
            bar.set_message(place());
            bar.inc(region.interval.len());
            return;
        }
        let Ok(mut log) = self.log.lock() else { return };
        log.done += region.interval.len();
        if log.last.elapsed() >= LOG_INTERVAL {
            log.last = Instant::now();
            #[allow(clippy::cast_precision_loss, reason = "a share of a genome")]
            let percent = 100.0 * log.done as f64 / self.total.max(1) as f64;
            log::info!("{percent:.1} % after {:.0} s, at {}", log.started.elapsed().as_secs_f64(), place());
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
