//! `--resume`: what an earlier run left beside its outputs -> where this one goes on, or why it must not.
//!
//! `OUTPUT.varpix-part` of each output holds what is written so far; `OUTPUT.varpix-journal` beside the VCF says how far that is whole, and of
//! what run it is. All are gone after success.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::identity::{Difference, Identity};
use crate::error::{Error, Result};
use crate::files::journal::{self, Frames, Journal};
use crate::files::{PartState, Storage, index_names, journal_of, leftovers, part_of, temporary_beside};
use crate::genome::Contigs;
use crate::pipeline::{Checkpoint, Checkpoints};
use crate::regions::Regions;

/// A run that can be resumed.
pub(super) struct Resume {
    journal: PathBuf,
    identity: Vec<u8>,
    /// The final names of VCF and gVCF.
    outputs: Vec<PathBuf>,
    /// Where an earlier run stood, and its mark in the journal.
    from: Option<(Checkpoint, Vec<u8>)>,
    /// Held until the end, so that no other run writes to the same parts.
    _lock: Option<File>,
    /// True where nothing is to be done at the end: in a dry run, and after success.
    is_done: bool,
}

/// What a run wants of an earlier one.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// It only looks, and changes no file.
    pub(super) is_dry: bool,
    /// It writes reports, for which the earlier run must have counted depths.
    pub(super) reports: bool,
}

impl Resume {
    /// Looks for an earlier run of these outputs, the VCF first.
    ///
    /// # Errors
    /// [`Error::Usage`] for standard output, and where the earlier run was another one; [`Error::Output`] where another run writes these outputs
    /// now, or where they cannot be written.
    pub(super) fn open(outputs: &[&Path], identity: &Identity, Wanted { is_dry, reports }: Wanted) -> Result<Self> {
        if outputs.contains(&Path::new("-")) {
            return Err(Error::Usage("--resume: cannot be used with standard output; give the name of a file".into()));
        }
        let [vcf, ..] = outputs else { return Err(Error::Internal("no output to resume".into())) };
        let journal = journal_of(vcf);
        let encoded = serde_json::to_vec(identity).map_err(|e| Error::Internal(format!("journal: {e}")))?;
        let frames = journal::read(&journal)?.filter(|frames| !frames.marks.is_empty());
        if let Some(frames) = &frames {
            let unlike = serde_json::from_slice(&frames.first).ok().map(|then| identity.difference(&then));
            let unreadable =
                || Difference { name: "form of its journal".into(), then: "another".into(), now: "this".into() };
            if let Some(Difference { name, then, now }) = unlike.unwrap_or_else(|| Some(unreadable())) {
                return Err(Error::Usage(format!(
                    "--resume: the interrupted run had another {name} ({then}; now {now}); give what it had, or remove {} to start anew",
                    journal.display()
                )));
            }
        }
        if let Some(frames) = frames.as_ref().filter(|_| reports) {
            counted_depths(frames, &journal)?;
        }
        let lock = if is_dry { None } else { locked(vcf)? };
        let outputs: Vec<PathBuf> = outputs.iter().map(|&path| path.to_owned()).collect();
        let mut this = Self { journal, identity: encoded, outputs, from: None, _lock: lock, is_done: is_dry };
        this.find(frames, is_dry)?;
        Ok(this)
    }

    /// Finds the last checkpoint whose parts are there.
    fn find(&mut self, frames: Option<Frames>, is_dry: bool) -> Result<()> {
        let Self { journal, outputs, .. } = self;
        let from = frames.and_then(|frames| {
            let whole = |mark: Vec<u8>| Some((Checkpoint::parse(&mark).filter(|at| are_whole(outputs, at))?, mark));
            let found = frames.marks.into_iter().rev().find_map(whole);
            if found.is_none() {
                log::warn!("--resume: what {} tells of is not there, or damaged; starting anew", journal.display());
            }
            found
        });
        match &from {
            _ if is_dry => {}
            Some((at, _)) => {
                outputs.iter().zip(&at.parts).try_for_each(|(output, state)| taken_back(output, state))?;
                leftovers::are_of_use(&[]);
            }
            // Of no use until there is a mark.
            None => {
                let new = outputs.iter().map(|output| part_of(output)).chain([journal.clone()]);
                new.for_each(leftovers::remove_at_signal);
            }
        }
        self.from = from;
        Ok(())
    }

    /// Where the run goes on.
    pub(super) fn from(&self) -> Option<&Checkpoint> {
        self.from.as_ref().map(|(at, _)| at)
    }

    /// How the output of that number is stored.
    pub(super) fn storage(&self, output: usize) -> Storage {
        Storage::Part(self.from().and_then(|at| at.parts.get(output)).cloned())
    }

