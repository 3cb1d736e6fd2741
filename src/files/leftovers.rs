//! Paths of unfinished outputs -> their removal when a signal ends the process, since no destructor runs then.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Temporary files and folders that were created. Those that were renamed no longer exist, which is harmless.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// True once all outputs of the run have their final names: a signal no longer stops it.
static DONE: AtomicBool = AtomicBool::new(false);

/// Marks the outputs of the run as complete; to be called while [`hold`] is held.
pub(crate) fn all_is_done() {
    DONE.store(true, Ordering::Relaxed);
}

/// Creates a temporary file or folder and records its path.
pub(crate) fn noted<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> &Path) -> io::Result<T> {
    let mut known = hold();
    let new = make()?;
    known.push(path(&new).to_owned());
    Ok(new)
}

/// While this guard is held, [`remove`] waits: for steps that a signal must not interrupt.
pub(crate) fn hold() -> MutexGuard<'static, Vec<PathBuf>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes unfinished outputs; false if the run is complete and ends by itself. No temporary files can be created afterwards: the process
/// must end.
pub(crate) fn remove() -> bool {
    let made = hold();
    if DONE.load(Ordering::Relaxed) {
        return false;
    }
    for path in made.iter() {
        // What is neither a file nor a folder has its final name.
        let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
    }
    std::mem::forget(made);
    true
}
