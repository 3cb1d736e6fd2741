//! A path -> [`Head`]: what a BAM or CRAM file's header says, and the errors that name the file.

use std::path::{Path, PathBuf};

use rust_htslib::bam::{self, Read as _};

use super::whole::Format;
use crate::error::{Error, Result};
use crate::genome::{Contig, ContigId, Contigs};

/// What is known about a file without its index.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// The FASTA that a CRAM is decoded with.
    reference: PathBuf,
    pub(super) contigs: Contigs,
    pub(super) text: String,
}

impl Head {
    pub(super) fn new(path: &Path, format: Format, reference: &Path) -> Result<Self> {
        let reader = bam::Reader::from_path(path)
            .map_err(|_| Error::input(path, "is not a readable BAM or CRAM file (no valid header)"))?;
        let view = reader.header();
        let contigs: Vec<Contig> = (0..)
            .zip(view.target_names())
            .map(|(tid, name)| Contig {
                name: String::from_utf8_lossy(name).into_owned(),
                length: view.target_len(tid).unwrap_or(0),
            })
            .collect();
        let mut names: Vec<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = twice[0];
            let problem = format!("lists contig {name} twice in its header; rename one (samtools reheader)");
            return Err(Error::input(path, problem));
        }
        let text = String::from_utf8_lossy(view.as_bytes()).into_owned();
        Ok(Self { path: path.into(), format, reference: reference.into(), contigs: Contigs::new(contigs), text })
    }

    pub(super) fn is_cram(&self) -> bool {
        matches!(self.format, Format::Cram(..))
    }

    /// Gives an htslib reader of a CRAM its reference.
    pub(super) fn give_reference(&self, set: impl FnOnce(&Path) -> rust_htslib::errors::Result<()>) -> Result<()> {
        if !self.is_cram() {
            return Ok(());
        }
        set(&self.reference).map_err(|e| {
            Error::input(&self.path, format!("cannot be decoded with the reference {}: {e}", self.reference.display()))
        })
    }

    /// A position on the file's own contigs as text.
    fn locus(&self, tid: i32, position: i64) -> String {
        let contig = usize::try_from(tid).ok().filter(|&i| i < self.contigs.len());
        let contig = contig.map_or("*", |i| self.contigs.get(ContigId(i)).name.as_str());
        format!("{contig}:{}", position.saturating_add(1))
    }

    /// The error for records out of order.
    pub(super) fn unsorted(&self, tid: i32, position: i64) -> Error {
        let locus = self.locus(tid, position);
        Error::input(
            &self.path,
            format!(
                "is not sorted by position: a record at {locus} follows a later one; sort it with samtools sort and index it"
            ),
        )
    }

    /// The error for a failed read near a position.
    pub(super) fn broken_at(&self, tid: i32, position: i64, error: &dyn std::fmt::Display) -> Error {
        let locus = self.locus(tid, position);
        let problem = if self.is_cram() {
            format!(
                "cannot decode the CRAM with this reference near {locus}: {error}; give the reference that it was written with (blocks compressed with LZMA cannot be read)"
            )
        } else {
            format!(
                "cannot be read near {locus}: {error}; the file is damaged (check it with samtools quickcheck), or its index belongs to another file"
            )
        };
        Error::input(&self.path, problem)
    }
}
