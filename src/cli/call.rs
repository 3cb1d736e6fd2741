//! `varpix call`.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::backend;
use super::common::{self, GENERAL, INPUT, InputArgs, MODEL, OUTPUT, PERFORMANCE, REGIONS_ALIASES};
use super::file_args;
use super::filters::FilterArgs;
use super::progress::Progress;
use crate::alignment_file::sample::sample_name;
use crate::candidates::sites::{SiteRecords, Sites};
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::genome::Contigs;
use crate::genotype::Ploidy;
use crate::genotype::ploidy::pseudoautosomal_regions;
use crate::model::Model;
use crate::model::store::DEFAULT_MODEL;
use crate::output::RealignedBam;
use crate::pipeline::{self, CallFilter, RunOptions};
use crate::predict::cnn::Classifier;
use crate::predict::small::SmallModel;
use crate::regions::Targets;
use crate::sample::{SampleProfile, survey};
use crate::vcf::gvcf::DEFAULT_UNSEEN;
use crate::vcf::header::HeaderOptions;
use crate::vcf::reference_blocks::DEFAULT_QUALITY_BIN;
use crate::vcf::{CallStyle, GvcfWriter, InfoField, VcfWriter};

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(next_help_heading = OUTPUT)]
pub(super) struct CallArgs {
    #[command(flatten)]
    input: InputArgs,
    /// What to call: contigs, contig:start-end (1-based, inclusive) or BED files [default: all]
    #[arg(short, long, num_args = 1.., value_name = "REGION", help_heading = INPUT)]
    #[arg(short_alias = 'L', aliases = REGIONS_ALIASES)]
    regions: Vec<String>,
    /// Of these regions, call those in this chunk of 'varpix regions'
    #[arg(long, value_name = "BED", help_heading = INPUT, conflicts_with_all = ["genotype_sites", "realigned_bam"])]
    chunk: Option<PathBuf>,
    /// Genotype the alleles of this VCF and call nothing else
    #[arg(long, alias = "alleles", value_name = "VCF", help_heading = INPUT, conflicts_with = "output_gvcf")]
    genotype_sites: Option<PathBuf>,
    #[command(flatten)]
    filters: FilterArgs,
    /// Calls: NAME.vcf.gz (with .tbi), NAME.bcf (with .csi), NAME.vcf, or - for stdout
    #[arg(short, long, aliases = ["output", "vcf", "vcf-out", "output-file"], value_name = "VCF")]
    output_vcf: PathBuf,
    /// gVCF: calls and blocks of reference confidence
    #[arg(long, alias = "gvcf", value_name = "VCF")]
    output_gvcf: Option<PathBuf>,
    #[arg(long, help = "Symbolic allele of the gVCF for alleles that no read shows; GATK needs <NON_REF>")]
    #[arg(default_value = DEFAULT_UNSEEN, value_name = "ALLELE", value_parser = unseen_allele)]
    gvcf_ref_allele: String,
    /// Width of the GQ bins of reference blocks, 1 to 50
    #[arg(long, default_value_t = DEFAULT_QUALITY_BIN, value_name = "N", value_parser = common::whole::<i32>(1..=50))]
    gvcf_gq_bin: i32,
    /// Sample name in the VCF [default: SM of the read groups]
    #[arg(long, alias = "sample", value_name = "NAME")]
    sample_name: Option<String>,
    #[arg(long, help = "Write candidates called hom-ref too (FILTER RefCall)")]
    emit_ref_calls: bool,
    /// Write only calls with FILTER PASS
    #[arg(long)]
    only_pass: bool,
    /// Write only calls with at least this QUAL
    #[arg(long, alias = "min-quality", default_value_t = 0.0, value_name = "PHRED", value_parser = common::number(0.0..=1e6))]
    min_qual: f64,
    /// INFO fields of calls, with commas between them: DP, AC, AN, AF
    #[arg(long, value_delimiter = ',', value_name = "FIELD")]
    info: Vec<InfoField>,
    /// Path or URL for ##reference in the VCF header [default: file name of --ref]
    #[arg(long, value_name = "TEXT", value_parser = header_text)]
    header_reference: Option<String>,
    /// Write the command line to the VCF header
    #[arg(long)]
    header_command: bool,
    /// Write the realigned reads of the called regions to this BAM
    #[arg(long, value_name = "BAM")]
    realigned_bam: Option<PathBuf>,
    /// Contigs with one copy in this sample, such as chrX,chrY
    #[arg(long, value_delimiter = ',', value_name = "CONTIG", help_heading = PLOIDY)]
    haploid_contigs: Vec<String>,
    #[arg(help = "Diploid regions of these contigs: GRCh37 or GRCh38 for the pseudoautosomal regions, or a BED file")]
    #[arg(long, alias = "par-regions-bed", value_name = "BUILD|BED", help_heading = PLOIDY)]
    par_regions: Option<OsString>,
    /// Genotypes of contigs with one copy: haploid (1) or diploid (1/1) [default: haploid in the VCF, diploid in the gVCF]
    #[arg(long, value_name = "STYLE", value_parser = ["haploid", "diploid"], help_heading = PLOIDY)]
    haploid_gt: Option<String>,
    /// Name or folder of the model
    #[arg(long, aliases = ["customized-model", "model-path"], default_value = DEFAULT_MODEL, value_name = "NAME|DIR", help_heading = MODEL)]
    model: PathBuf,
    /// Device of the network: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = MODEL)]
    device: String,
    /// Precision of the network: f32, bf16, or auto (bf16 on CPUs with AMX, else f32)
    #[arg(long, default_value = "auto", value_name = "PRECISION", help_heading = MODEL)]
    precision: String,
    /// Disable the small model; classify every candidate with the CNN
    #[arg(long, aliases = ["no-fast-tier", "disable-small-model"], help_heading = MODEL)]
    no_small_model: bool,
    /// Do not realign reads, whatever the model was trained with
    #[arg(long, help_heading = MODEL)]
    no_realign: bool,
    /// Number of threads [default: all cores]
    #[arg(short, long, short_alias = '@', aliases = ["num-shards", "cpus", "num-threads", "nthreads"])]
    #[arg(value_name = "N", value_parser = common::whole::<u16>(1..=1024), help_heading = PERFORMANCE)]
    threads: Option<u16>,
    /// Check inputs, model and outputs, and write nothing
    #[arg(long, help_heading = GENERAL)]
    dry_run: bool,
    #[command(flatten)]
    wrapper: WrapperArgs,
}

