//! Paths of unfinished outputs -> their removal when a signal ends the process, since no destructor runs then.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Temporary files and folders that were created. Those that were renamed no longer exist, which is harmless.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// True once all outputs of the run have their final names: a signal no longer stops it.
static DONE: AtomicBool = AtomicBool::new(false);

/// True once the run keeps what it has finished beside its outputs.
static KEPT: AtomicBool = AtomicBool::new(false);

/// Notes that a run that ends early can be resumed from what lies in `parts`, which from now on are not removed.
pub(crate) fn are_of_use(parts: &[PathBuf]) {
    hold().retain(|path| !parts.contains(path));
    KEPT.store(true, Ordering::Relaxed);
}

/// Whether a run that ends early can be resumed.
pub(crate) fn can_be_resumed() -> bool {
    KEPT.load(Ordering::Relaxed)
}

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

/// Records a file that is to be removed when a signal ends the process, whether it is there already or not.
pub(crate) fn remove_at_signal(path: PathBuf) {
    hold().push(path);
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
