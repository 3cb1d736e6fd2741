//! `varpix train`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{common, file_args};
use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::files::Files;
use crate::genome::ReferenceFile;
use crate::inputs::open_reads;
use crate::model::Model;
use crate::pileup::ImageSpec;
use crate::predict::cnn::networks::pileup_net;
use crate::predict::cnn::torch::DeviceChoice;
use crate::regions::Targets;
use crate::train::{DataSet, FitOptions, Rest, finish, fit};

/// Template length of reads that have none, in bp: the median of the training sets, most of whose fragments are of 400 bp.
const INSERT_SIZE: u32 = 400;

/// What a training run learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Learn {
    /// The CNN, then the small model.
    All,
    /// The CNN alone; the model has no small model.
    Network,
    /// The small model of the CNN in --out.
    #[value(alias = "fast-tier")]
    SmallModel,
    /// Nothing.
    Nothing,
}

#[derive(Debug, Args)]
pub(super) struct TrainArgs {
    /// Reference FASTA, plain or bgzipped, with its .fai (and .gzi): one for all sets, or one for each of --reads
    #[arg(long = "ref", required = true, num_args = 1.., value_name = "FASTA")]
    references: Vec<PathBuf>,
    /// Aligned reads to learn from, one file for each set
    #[arg(long, required = true, num_args = 1.., value_name = "BAM")]
    reads: Vec<PathBuf>,
    /// Truth VCF of each set, in the order of --reads
    #[arg(long, required = true, num_args = 1.., value_name = "VCF")]
    truth: Vec<PathBuf>,
    /// Where each truth is complete, in the order of --reads
    #[arg(long, required = true, num_args = 1.., value_name = "BED")]
    confident: Vec<PathBuf>,
    /// Aligned reads to choose the best weights by; never learned from
    #[arg(long, required = true, num_args = 1.., value_name = "BAM")]
    tune_reads: Vec<PathBuf>,
    /// Truth VCF of each tune set
    #[arg(long, required = true, num_args = 1.., value_name = "VCF")]
    tune_truth: Vec<PathBuf>,
    /// Where each tune truth is complete
    #[arg(long, required = true, num_args = 1.., value_name = "BED")]
    tune_confident: Vec<PathBuf>,
    /// References of the tune sets, as --ref [default: the first of --ref]
    #[arg(long, num_args = 1.., value_name = "FASTA")]
    tune_ref: Vec<PathBuf>,
    /// Folder for the model, made if missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The model's name
    #[arg(long, default_value = "wgs")]
    name: String,
    /// The network
    #[arg(long, default_value = pileup_net::NAME)]
    network: String,
    /// Begin with the weights of this model, of the same network
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
    /// Rows of an image: 5 of the reference, the others of reads
    #[arg(long, default_value_t = ImageSpec::default().height)]
    image_height: usize,
    /// Columns of an image: an odd number, the candidate in the middle
    #[arg(long, default_value_t = ImageSpec::default().width)]
    image_width: usize,
    /// Passes over the data
    #[arg(long, default_value_t = 3, value_parser = common::whole::<u32>(1..=100_000))]
    epochs: u32,
    /// Images in a batch
    #[arg(long, default_value_t = 64, value_parser = common::whole::<u32>(1..=16384))]
    batch: u32,
    /// Shuffle-buffer size, in images
    #[arg(long, default_value_t = 4096, value_parser = common::whole::<u32>(1..=1_000_000))]
    pool: u32,
    /// Regions between two checkpoints; the same command resumes a killed run from the last one
    #[arg(long, alias = "leg", default_value_t = 1000, value_parser = common::whole::<u32>(1..=1_000_000_000))]
    checkpoint_interval: u32,
    /// What is learned; what is not is taken from the model in --out, and its certainty is fitted to the tune set in any case
    #[arg(long, value_enum, default_value_t = Learn::All)]
    learn: Learn,
    /// Learn from reads as they are: no thinning, trimming, other qualities
    #[arg(long)]
    no_augment: bool,
    /// Highest learning rate
    #[arg(long, default_value_t = 1e-3, value_parser = common::number(1e-9..=10.0))]
    learning_rate: f64,
    /// Weight decay
    #[arg(long, default_value_t = 1e-2, value_parser = common::number(0.0..=10.0))]
    weight_decay: f64,
    /// Label smoothing
    #[arg(long, default_value_t = 0.0, value_parser = common::number(0.0..=0.9))]
    label_smoothing: f64,
    /// How far rare classes are weighted up, 0 to 1
    #[arg(long, default_value_t = 0.0, value_parser = common::number(0.0..=1.0))]
    balance: f64,
    /// Evaluations on the tune set in each epoch
    #[arg(long, default_value_t = 4, value_parser = common::whole::<u32>(1..=1_000_000))]
    evaluations: u32,
    /// Stop after so many evaluations without a better F1
    #[arg(long, default_value_t = 8, value_parser = common::whole::<u32>(1..=1_000_000))]
    patience: u32,
    /// Most images of the tune set that are evaluated
    #[arg(long, default_value_t = 8000, value_parser = common::whole::<usize>(1..=10_000_000))]
    tune_images: usize,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads of the network; one more makes images [default: all cores]
    #[arg(short, long, value_parser = common::whole::<usize>(1..=1024))]
    threads: Option<usize>,
    /// Where the network runs: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    device: String,
}

