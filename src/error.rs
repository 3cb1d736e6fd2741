//! All errors of the library. Each message is one sentence that names the file, contig or line and says what to do.

use std::path::PathBuf;

/// An error of the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has an invalid value, or names an unknown contig.
    #[error("{0}")]
    Usage(String),
    /// An input file is missing, damaged, or does not match another one.
    #[error("{path}: {problem}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// An output could not be created, written or renamed.
    #[error("{path}: {problem}", path = path.display())]
    Output {
        /// The final name of the output.
        path: PathBuf,
        /// What went wrong.
        problem: String,
    },
    /// The reader of standard output closed it, as `head` does.
    #[error("standard output was closed by its reader")]
    ReaderGone,
    /// A model cannot be used.
    #[error("model {path}: {problem}", path = path.display())]
    Model {
        /// The model's folder, or a file in it.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A bug, or a fault of the machine.
    #[error("internal error: {0}")]
    Internal(String),
    /// The run was stopped because another stage failed or a signal arrived; never the first cause.
    #[error("stopped")]
    Stopped,
}

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Input`].
    pub fn input(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Input { path: path.into(), problem: problem.into() }
    }

    /// An [`Error::Output`].
    pub fn output(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Output { path: path.into(), problem: problem.into() }
    }

    /// An [`Error::Model`].
    pub fn model(path: impl Into<PathBuf>, problem: impl Into<String>) -> Self {
        Self::Model { path: path.into(), problem: problem.into() }
    }

    /// The process's exit code: 2 usage, 3 bad input, 4 output, 1 internal error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Input { .. } | Self::Model { .. } => 3,
            Self::Output { .. } | Self::ReaderGone => 4,
            Self::Internal(_) | Self::Stopped => 1,
        }
    }
}
