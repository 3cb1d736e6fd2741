//! Outputs of a run -> removal of the temporary files that killed runs of the same outputs left beside them.
//!
//! A file is only removed where it is certain that nobody writes it any more. Its name tells the boot of the machine and the process that made it
//! (`.NAME.varpix-BOOT-PROCESS-XXXXXX.tmp`), and that process holds a lock on it for as long as it lives. It is abandoned where the boot is this
//! one, so that its locks are seen from here, also from another container; where there is no such process; where the lock is free; and where it
//! was not written for a minute. What another machine left, or this one before it was started anew, stays.

use std::collections::BTreeMap;
use std::fs::{DirEntry, File};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use super::{folder, hidden};

/// Far longer than it takes to lock a file that was created.
const MIN_AGE: Duration = Duration::from_mins(1);
/// The end of temporary names.
pub(super) const SUFFIX: &str = ".tmp";

/// A few digits that differ from one boot, of whatever machine, to the next; `None` where the system does not tell.
static BOOT: LazyLock<Option<String>> = LazyLock::new(|| {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    (digits.len() == 8).then_some(digits)
});

/// Temporary files of this process, open so that their locks are held.
static HELD: Mutex<Vec<(PathBuf, File)>> = Mutex::new(Vec::new());

/// What the name of a temporary file tells of its process.
pub(super) fn maker() -> String {
    BOOT.as_ref().map_or_else(String::new, |boot| format!("{boot}-{}-", std::process::id()))
}

/// Locks a temporary file until it has another name or this process ends.
pub(super) fn hold(path: &Path, file: &File) {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|(path, _)| path.exists());
    // Where there are no locks, nothing is ever removed.
    if let Ok(file) = file.try_clone()
        && file.try_lock().is_ok()
    {
        held.push((path.to_owned(), file));
    }
}

/// Removes what killed runs left beside these outputs; returns the paths of what it removed. Best effort: what cannot be removed stays.
pub fn remove_abandoned<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> Vec<PathBuf> {
    let Some(boot) = BOOT.as_ref() else { return Vec::new() };
    let mut folders: BTreeMap<&Path, Vec<String>> = BTreeMap::new();
    for output in outputs.into_iter().filter(|output| *output != Path::new("-")) {
        folders.entry(folder(output)).or_default().push(format!("{}{boot}-", hidden(output)));
    }
    let mut removed = Vec::new();
    for (folder, prefixes) in folders {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        removed.extend(
            entries.filter(|entry| is_of_no_process(entry, &prefixes)).filter_map(|entry| removed_path(&entry)),
        );
    }
    removed
}

/// Whether a name is that of a temporary file whose process is gone.
fn is_of_no_process(entry: &DirEntry, prefixes: &[String]) -> bool {
    let name = entry.file_name();
    let Some(name) = name.to_str().and_then(|name| name.strip_suffix(SUFFIX)) else { return false };
    let process = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix.as_str())?.split_once('-'));
    let Some(process) = process.and_then(|(process, _)| process.parse::<u32>().ok()) else { return false };
    // In containers each run may be the process of the same number.
    process == std::process::id() || !Path::new(&format!("/proc/{process}")).exists()
}

/// Removes a file that is old and not locked.
fn removed_path(entry: &DirEntry) -> Option<PathBuf> {
    let path = entry.path();
    let found = path.symlink_metadata().ok().filter(std::fs::Metadata::is_file)?;
    if found.modified().ok()?.elapsed().ok()? < MIN_AGE {
        return None;
    }
    let file = File::open(&path).ok()?;
    file.try_lock().ok()?;
    std::fs::remove_file(&path).ok()?;
    Some(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::files::temporary_beside;

    /// A number that no process has: above the highest that Linux gives.
    const NOBODY: u32 = 4_194_305;

    #[test]
    fn only_what_nobody_can_write_is_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let output = scratch.path().join("out.vcf.gz");
        let boot = BOOT.clone().unwrap();
        let old = SystemTime::now() - Duration::from_hours(1);
        let made = |name: &str, time: SystemTime| {
            let path = scratch.path().join(name);
            fs::write(&path, "x").unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(time).unwrap();
            path
        };
        let left = made(&format!(".out.vcf.gz.varpix-{boot}-{NOBODY}-abcdef.tmp"), old);
        let own_number = made(&format!(".out.vcf.gz.varpix-{boot}-{}-abcdef.tmp", std::process::id()), old);
        let kept = [
            // Written just now; of another boot, process, output or kind; of an older version; what a run was about to replace.
            made(&format!(".out.vcf.gz.varpix-{boot}-{NOBODY}-ghijkl.tmp"), SystemTime::now()),
            made(&format!(".out.vcf.gz.varpix-0000000-{NOBODY}-abcdef.tmp"), old),
            made(&format!(".out.vcf.gz.varpix-{boot}-1-abcdef.tmp"), old),
            made(&format!(".other.vcf.gz.varpix-{boot}-{NOBODY}-abcdef.tmp"), old),
            made(&format!(".out.vcf.gz.varpix-{boot}-{NOBODY}-abcdef.old"), old),
            made(&format!(".out.vcf.gz.varpix-{boot}-x-abcdef.tmp"), old),
            made(".out.vcf.gz.varpix-abcdef.tmp", old),
            made("out.vcf.gz", old),
        ];
        let locked = made(&format!(".out.vcf.gz.varpix-{boot}-{NOBODY}-locked.tmp"), old);
        let lock = File::open(&locked).unwrap();
        lock.lock().unwrap();
        let mut removed = remove_abandoned([output.as_path(), Path::new("-")]);
        removed.sort();
        let mut expected = vec![left, own_number];
        expected.sort();
        assert_eq!(removed, expected);
        assert!(kept.iter().chain([&locked]).all(|path| path.exists()));
        drop(lock);
        assert_eq!(remove_abandoned([output.as_path()]), [locked]);
    }

    #[test]
    fn what_this_process_writes_is_locked() {
        let scratch = tempfile::tempdir().unwrap();
        let output = scratch.path().join("out.bam");
        // As writers do that open the path anew.
        let (file, path) = temporary_beside(&output).unwrap().into_parts();
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
        drop(file);
        assert!(remove_abandoned([output.as_path()]).is_empty() && path.exists());
    }
}
