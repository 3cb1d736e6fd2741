//! The state of a training run <-> a folder, so that a killed run resumes where it was.
//!
//! `state.json` names the file with the tensors and is renamed into place last, so that it always names a complete one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tch::{TchError, Tensor};

use crate::error::{Error, Result};
use crate::files;
use crate::predict::cnn::torch::first_line;

/// Where a run stands at a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// All that decides the run; another run's checkpoint is refused.
    pub(super) settings: String,
    /// Passes over the data that are done, and checkpoint intervals of the next one.
    pub(super) epoch: u32,
    pub(super) interval: usize,
    /// Batches learned from, and images.
    pub(super) step: u64,
    pub(super) images: u64,
    /// Lowest loss on the tune images, and evaluations since.
    pub(super) best: Option<f64>,
    pub(super) since_best: u32,
    /// Length of the log in bytes.
    pub(super) log_bytes: u64,
}

impl Progress {
    /// Of a new run.
    pub(super) fn begin(settings: String) -> Self {
        Self { settings, epoch: 0, interval: 0, step: 0, images: 0, best: None, since_best: 0, log_bytes: 0 }
    }
}

/// A checkpoint that was read.
pub(super) struct Saved {
    pub(super) progress: Progress,
    tensors: HashMap<String, Tensor>,
}

impl Saved {
    /// The tensor of a name.
    pub(super) fn tensor(&self, name: &str) -> Result<Tensor, TchError> {
        let missing = || TchError::Kind(format!("the checkpoint lacks {name}"));
        self.tensors.get(name).map(|tensor| tensor.totype(tensor.kind())).ok_or_else(missing)
    }
}

/// The content of `state.json`.
#[derive(Serialize, Deserialize)]
struct State {
    tensors: String,
    progress: Progress,
}

/// The folder of a run's checkpoint.
#[derive(Clone, Debug)]
pub(in crate::train) struct Checkpoint {
    folder: PathBuf,
}

impl Checkpoint {
    pub(in crate::train) fn of(out: &Path) -> Self {
        Self { folder: out.join("checkpoint") }
    }

    /// Whether a state is there.
    pub(in crate::train) fn exists(&self) -> bool {
        self.folder.join("state.json").exists()
    }

    /// Stores a state in place of the one before.
    pub(super) fn save(&self, progress: &Progress, tensors: &[(String, Tensor)]) -> Result<()> {
        let cannot = |e: std::io::Error| Error::output(&self.folder, format!("cannot be written: {e}"));
        std::fs::create_dir_all(&self.folder).map_err(cannot)?;
        let name = format!("{}-{}.safetensors", progress.epoch, progress.interval);
        let path = self.folder.join(&name);
        let tensors: Vec<(String, Tensor)> =
            tensors.iter().map(|(name, tensor)| (name.clone(), tensor.to_device(tch::Device::Cpu))).collect();
        files::write_with(&path, |temporary| {
            Tensor::write_safetensors(&tensors, temporary).map_err(|e| Error::output(&path, first_line(&e)))
        })?;
        let state = State { tensors: name.clone(), progress: progress.clone() };
        let text = serde_json::to_string_pretty(&state).map_err(|e| Error::Internal(format!("state.json: {e}")))?;
        files::write(&self.folder.join("state.json"), text.as_bytes())?;
        for entry in std::fs::read_dir(&self.folder).map_err(cannot)?.flatten() {
            let other = entry.file_name();
            if other.to_string_lossy().ends_with(".safetensors") && other.to_string_lossy() != name {
                std::fs::remove_file(entry.path()).map_err(cannot)?;
            }
        }
        Ok(())
    }

    /// The state that is there, if any; it must be of a run with these settings.
    pub(super) fn load(&self, settings: &str) -> Result<Option<Saved>> {
        let path = self.folder.join("state.json");
        if !self.exists() {
            return Ok(None);
        }
        let broken = |why: String| {
            Error::input(&path, format!("is not a usable checkpoint ({why}); remove its folder to start over"))
        };
        let text = std::fs::read_to_string(&path).map_err(|e| broken(e.to_string()))?;
        let state: State = serde_json::from_str(&text).map_err(|e| broken(e.to_string()))?;
        let tensors = Tensor::read_safetensors(self.folder.join(&state.tensors)).map_err(|e| broken(first_line(&e)))?;
        if state.progress.settings != settings {
            return Err(Error::input(
                &self.folder,
                "is of a run with other settings or other data; remove it to start over, or give the settings it had",
            ));
        }
        Ok(Some(Saved { progress: state.progress, tensors: tensors.into_iter().collect() }))
    }

    /// Removes the state: the run is over.
    pub(in crate::train) fn remove(&self) -> Result<()> {
        match std::fs::remove_dir_all(&self.folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::output(&self.folder, format!("cannot be removed: {e}")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(interval: usize) -> Progress {
        let settings = "a".into();
        Progress { settings, epoch: 1, interval, step: 7, images: 70, best: Some(0.9), since_best: 1, log_bytes: 12 }
    }

    #[test]
    fn the_last_state_is_the_one_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::of(folder.path());
        assert!(checkpoint.load("a").unwrap().is_none());
        for interval in 0..3 {
            let tensor =
                Tensor::full([2], f64::from(u8::try_from(interval).unwrap()), (tch::Kind::Float, tch::Device::Cpu));
            checkpoint.save(&progress(interval), &[("w".into(), tensor)]).unwrap();
        }
        let saved = checkpoint.load("a").unwrap().unwrap();
        assert_eq!(saved.progress, progress(2));
        assert_eq!(Vec::<f32>::try_from(saved.tensor("w").unwrap()).unwrap(), [2.0, 2.0]);
        assert!(saved.tensor("v").is_err());
        assert!(checkpoint.load("b").map(|_| ()).unwrap_err().to_string().contains("other settings"));
        assert_eq!(std::fs::read_dir(&checkpoint.folder).unwrap().count(), 2);
        checkpoint.remove().unwrap();
        checkpoint.remove().unwrap();
        assert!(checkpoint.load("a").unwrap().is_none());
    }

    #[test]
    fn a_broken_state_is_said_to_be_broken() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::of(folder.path());
        std::fs::create_dir(&checkpoint.folder).unwrap();
        std::fs::write(checkpoint.folder.join("state.json"), "{").unwrap();
        assert!(checkpoint.load("a").map(|_| ()).unwrap_err().to_string().contains("start over"));
    }
}
