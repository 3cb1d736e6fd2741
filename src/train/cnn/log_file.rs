//! Losses and evaluations of a run -> `training.csv` in the model's folder.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The log of a run; a run that resumes goes on where its checkpoint was written.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens the log in a folder and cuts it to a checkpoint's length, in bytes.
    pub(super) fn open(folder: &Path, length: u64) -> Result<Self> {
        let path = folder.join("training.csv");
        let cannot = |e: std::io::Error| Error::output(&path, format!("cannot be written: {e}"));
        let mut file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(cannot)?;
        file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0))).map_err(cannot)?;
        let mut log = Self { path, file };
        if length == 0 {
            log.line("step,epoch,split,loss,f1_or_learning_rate,f1_snp,f1_indel")?;
        }
        Ok(log)
    }

    pub(super) fn line(&mut self, line: &str) -> Result<()> {
        writeln!(self.file, "{line}").map_err(|e| Error::output(&self.path, format!("cannot be written: {e}")))
    }

    /// Its length in bytes.
    pub(super) fn length(&mut self) -> Result<u64> {
        self.file.stream_position().map_err(|e| Error::output(&self.path, format!("cannot be written: {e}")))
    }
}
