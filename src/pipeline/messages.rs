//! What threads of a run tell each other, and how one that fails stops the others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::FragmentAllele;
use crate::genome::ContigId;
use crate::output::Placement;
use crate::pileup::{AltSet, PileupImage};
use crate::predict::Prediction;
use crate::predict::decision::Undecided;
use crate::predict::small::Features;
use crate::reads::FetchStats;
use crate::statistics::RegionDepths;
use crate::vcf::ReferenceBlock;

/// How long a stage waits before it checks whether it should stop.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);

/// An image on its way to the classifier.
pub(super) struct ImageJob {
    pub(super) region: usize,
    pub(super) candidate: usize,
    pub(super) set: AltSet,
    pub(super) image: PileupImage,
    /// What is known of the candidate without its images.
    pub(super) undecided: Undecided,
    /// The features that go with the image, where the CNN takes any.
    pub(super) features: Option<Features>,
    /// Its contig and the candidate, where a picture of it may be wanted.
    pub(super) drawn: Option<(ContigId, Candidate)>,
}

/// A message to the thread that writes.
pub(super) enum Message {
    /// A region's candidates; as many results follow as they have images.
    Gathered {
        region: usize,
        candidates: Vec<Candidate>,
        images: usize,
        fetched: FetchStats,
        realigned: usize,
        placements: Vec<Placement>,
        blocks: Vec<ReferenceBlock>,
        /// For each candidate what fragments show there; empty where calls are not phased.
        fragments: Vec<Vec<FragmentAllele>>,
        /// The depths of its positions, where they are wanted.
        depths: Option<RegionDepths>,
    },
    /// The prediction for one set of a candidate's alternative alleles.
    Predicted { region: usize, candidate: usize, set: AltSet, prediction: Prediction },
    /// A stage failed.
    Failed(Error),
}

/// The two ways in which a run is told to stop.
#[derive(Clone, Copy)]
pub(super) struct Stop<'a> {
    pub(super) outside: &'a AtomicBool,
    pub(super) inside: &'a AtomicBool,
}

impl Stop<'_> {
    pub(super) fn is_set(self) -> bool {
        self.outside.load(Ordering::Relaxed) || self.inside.load(Ordering::Relaxed)
    }
}

/// Runs a stage; a panic in it becomes an error, since a thread that just vanished would leave the others waiting.
pub(super) fn guarded(stage: impl FnOnce() -> Result<()>) -> Result<()> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(stage))
        .unwrap_or_else(|_| Err(Error::Internal("a stage panicked (see above); please report it".into())))
}

/// Waits for an item, until the run stops.
pub(super) fn receive<T>(channel: &Receiver<T>, stop: Stop) -> Result<T> {
    loop {
        match channel.recv_timeout(PATIENCE) {
            Ok(item) => return Ok(item),
            Err(RecvTimeoutError::Timeout) if stop.is_set() => return Err(Error::Stopped),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Error::Stopped),
        }
    }
}
