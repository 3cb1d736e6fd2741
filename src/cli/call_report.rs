//! A finished run with its arguments -> its [`Summary`].

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::logging;
use super::threads::ThreadSplit;
use crate::candidates::sites::Sites;
use crate::error::Result;
use crate::evidence::Gatherer;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::pipeline::process;
use crate::pipeline::sketches::Sketches;
use crate::pipeline::stats::RunStats;
use crate::predict::Decider;
use crate::reads::BamSource;
use crate::regions;
use crate::report::page::Picture;
use crate::report::pictures::Artist;
use crate::report::summary::{ModelUsed, Options, Regions, Run, SCHEMA_VERSION, Summary, Threads};
use crate::report::{build, summary};

/// Pictures on the page.
const VARIANTS_SHOWN: usize = 12;
const REFERENCE_CALLS_SHOWN: usize = 6;

/// When the program began.
#[derive(Clone, Copy)]
pub(super) struct Started {
    clock: SystemTime,
    at: Instant,
}

impl Started {
    pub(super) fn now() -> Self {
        Self { clock: SystemTime::now(), at: Instant::now() }
    }
}

/// What a summary is made of.
pub(super) struct CallRun<'a> {
    pub(super) started: Started,
    pub(super) sample: &'a str,
    pub(super) model: &'a Model,
    pub(super) inputs: &'a Inputs,
    pub(super) decider: &'a Decider,
    pub(super) regions: &'a regions::Regions,
    pub(super) given: Given,
    pub(super) options: Options,
    pub(super) split: ThreadSplit,
    pub(super) device: &'a str,
    pub(super) stats: &'a RunStats,
    pub(super) sketches: &'a Sketches,
    pub(super) outputs: Vec<PathBuf>,
}

/// What was to be called, as it was given.
pub(super) struct Given {
    pub(super) regions: Vec<String>,
    pub(super) chunk: Option<(PathBuf, crate::regions::Targets)>,
    pub(super) sites: Option<PathBuf>,
}

impl CallRun<'_> {
    /// The summary; warnings are all those that were logged.
    pub(super) fn summary(&self) -> Result<Summary> {
        let Self { model, inputs, stats, .. } = self;
        let contigs = inputs.reference().contigs();
        let names: Vec<&str> = contigs.iter().map(|(_, contig)| contig.name.as_str()).collect();
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        let called = self.given.chunk.as_ref().map_or(inputs.targets(), |(_, targets)| targets);
        let regions = Regions {
            given: self.given.regions.clone(),
            intervals: called.iter().count(),
            bases: called.bases(),
            chunk: self.given.chunk.as_ref().map(|(path, _)| text(path)),
            sites: self.given.sites.as_ref().map(text),
        };
        Ok(Summary {
            schema_version: SCHEMA_VERSION,
            program: build::program(),
            command: "call",
            sample: self.sample.to_owned(),
            model: Some(ModelUsed { name: model.config.name.clone(), sha256: model.checksum()? }),
            inputs: summary::Inputs { regions: Some(regions), ..build::inputs(inputs)? },
            options: Some(self.options.clone()),
            survey: self.decider.takes_profile().then(|| build::survey(&self.decider.sample, self.decider.tracts)),
            reads: Some(build::reads(stats)),
            candidates: Some(build::candidates(stats)),
            coverage: stats.details.as_ref().map(|details| build::coverage(&details.coverage, contigs)),
            calls: build::calls(&stats.calls, &names),
            warnings: logging::warnings(),
            run: Some(self.run()),
        })
    }

    /// Pictures of the least certain calls.
    pub(super) fn pictures(&self, summary: &Summary, sites: Option<Arc<Sites>>) -> Result<Vec<Picture>> {
        let (contigs, config) = (self.inputs.reference().contigs(), &self.model.config);
        let source = BamSource::open(self.inputs.reads(), contigs, config.evidence.reads())?;
        let reference = self.inputs.reference().open()?;
        let mut artist = Artist {
            sketches: self.sketches,
            gatherer: Gatherer::new(Box::new(source), reference, config.evidence, config.image.clone())
                .genotyping(sites),
            image: &config.image,
            region_size: config.evidence.region_size,
            contigs,
            decider: self.decider,
        };
        let calls = &summary.calls.least_certain;
        let [variants, others] = [&calls.variants, &calls.reference_calls];
        artist.pictures(variants.iter().take(VARIANTS_SHOWN).chain(others.iter().take(REFERENCE_CALLS_SHOWN)))
    }

    fn run(&self) -> Run {
        let Self { stats, .. } = self;
        let earlier = stats.earlier;
        let contigs = self.inputs.reference().contigs();
        let seconds = |time: std::time::Duration| build::rounded(time.as_secs_f64());
        let regions = stats.details.as_ref().map(|details| build::regions(details, self.regions, contigs));
        Run {
            command_line: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            started: humantime::format_rfc3339_seconds(self.started.clock).to_string(),
            calling_s: seconds(stats.wall),
            wall_s: seconds(earlier.wall + self.started.at.elapsed()),
            cpu_s: seconds(earlier.cpu + process::cpu_time()),
            peak_memory_bytes: earlier.peak_memory.max(process::peak_memory()),
            resumed: (earlier.runs > 0).then(|| build::resumed(stats)),
            threads: Threads { workers: self.split.workers, network: self.split.network },
            device: self.device.to_owned(),
            batches: stats.batches,
            stages: build::stages(stats),
            regions: regions.unwrap_or_default(),
            outputs: self.outputs.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        }
    }
}
