//! Messages of the library -> lines on stderr; warnings are kept as well, for the summary of a run.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Most warnings that are kept.
const MOST_KEPT: usize = 200;

static WARNINGS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// The warnings given so far, in order.
pub(super) fn warnings() -> Vec<String> {
    WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// A logger that also keeps warnings, whether or not they are shown.
struct Keeper(env_logger::Logger);

impl Log for Keeper {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Warn || self.0.enabled(metadata)
    }

    fn log(&self, record: &Record) {
        if record.level() == Level::Warn && record.target().starts_with("varpix") {
            let mut kept = WARNINGS.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MOST_KEPT {
                kept.push(record.args().to_string());
            }
        }
        if self.0.matches(record) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

/// Starts logging at a level.
pub(super) fn start(level: LevelFilter) {
    let format = |buffer: &mut env_logger::fmt::Formatter, record: &Record| match record.level() {
        Level::Error | Level::Warn => {
            writeln!(buffer, "varpix: {}: {}", record.level().as_str().to_lowercase(), record.args())
        }
        _ => writeln!(buffer, "varpix: {}", record.args()),
    };
    let logger = env_logger::Builder::new().filter_module("varpix", level).format(format).build();
    // A second start, in tests, is harmless.
    if log::set_boxed_logger(Box::new(Keeper(logger))).is_ok() {
        log::set_max_level(level.max(LevelFilter::Warn));
    }
}
