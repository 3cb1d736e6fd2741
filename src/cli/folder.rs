//! The current folder -> nothing, or an error if it was removed.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// True if the process was started in a folder that no longer exists.
static GONE: AtomicBool = AtomicBool::new(false);

/// Fails if the current folder was removed: no relative path can be resolved.
pub(super) fn check() -> Result<()> {
    if GONE.load(Ordering::Relaxed) {
        return Err(Error::Usage("the current folder no longer exists; change to another one".into()));
    }
    Ok(())
}

/// Runs before the initialisers of the libraries: oneMKL loads its parts then, and ends the process if there is no current folder.
#[cfg(target_os = "linux")]
#[used]
#[allow(unsafe_code, reason = "the only way to run before the libraries that are linked")]
// SAFETY: the loader calls functions of this section one after the other, on the only thread there is; this one makes two system
// calls and stores one byte.
#[unsafe(link_section = ".preinit_array")]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        if rustix::process::getcwd(Vec::with_capacity(4096)).is_err() {
            GONE.store(true, Ordering::Relaxed);
            // If this fails too, later steps fail with their own errors.
            let _ = rustix::process::chdir("/");
        }
    }
    look
};
