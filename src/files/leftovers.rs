//! Paths of unfinished outputs -> their removal where a signal ends the process, since no destructor runs then.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Temporary files and folders that were made. Those that have got their final names are not there any more, which is harmless.
static MADE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// True once all outputs of the run have their final names: nothing is left to be stopped.
static DONE: AtomicBool = AtomicBool::new(false);

/// Notes that the run has all its outputs; for use while [`hold`] is.
pub(crate) fn all_is_done() {
    DONE.store(true, Ordering::Relaxed);
}

/// Makes a temporary file or folder and remembers its path.
pub(crate) fn noted<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> &Path) -> io::Result<T> {
    let mut known = hold();
    let new = make()?;
    known.push(path(&new).to_owned());
    Ok(new)
}

/// While this is held, [`remove`] waits: for steps that a signal must not cut in two.
pub(crate) fn hold() -> MutexGuard<'static, Vec<PathBuf>> {
    MADE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is left; false where the run is done, and ends by itself. From now on nothing new is made either: the process must end.
pub(crate) fn remove() -> bool {
    let made = hold();
    if DONE.load(Ordering::Relaxed) {
        return false;
    }
    for path in made.iter() {
        // A folder is no file; what is neither has its final name.
        let _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir_all(path));
    }
    std::mem::forget(made);
    true
}
