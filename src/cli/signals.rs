//! SIGINT, SIGTERM and SIGHUP -> the end of the process with 130, 143 and 129, temporary outputs removed.
//!
//! A thread waits for them and ends the process whatever the others are at: a stage that reads from a network disk may not
//! look at a flag for minutes.

use std::io::{IsTerminal as _, Write as _};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::error::{Error, Result};
use crate::output::leftovers;

/// Starts watching.
pub(super) fn watch() -> Result<()> {
    let failed = |e: std::io::Error| Error::Internal(format!("signals cannot be watched: {e}"));
    let ignored = ignored();
    // What nohup and shells' background jobs ignore stays ignored.
    let watched = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    let mut signals = Signals::new(watched).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            end(signal);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
    Ok(())
}

fn end(signal: i32) -> ! {
    leftovers::remove();
    let mut stderr = std::io::stderr();
    // A progress bar stands there.
    let clear = if stderr.is_terminal() { "\r\x1b[2K" } else { "" };
    let name = low_level::signal_name(signal).unwrap_or("a signal");
    let _ = writeln!(stderr, "{clear}varpix: stopped by {name}; unfinished outputs were removed");
    low_level::exit(128 + signal)
}

/// Signals that the process was started to ignore, one bit each, the lowest that of signal 1.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