/// Heading of the help.
const PLOIDY: &str = "Ploidy";

/// Flags of DeepVariant's wrapper: understood, refused with a reason, or not needed.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct WrapperArgs {
    #[arg(long, hide = true)]
    model_type: Option<String>,
    #[arg(long, hide = true)]
    make_examples_extra_args: Option<String>,
    #[arg(long, hide = true)]
    call_variants_extra_args: Option<String>,
    #[arg(long, hide = true)]
    postprocess_variants_extra_args: Option<String>,
    #[arg(long, hide = true)]
    use_hp_information: bool,
    #[arg(long, hide = true)]
    vcf_stats_report: bool,
    #[arg(long, hide = true)]
    runtime_report: bool,
    #[arg(long, hide = true)]
    intermediate_results_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    logging_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    report_title: Option<String>,
    #[arg(long, hide = true)]
    postprocess_cpus: Option<String>,
    #[arg(long, hide = true)]
    customized_small_model: Option<PathBuf>,
}

impl WrapperArgs {
    /// Refuses what would change the result and is not there; says once what is not needed.
    fn check(&self) -> Result<()> {
        let refused = [
            (
                self.make_examples_extra_args.is_some(),
                "--make-examples-extra-args: such settings come with the model here; leave the flag out",
            ),
            (
                self.call_variants_extra_args.is_some(),
                "--call-variants-extra-args: there is no such stage here; leave the flag out",
            ),
            (
                self.postprocess_variants_extra_args.is_some(),
                "--postprocess-variants-extra-args: there is no such stage here; leave the flag out",
            ),
            (
                self.use_hp_information,
                "--use-hp-information: haplotype tags are not used by this model; leave the flag out",
            ),
            (
                self.customized_small_model.is_some(),
                "--customized-small-model: the small model comes with the model here; leave the flag out",
            ),
        ];
        if let Some((_, sentence)) = refused.into_iter().find(|(given, _)| *given) {
            return Err(Error::Usage(sentence.into()));
        }
        let unneeded = [
            (self.vcf_stats_report, "--vcf-stats-report"),
            (self.runtime_report, "--runtime-report"),
            (self.intermediate_results_dir.is_some(), "--intermediate-results-dir"),
            (self.logging_dir.is_some(), "--logging-dir"),
            (self.report_title.is_some(), "--report-title"),
            (self.postprocess_cpus.is_some(), "--postprocess-cpus"),
        ];
        let given: Vec<_> = unneeded.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag).collect();
        if !given.is_empty() {
            log::info!("not needed here and passed over: {}", given.join(", "));
        }
        Ok(())
    }

    /// The model that a `--model-type` stands for.
    fn model(&self) -> Result<Option<&'static str>> {
        match self.model_type.as_deref() {
            None => Ok(None),
            Some("WGS") => Ok(Some("wgs")),
            Some("WES") => {
                log::warn!("--model-type WES: there is no model for exomes yet, the WGS model is used");
                Ok(Some("wgs"))
            }
            Some(other) => {
                Err(Error::Usage(format!("--model-type {other}: there is no such model here; known are WGS and WES")))
            }
        }
    }
}

