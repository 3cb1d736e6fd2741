//! SIGINT, SIGTERM, SIGHUP and the like -> the end of the process with 130, 143, 129 and so on, temporary outputs removed.
//!
//! A thread waits for them and ends the process without waiting for the others: a stage that reads from a network disk may not
//! check a flag for minutes.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::error::{Error, Result};
use crate::files::leftovers;

/// Signals that would end the process and leave its temporary outputs: from the terminal, from schedulers that warn before they
/// kill (USR1, USR2), from a limit of CPU time.
const DEADLY: [i32; 7] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGXCPU];

/// Starts the thread.
pub(super) fn watch() -> Result<()> {
    let failed = |e: std::io::Error| Error::Internal(format!("signal handlers cannot be installed: {e}"));
    let ignored = ignored();
    // What nohup and shells' background jobs ignore stays ignored.
    let watched = DEADLY.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0);
    // With a handler, whatever it does, a write beyond the limit of a file's size is an error like any other.
    signal_hook::flag::register(SIGXFSZ, Arc::default()).map_err(failed)?;
    let mut signals = Signals::new(watched).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            end(signal);
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(wait).map_err(failed)?;
    Ok(())
}

fn end(signal: i32) {
    if !leftovers::remove() {
        return;
    }
    let mut stderr = std::io::stderr();
    // Clears the progress bar.
    let clear = if stderr.is_terminal() { "\r\x1b[2K" } else { "" };
    let name = low_level::signal_name(signal).unwrap_or("a signal");
    let after = if leftovers::can_be_resumed() {
        "what is finished is kept: the same command goes on from it"
    } else {
        "unfinished outputs were removed"
    };
    let _ = writeln!(stderr, "{clear}varpix: stopped by {name}; {after}");
    low_level::exit(128 + signal)
}

/// Signals that the process was started to ignore, one bit each, the lowest that of signal 1.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
