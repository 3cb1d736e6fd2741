//! `varpix train`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{common, file_args};
use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::files::Files;
use crate::model::Model;
use crate::pileup::ImageSpec;
use crate::predict::cnn::networks::rows_net;
use crate::predict::cnn::torch::DeviceChoice;
use crate::train::{Learn, Manifest, Sets, TrainOptions, train};

/// Template length of reads that have none, in bp: the median of the training sets, most of whose fragments are of 400 bp.
const INSERT_SIZE: u32 = 400;

const DATA: &str = "Data";
const IMAGES: &str = "Network and images";
const OPTIMIZER: &str = "Optimization";
const EVALUATION: &str = "Evaluation";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// The small model, then the CNN
    All,
    /// The CNN; where --out has a small model, the CNN learns from one in four of the candidates of which that is certain
    Network,
    /// The small model
    #[value(alias = "fast-tier")]
    SmallModel,
    /// Neither: only fit the temperatures and limits of the models in --out
    #[value(alias = "nothing")]
    Temperature,
}

/// What reads a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// Short reads: regions of 1 kb, reads realigned
    ShortReads,
    /// PacBio HiFi reads: regions of 25 kb, reads phased; features and rows by haplotype
    Hifi,
}

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Training and tuning data: a TSV with the columns reads, reference, truth, confident, weight and role (train or tune)
    #[arg(long, required_unless_present = "replaced", value_name = "TSV", help_heading = DATA)]
    data: Option<PathBuf>,
    /// The options that --data replaces.
    #[arg(long = "reads", aliases = ["ref", "truth", "confident", "tune-reads", "tune-ref", "tune-truth", "tune-confident"])]
    #[arg(id = "replaced", hide = true, num_args = 0..)]
    replaced: Option<Vec<OsString>>,
    /// Learn from the reads as they are, without augmentation (thinning, trimming, other qualities, errors)
    #[arg(long, help_heading = DATA)]
    no_augment: bool,
    /// Output folder of the model; created if missing
    #[arg(long, value_name = "DIR", help_heading = common::OUTPUT)]
    out: PathBuf,
    /// Name of the model, written to VCF headers
    #[arg(long, default_value = "wgs", help_heading = common::OUTPUT)]
    name: String,
    /// Reads that the model is for
    #[arg(long, value_enum, default_value_t = Preset::ShortReads, value_name = "PRESET", help_heading = DATA)]
    preset: Preset,
    /// License of the model, which 'varpix models' shows
    #[arg(long, value_name = "SPDX", help_heading = common::OUTPUT)]
    license: Option<String>,
    /// What to train; the rest is kept from the model in --out
    #[arg(long, value_enum, default_value_t = What::All, value_name = "WHAT", help_heading = IMAGES)]
    learn: What,
    /// Architecture of the CNN
    #[arg(long, default_value = rows_net::NAME, value_name = "NAME", help_heading = IMAGES)]
    network: String,
    /// Start from the weights of this model, which has the same network
    #[arg(long, value_name = "DIR", help_heading = IMAGES)]
    from: Option<PathBuf>,
    /// Image height in rows: 5 of the reference, the others of reads
    #[arg(long, default_value_t = ImageSpec::default().height, value_name = "N", help_heading = IMAGES)]
    image_height: usize,
    /// Image width in columns (odd); the candidate is in the middle
    #[arg(long, default_value_t = ImageSpec::default().width, value_name = "N", help_heading = IMAGES)]
    image_width: usize,
    /// Passes over the training data
    #[arg(long, default_value_t = 3, value_name = "N", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::whole::<u32>(1..=100_000))]
    epochs: u32,
    /// Batch size, in images
    #[arg(long, default_value_t = 64, value_name = "N", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::whole::<u32>(1..=16384))]
    batch: u32,
    /// Shuffle-buffer size, in images
    #[arg(long, alias = "pool", default_value_t = 4096, value_name = "N", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::whole::<u32>(1..=1_000_000))]
    shuffle_buffer: u32,
    /// Peak learning rate
    #[arg(long, default_value_t = 1e-3, value_name = "X", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::number(1e-9..=10.0))]
    learning_rate: f64,
    /// Weight decay
    #[arg(long, default_value_t = 1e-2, value_name = "X", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::number(0.0..=10.0))]
    weight_decay: f64,
    /// Label smoothing, 0 to 0.9
    #[arg(long, default_value_t = 0.0, value_name = "X", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::number(0.0..=0.9))]
    label_smoothing: f64,
    /// Class balancing: 0 leaves the classes as they are, 1 gives hom-ref, het and hom-alt the same total weight
    #[arg(long, default_value_t = 0.0, value_name = "X", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::number(0.0..=1.0))]
    balance: f64,
    /// Random seed
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = OPTIMIZER)]
    seed: u64,
    /// Checkpoint interval, in regions of 1 kb; the same command resumes a killed run from its last checkpoint
    #[arg(long, alias = "leg", default_value_t = 1000, value_name = "N", help_heading = OPTIMIZER)]
    #[arg(value_parser = common::whole::<u32>(1..=1_000_000_000))]
    checkpoint_interval: u32,
    /// Evaluations on the tune sets per epoch
    #[arg(long, default_value_t = 4, value_name = "N", help_heading = EVALUATION)]
    #[arg(value_parser = common::whole::<u32>(1..=1_000_000))]
    evaluations: u32,
    /// Stop after N evaluations without a lower loss
    #[arg(long, default_value_t = 8, value_name = "N", help_heading = EVALUATION)]
    #[arg(value_parser = common::whole::<u32>(1..=1_000_000))]
    patience: u32,
    /// Use at most N images of the tune sets
    #[arg(long, default_value_t = 8000, value_name = "N", help_heading = EVALUATION)]
    #[arg(value_parser = common::whole::<usize>(1..=10_000_000))]
    tune_images: usize,
    /// Threads of the network; two more make images [default: all cores]
    #[arg(short, long, value_name = "N", help_heading = common::PERFORMANCE)]
    #[arg(value_parser = common::whole::<usize>(1..=1024))]
    threads: Option<usize>,
    /// Where to train the network: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = common::PERFORMANCE)]
    device: String,
}