pub(super) fn run(args: &CallArgs) -> Result<()> {
    args.wrapper.check()?;
    let device = backend::device(&args.device, &args.precision)?;
    let model = args.model()?;
    args.files(&model).check()?;
    let threads = args.threads.map_or_else(common::available_threads, usize::from);
    let small_model = if args.no_small_model { None } else { SmallModel::of(&model)? };
    let split = ThreadSplit::of(threads, device.on_cpu(), small_model.is_some());
    let classifier = device.load(&model, split.network)?;
    let (inputs, targets) = args.input.resolve(&args.regions)?;
    let chunk = args.chunk.as_ref().map(|bed| Targets::from_bed(bed, inputs.reference.contigs())).transpose()?;
    let sample = sample_name(&inputs.reads, args.sample_name.as_deref())?;
    let contigs = inputs.reference.contigs();
    let ploidy = args.ploidy(contigs)?;
    let header = args.header(&sample, &model, &inputs)?;
    let spelling = args.haploid_gt.as_deref();
    let info = args.info.iter().copied().collect();
    let style = CallStyle { haploid_as_diploid: spelling == Some("diploid"), info, ..CallStyle::default() };
    // Joint callers of gVCFs (GLnexus) have no use for haploid likelihoods.
    let gvcf_style = CallStyle { haploid_as_diploid: spelling != Some("haploid"), ..style };
    let mut realigned = args.realigned_bam(&model, &inputs)?;
    // A dry run makes and drops temporary files; standard output cannot be taken back.
    let is_made = |path: &Path| !(args.dry_run && path == Path::new("-"));
    let writer = is_made(&args.output_vcf).then(|| VcfWriter::create(&args.output_vcf, contigs, &header, style));
    let writer = writer.transpose()?;
    let gvcf = args.output_gvcf.as_ref().filter(|path| is_made(path)).map(|path| {
        let reference = inputs.reference.open()?;
        GvcfWriter::create(path, reference, &header, gvcf_style, &args.gvcf_ref_allele, args.gvcf_gq_bin)
    });
    let mut gvcf = gvcf.transpose()?.map(|gvcf| gvcf.within(chunk.as_ref()));
    let sites = args.sites(&inputs, &targets)?;
    let size = model.config.evidence.region_size;
    let regions = match (&sites, &args.chunk, &chunk) {
        // Whole regions, so that a site is seen as when all is called.
        (Some(sites), _, _) => sites.targets().whole_regions(size, contigs),
        (None, Some(bed), Some(chunk)) => Targets::context(chunk, &targets.regions(size)).map_err(|(contig, at)| {
            let place = format!("{}:{}-{}", contigs.get(contig).name, at.start() + 1, at.end());
            Error::input(bed, format!("is no chunk of these --regions with this model (see {place}); make it with 'varpix regions' and the same --regions and --model"))
        })?,
        _ => targets.regions(size),
    };
    log_setup(&model, &inputs, split, classifier.as_ref());
    let sample_traits = if small_model.is_some() { surveyed(&inputs, &model)? } else { SampleProfile::default() };
    let Some(mut writer) = writer.filter(|_| !args.dry_run) else {
        log::info!("dry run: {} would be called into {}", sample, args.output_vcf.display());
        return Ok(());
    };
    let asked = chunk.as_ref().unwrap_or(&targets);
    log::info!(
        "sample {sample}, model {}, {} bp in {} regions, {} worker(s), network on {}",
        model.config.name,
        asked.bases(),
        regions.len(),
        split.workers,
        classifier.device()
    );
    let progress = Progress::new(inputs.reference.contigs(), regions.iter().map(|r| r.interval.len()).sum());
    let stats = pipeline::run(
        pipeline::Inputs {
            reference: &inputs.reference,
            reads: &inputs.reads,
            sample: sample_traits,
            regions: &regions,
            sites: sites.as_ref(),
            model: &model,
        },
        classifier,
        pipeline::Outputs { calls: &mut writer, gvcf: gvcf.as_mut(), realigned: realigned.as_mut() },
        RunOptions {
            workers: split.workers,
            filter: CallFilter {
                reference_calls: args.emit_ref_calls || sites.is_some(),
                only_pass: args.only_pass,
                min_quality: args.min_qual,
            },
            within: chunk.as_ref(),
            ploidy: &ploidy,
            quality_bin: args.gvcf_gq_bin,
            small_model: small_model.as_ref(),
            // Signals end the process: see `signals`.
            stop: &AtomicBool::new(false),
            progress: &|region| progress.done(region),
        },
    );
    progress.finish();
    let stats = stats?;
    // All are whole before the first gets its name.
    let files = [
        realigned.map(RealignedBam::finish).transpose()?,
        gvcf.map(GvcfWriter::finish).transpose()?.flatten(),
        writer.finish()?,
    ];
    let written = files::place_last(files.into_iter().flatten().collect())?;
    let written: Vec<_> = written.iter().map(|path| path.display().to_string()).collect();
    stats.to_string().lines().for_each(|line| log::info!("{line}"));
    let sampled_out = stats.reads.sampled_out;
    if let Some(bam) = args.realigned_bam.as_ref().filter(|_| sampled_out > 0) {
        let most = model.config.evidence.max_reads;
        log::warn!("{}: {sampled_out} reads are not in it, of regions with more than {most}", bam.display());
    }
    stats.warnings().iter().for_each(|warning| log::warn!("{warning}"));
    log::info!("written: {}", if written.is_empty() { "standard output".into() } else { written.join(", ") });
    Ok(())
}

