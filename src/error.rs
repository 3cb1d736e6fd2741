//! All errors of the library. Each message is one sentence that names the file, contig or line and says what to do.

use std::fmt;
use std::path::PathBuf;

/// A parameter of the library. Its name here is the library's; the command line calls it by its flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The sample's reads files.
    Reads,
    /// What is called.
    Regions,
    /// The number of chunks.
    Chunks,
    /// The sample's name.
    SampleName,
    /// Contigs with one copy.
    HaploidContigs,
    /// Where the CNN runs.
    Device,
    /// The BAM of realigned reads.
    RealignedBam,
    /// The BAM or CRAM of reads with their haplotypes.
    HaplotaggedBam,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reads => "reads",
            Self::Regions => "regions",
            Self::Chunks => "chunks",
            Self::SampleName => "sample name",
            Self::HaploidContigs => "haploid contigs",
            Self::Device => "device",
            Self::RealignedBam => "realigned BAM",
            Self::HaplotaggedBam => "haplotagged BAM",
        })
    }
}

/// An error of the library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option has an invalid value, or names an unknown contig.
    #[error("{0}")]
    Usage(String),
    /// The value of a parameter makes no sense, or names what is not there.
    #[error("{parameter} {value}: {problem}")]
    Parameter {
        /// The parameter.
        parameter: Parameter,
        /// Its value; empty where there is none.
        value: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// An input file is missing, damaged, or does not match another one.
    #[error("{path}: {problem}", path = path.display())]
    Input {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        problem: String,
        /// The parameter that may be set in place of changing the file.
        remedy: Option<Parameter>,
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
        Self::Input { path: path.into(), problem: problem.into(), remedy: None }
    }

    /// An [`Error::Input`] that setting a parameter may remedy.
    pub fn input_or_set(path: impl Into<PathBuf>, problem: impl Into<String>, parameter: Parameter) -> Self {
        Self::Input { path: path.into(), problem: problem.into(), remedy: Some(parameter) }
    }

    /// An [`Error::Parameter`].
    pub fn parameter(parameter: Parameter, value: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Parameter { parameter, value: value.into(), problem: problem.into() }
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
            Self::Usage(_) | Self::Parameter { .. } => 2,
            Self::Input { .. } | Self::Model { .. } => 3,
            Self::Output { .. } | Self::ReaderGone => 4,
            Self::Internal(_) | Self::Stopped => 1,
        }
    }
}