pub(super) fn run(args: &TrainArgs) -> Result<()> {
    let data = args.data()?;
    let choice: DeviceChoice =
        args.device.parse().map_err(|e| Error::Usage(format!("--device {}: {e}", args.device)))?;
    let device = choice.resolve()?;
    let (evidence, image) = args.preset.settings();
    let image = ImageSpec { height: args.image_height, width: args.image_width, ..image };
    if let Some(problem) = image.problem() {
        return Err(Error::Usage(problem));
    }
    if args.name.is_empty() || args.name.len() > 200 || args.name.chars().any(char::is_control) {
        return Err(Error::Usage("--name: expected 1 to 200 characters without tabs and line breaks".into()));
    }
    if args
        .license
        .as_ref()
        .is_some_and(|text| text.is_empty() || text.len() > 200 || text.chars().any(char::is_control))
    {
        return Err(Error::Usage("--license: expected 1 to 200 characters without tabs and line breaks".into()));
    }
    let from = args.from.as_deref().map(Model::open).transpose()?;
    let manifest = Manifest::read(data)?;
    args.files(&manifest, from.as_ref()).check()?;
    let sets = Sets::open(manifest, evidence)?;
    let image_features =
        TrainOptions::image_features(&args.network, (&args.out, from.as_ref()), args.learn.into(), &evidence)?;
    let options = TrainOptions {
        out: args.out.clone(),
        name: args.name.clone(),
        platform: args.preset.platform().map(String::from),
        license: args.license.clone(),
        network: args.network.clone(),
        from,
        image,
        image_features,
        evidence,
        epochs: args.epochs,
        batch: args.batch as usize,
        shuffle_buffer: args.shuffle_buffer.max(args.batch) as usize,
        checkpoint_interval: args.checkpoint_interval as usize,
        augment: !args.no_augment,
        learning_rate: args.learning_rate,
        weight_decay: args.weight_decay,
        label_smoothing: args.label_smoothing,
        balance: args.balance,
        evaluations: args.evaluations,
        patience: args.patience,
        tune_images: args.tune_images,
        seed: args.seed,
        device,
        threads: args.threads.unwrap_or_else(common::available_threads),
        command: common::command_line(),
    };
    if let Some(confusion) = train(&sets, &options, args.learn.into())? {
        let [snp, indel, both] = confusion.f1();
        log::info!("kept: F1 of tune images {both:.4} (SNP {snp:.4}, indel {indel:.4}), in {}", args.out.display());
    }
    Ok(())
}

impl Preset {
    fn platform(self) -> Option<&'static str> {
        match self {
            Self::ShortReads => None,
            Self::Hifi => Some("PACBIO"),
        }
    }

    fn settings(self) -> (EvidenceOptions, ImageSpec) {
        match self {
            Self::ShortReads => {
                let evidence = EvidenceOptions { missing_insert_size: Some(INSERT_SIZE), ..EvidenceOptions::default() };
                (evidence, ImageSpec::default())
            }
            Self::Hifi => (EvidenceOptions::long_reads(), ImageSpec::long_reads()),
        }
    }
}

impl From<What> for Learn {
    fn from(what: What) -> Self {
        match what {
            What::All => Self::All,
            What::Network => Self::Network,
            What::SmallModel => Self::SmallModel,
            What::Temperature => Self::Temperature,
        }
    }
}

impl TrainArgs {
    /// The manifest that is given.
    fn data(&self) -> Result<&Path> {
        match (&self.data, &self.replaced) {
            (Some(data), None) => Ok(data),
            _ => Err(Error::Usage(
                "--ref, --reads, --truth, --confident and --tune-... are columns of a manifest now: give --data sets.tsv, as \
                 'varpix train --help' says"
                    .into(),
            )),
        }
    }

    /// The files that are read and written.
    fn files(&self, manifest: &Manifest, from: Option<&Model>) -> Files {
        let mut files = Files::default();
        files.input("--data", manifest.path());
        for set in manifest.sets() {
            let flag = |column: &str| format!("{column} of --data line {}:", set.line);
            file_args::reference(&mut files, &flag("reference"), &set.reference);
            file_args::reads(&mut files, &flag("reads"), set.reads.iter().map(PathBuf::as_path));
            file_args::variants(&mut files, &flag("truth"), &set.truth);
            files.input(&flag("confident"), &set.confident);
        }
        if let Some(from) = from {
            file_args::model(&mut files, "--from", &from.folder);
        }
        for name in file_args::MODEL.into_iter().chain(["training.csv", "checkpoint/state.json"]) {
            files.output("--out", &self.out.join(name));
        }
        files
    }
}