/// An allele in angle brackets, as VCF has symbolic ones.
fn unseen_allele(text: &str) -> Result<String, String> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or_default();
    let plain = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_alphanumeric() || "*_:".contains(c));
    if plain { Ok(text.to_owned()) } else { Err("expected a symbolic allele such as <*> or <NON_REF>".into()) }
}

/// A value of a header line.
fn header_text(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && !text.starts_with('<') && !text.contains(char::is_control);
    if plain { Ok(text.to_owned()) } else { Err("expected a path or URL, on one line".into()) }
}

impl CallArgs {
    /// The model, with what overrides its settings.
    fn model(&self) -> Result<Model> {
        let of_type = self.wrapper.model()?.filter(|_| self.model == Path::new(DEFAULT_MODEL));
        let mut model = self.filters.apply(Model::find(of_type.map_or(&self.model, Path::new))?);
        if self.no_realign && model.config.evidence.realign.take().is_some() {
            log::warn!("--no-realign: overrides model {}, which was trained with realigned reads", model.config.name);
        }
        Ok(model)
    }

    /// The sites to genotype, if any, that begin in the targets.
    fn sites(&self, inputs: &common::Inputs, targets: &Targets) -> Result<Option<Arc<Sites>>> {
        let Some(path) = &self.genotype_sites else { return Ok(None) };
        let records = SiteRecords::read(path, inputs.reference.contigs())?.within(targets);
        Ok(Some(Arc::new(records.placed(&mut inputs.reference.open()?)?)))
    }

    fn header(&self, sample: &str, model: &Model, inputs: &common::Inputs) -> Result<HeaderOptions> {
        let file_name = || inputs.reference.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(HeaderOptions {
            sample: sample.to_owned(),
            model: model.config.name.clone(),
            model_checksum: model.checksum()?,
            reference: self.header_reference.clone().unwrap_or_else(file_name),
            command: self.header_command.then(common::command_line),
            gvcf: false,
        })
    }

