//! Images from the workers -> batches -> results: the classifier's owner.

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::error::{Error, Result};
use crate::pileup::ImageShape;
use crate::pipeline::messages::{ImageJob, Message, Stop};
use crate::pipeline::sketches::{Sketch, Sketches};
use crate::pipeline::stats::{Stage, StageTimes};
use crate::predict::Decision;
use crate::predict::cnn::{Batch, Classifier};

/// How long a batch that is not full waits for more images.
const LINGER: Duration = Duration::from_millis(100);

/// Runs until the workers are gone.
pub(super) fn run(
    mut classifier: Box<dyn Classifier>,
    shape: ImageShape,
    images: &Receiver<ImageJob>,
    messages: &Sender<Message>,
    (times, sketches): (&StageTimes, Option<&Sketches>),
    stop: Stop,
) -> Result<()> {
    let mut batch = Batch::new(shape);
    let mut waiting_jobs: Vec<ImageJob> = Vec::new();
    loop {
        let waiting = Instant::now();
        let received = images.recv_timeout(LINGER);
        times.add(Stage::ClassifierWaits, waiting.elapsed());
        let closed = matches!(received, Err(RecvTimeoutError::Disconnected));
        if let Ok(job) = received {
            batch.push(&job.image, job.features.as_ref())?;
            waiting_jobs.push(job);
            if !batch.is_full() {
                continue;
            }
        }
        if !batch.is_empty() {
            let started = Instant::now();
            let results = classifier.classify(&batch)?;
            times.add(Stage::Classify, started.elapsed());
            times.batch();
            if results.len() != waiting_jobs.len() {
                return Err(Error::Internal(format!("{} results for {} images", results.len(), waiting_jobs.len())));
            }
            for (job, result) in waiting_jobs.drain(..).zip(results) {
                let ImageJob { region, candidate, set, image, undecided, drawn, .. } = job;
                let prediction = undecided.with_image(result);
                if let Some((sketches, (contig, candidate))) = sketches.zip(drawn) {
                    let decision = Decision::NeedsImage(undecided);
                    sketches.offer(prediction.probabilities, || Sketch { contig, candidate, set, image, decision });
                }
                let message = Message::Predicted { region, candidate, set, prediction };
                messages.send(message).map_err(|_| Error::Stopped)?;
            }
            batch.clear();
        }
        if closed || stop.is_set() {
            return Ok(());
        }
    }
}
