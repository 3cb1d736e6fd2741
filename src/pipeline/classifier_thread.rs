//! Images from the workers -> batches -> results: the classifier's owner.

use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender};

use crate::error::{Error, Result};
use crate::pileup::{AltSet, ImageShape};
use crate::pipeline::stats::{Stage, StageTimes};
use crate::pipeline::{ImageJob, Message, Stop};
use crate::predict::cnn::{Batch, Classifier};
use crate::predict::small::Opinion;

/// How long a batch that is not full waits for more images.
const LINGER: Duration = Duration::from_millis(100);

/// Runs until the workers are gone.
pub(super) fn run(
    mut classifier: Box<dyn Classifier>,
    shape: ImageShape,
    images: &Receiver<ImageJob>,
    messages: &Sender<Message>,
    times: &StageTimes,
    stop: Stop,
) -> Result<()> {
    let mut batch = Batch::new(shape);
    let mut places: Vec<(usize, usize, AltSet, Option<Opinion>)> = Vec::new();
    loop {
        let waiting = Instant::now();
        let received = images.recv_timeout(LINGER);
        times.add(Stage::ClassifierWaits, waiting.elapsed());
        let closed = matches!(received, Err(RecvTimeoutError::Disconnected));
        if let Ok(job) = received {
            batch.push(&job.image)?;
            places.push((job.region, job.candidate, job.set, job.opinion));
            if !batch.is_full() {
                continue;
            }
        }
        if !batch.is_empty() {
            let started = Instant::now();
            let results = classifier.classify(&batch)?;
            times.add(Stage::Classify, started.elapsed());
            times.batch(places.len());
            if results.len() != places.len() {
                return Err(Error::Internal(format!("{} results for {} images", results.len(), places.len())));
            }
            for ((region, candidate, set, opinion), image) in places.drain(..).zip(results) {
                let probabilities = opinion.map_or(image, |opinion| opinion.with_image(image));
                let message = Message::Classified { region, candidate, set, probabilities, settled: false };
                messages.send(message).map_err(|_| Error::Stopped)?;
            }
            batch.clear();
        }
        if closed || stop.is_set() {
            return Ok(());
        }
    }
}