    fn files(&self, model: &Model) -> Files {
        let mut files = self.input.files();
        file_args::perhaps(&mut files, "--regions", self.regions.iter().map(OsStr::new));
        file_args::perhaps(&mut files, "--par-regions", self.par_regions.as_deref());
        self.chunk.iter().for_each(|bed| files.input("--chunk", bed));
        self.genotype_sites.iter().for_each(|vcf| file_args::variants(&mut files, "--genotype-sites", vcf));
        file_args::model(&mut files, "--model", &model.folder);
        files.output("--output-vcf", &self.output_vcf);
        self.output_gvcf.iter().for_each(|vcf| files.output("--output-gvcf", vcf));
        self.realigned_bam.iter().for_each(|bam| files.output("--realigned-bam", bam));
        files
    }

    fn ploidy(&self, contigs: &Contigs) -> Result<Ploidy> {
        let two_copies = match &self.par_regions {
            None => Targets::default(),
            Some(text) => match text.to_str().and_then(|build| pseudoautosomal_regions(build, contigs)) {
                Some(targets) => targets,
                None => Targets::from_bed(Path::new(text), contigs)?,
            },
        };
        if self.haploid_contigs.is_empty() && self.par_regions.is_some() {
            log::warn!("--par-regions: without --haploid-contigs all contigs have two copies anyway");
        }
        let names: Vec<String> = self.haploid_contigs.iter().map(|name| name.trim().to_owned()).collect();
        Ploidy::new(&names, two_copies, contigs)
    }

    fn realigned_bam(&self, model: &Model, inputs: &common::Inputs) -> Result<Option<RealignedBam>> {
        let Some(path) = &self.realigned_bam else { return Ok(None) };
        if model.config.evidence.realign.is_none() {
            log::warn!(
                "--realigned-bam: model {} does not realign reads; they are written as they are",
                model.config.name
            );
        }
        let [reads] = inputs.reads.as_slice() else {
            return Err(Error::Usage(
                "--realigned-bam: works for one file of --reads; merge them with samtools merge".into(),
            ));
        };
        RealignedBam::create(path, reads, inputs.reference.contigs()).map(Some)
    }
}

/// Says what a run works with, for `--verbose`.
fn log_setup(model: &Model, inputs: &common::Inputs, split: ThreadSplit, classifier: &dyn Classifier) {
    let size = model.config.evidence.region_size;
    log::debug!("model: {}, regions of {size} bp at most", model.folder.display());
    log::debug!("reference: {}, {} contig(s)", inputs.reference.path().display(), inputs.reference.contigs().len());
    for file in &inputs.reads {
        log::debug!("reads: {}, index {}", file.path().display(), file.index().display());
    }
    log::debug!(
        "threads: {} to read, realign and count; {} for the network on {}; one to write",
        split.workers,
        split.network,
        classifier.device()
    );
}

/// What the sample's reads are like, said.
fn surveyed(inputs: &common::Inputs, model: &Model) -> Result<SampleProfile> {
    let sample = survey(&inputs.reads, &inputs.reference, model.config.evidence)?;
    let depth = if sample.median_depth > 0.0 {
        format!("{:.1}, give or take {:.0} %", sample.median_depth, sample.depth_cv * 100.0)
    } else {
        "not known".into()
    };
    log::info!("usual depth {depth}; artefacts in {:.0} % of places", sample.artefact_rate * 100.0);
    Ok(sample)
}

/// How `--threads` is shared out: workers and network together are the total, at least one each. A network behind a small model
/// rests most of the time and comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ThreadSplit {
    workers: usize,
    network: usize,
}

impl ThreadSplit {
    /// Without a small model, on a CPU, the network takes more time than all else, so it gets the larger half.
    fn of(threads: usize, on_cpu: bool, small_model: bool) -> Self {
        let network = match (on_cpu, small_model) {
            (true, true) => return Self { workers: threads, network: threads.div_ceil(8) },
            (true, false) => threads.div_ceil(2),
            (false, _) => 1,
        };
        Self { workers: (threads.saturating_sub(network)).max(1), network }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_the_total() {
        for threads in 2..40 {
            let split = ThreadSplit::of(threads, true, false);
            assert_eq!(split.workers + split.network, threads);
        }
        assert_eq!(ThreadSplit::of(1, true, false), ThreadSplit { workers: 1, network: 1 });
        assert_eq!(ThreadSplit::of(16, false, true), ThreadSplit { workers: 15, network: 1 });
        assert_eq!(ThreadSplit::of(2, true, true), ThreadSplit { workers: 2, network: 1 });
    }
}
