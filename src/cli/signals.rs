//! SIGINT and SIGTERM -> a flag that stops a run, so that temporary outputs are removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Error, Result};

/// The flag, and which signal set it.
#[derive(Default)]
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

/// Starts watching. A second signal ends the process at once.
pub(super) fn watch() -> Result<Watch> {
    let watch = Watch::default();
    for (signal, number) in [(SIGINT, 2_usize), (SIGTERM, 15)] {
        let code = 128 + signal;
        flag::register_conditional_shutdown(signal, code, Arc::clone(&watch.stop))
            .and_then(|_| flag::register_usize(signal, Arc::clone(&watch.signal), number))
            .and_then(|_| flag::register(signal, Arc::clone(&watch.stop)))
            .map_err(|e| Error::Internal(format!("signals cannot be watched: {e}")))?;
    }
    Ok(watch)
}

impl Watch {
    pub(super) fn flag(&self) -> &AtomicBool {
        &self.stop
    }

    pub(super) fn signal(&self) -> Option<u8> {
        u8::try_from(self.signal.load(Ordering::Relaxed)).ok().filter(|&signal| signal > 0)
    }
}