pub(super) fn run(args: &TrainArgs) -> Result<()> {
    let choice: DeviceChoice =
        args.device.parse().map_err(|e| Error::Usage(format!("--device {}: {e}", args.device)))?;
    let device = choice.resolve()?;
    let image = ImageSpec { height: args.image_height, width: args.image_width, ..ImageSpec::default() };
    if let Some(problem) = image.problem() {
        return Err(Error::Usage(problem));
    }
    if args.name.is_empty() || args.name.len() > 200 || args.name.chars().any(char::is_control) {
        return Err(Error::Usage("--name: 1 to 200 characters without tabs and line breaks are expected".into()));
    }
    let from = args.from.as_deref().map(Model::open).transpose()?;
    args.files(from.as_ref()).check()?;
    let train = sets(&args.references, &args.reads, &args.truth, &args.confident, "")?;
    let tune_references = if args.tune_ref.is_empty() { &args.references[..1] } else { &args.tune_ref };
    let tune = sets(tune_references, &args.tune_reads, &args.tune_truth, &args.tune_confident, "tune-")?;
    let options = FitOptions {
        out: args.out.clone(),
        name: args.name.clone(),
        network: args.network.clone(),
        from,
        image,
        evidence: EvidenceOptions { missing_insert_size: Some(INSERT_SIZE), ..EvidenceOptions::default() },
        epochs: args.epochs,
        batch: args.batch as usize,
        pool: args.pool.max(args.batch) as usize,
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
    let confusion = match args.learn {
        Learn::All => fit(&train, &tune, &options, Rest::SmallModel)?,
        Learn::Network => fit(&train, &tune, &options, Rest::Temperature)?,
        Learn::SmallModel => finish(&train, &tune, &options, Rest::SmallModel)?,
        Learn::Nothing => finish(&train, &tune, &options, Rest::Temperature)?,
    };
    let [snp, indel, both] = confusion.f1();
    log::info!("kept: F1 of tune images {both:.4} (SNP {snp:.4}, indel {indel:.4}), in {}", args.out.display());
    Ok(())
}

impl TrainArgs {
    fn files(&self, from: Option<&Model>) -> Files {
        let mut files = Files::default();
        for (flag, paths) in [("--ref", &self.references), ("--tune-ref", &self.tune_ref)] {
            for path in paths {
                file_args::reference(&mut files, flag, path);
            }
        }
        for (flag, paths) in [("--reads", &self.reads), ("--tune-reads", &self.tune_reads)] {
            file_args::reads(&mut files, flag, paths.iter().map(PathBuf::as_path));
        }
        for (flag, paths) in [("--truth", &self.truth), ("--tune-truth", &self.tune_truth)] {
            for path in paths {
                file_args::variants(&mut files, flag, path);
            }
        }
        for (flag, paths) in [("--confident", &self.confident), ("--tune-confident", &self.tune_confident)] {
            for path in paths {
                files.input(flag, path);
            }
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

fn sets(
    references: &[PathBuf],
    reads: &[PathBuf],
    truth: &[PathBuf],
    confident: &[PathBuf],
    prefix: &str,
) -> Result<Vec<DataSet>> {
    if reads.len() != truth.len() || reads.len() != confident.len() {
        return Err(Error::Usage(format!(
            "--{prefix}reads, --{prefix}truth and --{prefix}confident need as many files each; there are {}, {} and {}",
            reads.len(),
            truth.len(),
            confident.len()
        )));
    }
    if references.len() != 1 && references.len() != reads.len() {
        return Err(Error::Usage(format!(
            "--{prefix}ref needs one file, or one for each of --{prefix}reads; there are {} and {}",
            references.len(),
            reads.len()
        )));
    }
    let references = references.iter().map(|path| ReferenceFile::new(path)).collect::<Result<Vec<_>>>()?;
    reads
        .iter()
        .zip(truth)
        .zip(confident)
        .zip(references.iter().cycle())
        .map(|(((reads, truth), confident), reference)| {
            let targets = Targets::from_bed(confident, reference.contigs())?;
            let reads = open_reads(reads, reference, &targets)?;
            DataSet::open(reads, truth, confident, reference)
        })
        .collect()
}