    /// Logs where the run goes on.
    pub(super) fn log(&self, regions: &Regions, contigs: &Contigs) {
        match self.from().and_then(|at| regions.get(at.region)) {
            Some(next) => log::info!(
                "resuming at {}:{}: {} of {} regions are done",
                contigs.get(next.contig).name,
                next.interval.start() + 1,
                next.sequence,
                regions.len()
            ),
            None => log::debug!("--resume: nothing to go on from; starting anew"),
        }
    }

    /// Begins the journal, once the parts are opened.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub(super) fn begin(&self, every: Duration) -> Result<Checkpoints> {
        let mark = self.from.as_ref().map(|(_, mark)| mark.as_slice());
        let journal = Journal::create(&self.journal, &self.identity, mark)?;
        let files = self.outputs.iter().map(|output| part_of(output)).chain([self.journal.clone()]);
        Ok(Checkpoints::new(journal, every, files.collect()))
    }

    /// Removes the journal; all outputs have their final names.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub(super) fn done(mut self) -> Result<()> {
        self.is_done = true;
        journal::remove(&self.journal)
    }
}

/// After a failure: says what is kept, or removes what is of no use.
impl Drop for Resume {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        match journal::read(&self.journal) {
            Ok(Some(frames)) if !frames.marks.is_empty() => {
                log::warn!("what is finished is kept: the same command goes on from it");
            }
            Ok(_) => {
                for path in left_by(&self.outputs) {
                    // Best effort: the failure is reported.
                    let _ = std::fs::remove_file(path);
                }
            }
            Err(_) => {}
        }
    }
}

/// Rejects an earlier run without the depths that reports need.
fn counted_depths(frames: &Frames, journal: &Path) -> Result<()> {
    let marks = frames.marks.iter().filter_map(|mark| Checkpoint::parse(mark));
    if marks.into_iter().all(|at| at.stats.details.is_some()) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "--resume: the interrupted run had no --summary, --multiqc or --report and did not count depths; leave these out (varpix report makes them of the finished VCF), or remove {} to start anew",
        journal.display()
    )))
}

/// Creates the part of the VCF, or opens it, and keeps other runs from it.
fn locked(vcf: &Path) -> Result<Option<File>> {
    // The same checks as for an output without `--resume`.
    drop(temporary_beside(vcf)?);
    let part = part_of(vcf);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&part);
    let file = file.map_err(|e| Error::output(&part, format!("cannot be written: {e}")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            Err(Error::output(part, "is being written by another run; wait for that run, or stop it"))
        }
        // Some file systems have no locks.
        Err(TryLockError::Error(e)) => {
            log::debug!("{}: cannot be locked: {e}", part.display());
            Ok(None)
        }
    }
}

/// Whether the parts of a checkpoint are there. A run that was killed while it renamed its outputs has left some under their final names.
fn are_whole(outputs: &[PathBuf], at: &Checkpoint) -> bool {
    let is_whole = |(output, state): (&PathBuf, &PartState)| state.is_in(&part_of(output)) || state.is_in(output);
    outputs.len() == at.parts.len() && outputs.iter().zip(&at.parts).all(is_whole)
}

/// Gives an output that had its final name already that of its part.
fn taken_back(output: &Path, state: &PartState) -> Result<()> {
    let part = part_of(output);
    if state.is_in(&part) {
        return Ok(());
    }
    std::fs::rename(output, &part).map_err(|e| Error::output(part, format!("cannot be renamed to: {e}")))
}

/// The files that an interrupted run may have left beside these outputs.
fn left_by(outputs: &[PathBuf]) -> Vec<PathBuf> {
    let beside = |output: &PathBuf| {
        let indexes = index_names(output).into_iter().map(|index| part_of(&index));
        indexes.chain([part_of(output)]).chain(journal::names(&journal_of(output))).collect::<Vec<_>>()
    };
    outputs.iter().flat_map(beside).filter(|path| path.is_file()).collect()
}

/// What an interrupted run left beside the outputs of a run without `--resume`.
pub(super) struct Leftovers(Vec<PathBuf>);

impl Leftovers {
    /// Looks for it, and says so.
    pub(super) fn of(outputs: &[&Path]) -> Self {
        let outputs: Vec<PathBuf> = outputs.iter().map(|&path| path.to_owned()).collect();
        let found = left_by(&outputs);
        if let Some(first) = found.first() {
            log::warn!(
                "{}: is left of an interrupted run, which --resume goes on with; this run starts anew and removes it when done",
                first.display()
            );
        }
        Self(found)
    }

    /// Removes it, but for what another run is writing.
    pub(super) fn remove(self) {
        let is_in_use = |path: &PathBuf| {
            File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
        };
        if !self.0.iter().any(is_in_use) {
            // Best effort: the outputs are complete.
            self.0.iter().for_each(|path| drop(std::fs::remove_file(path)));
        }
    }
}
