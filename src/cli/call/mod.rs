//! `varpix call`.

mod identity;
mod phasing;
mod resume;
mod run_log;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use self::identity::{Identity, Opened};
use self::phasing::PhasingArgs;
use self::resume::{Leftovers, Resume, Wanted};
use self::run_log::{log_profile, log_setup, log_start};
use super::backend;
use super::call_report::{CallRun, Given, Started};
use super::common::{self, GENERAL, INPUT, InputArgs, MODEL, OUTPUT, PERFORMANCE, REGIONS_ALIASES, REPORTS};
use super::extra_args::{ExtraArgs, Given as Extra};
use super::file_args;
use super::filters::FilterArgs;
use super::ploidy_args::{PLOIDY, PloidyArgs};
use super::progress::Progress;
use super::read_warnings::{beyond, warnings};
use super::report_args::{ReportArgs, Reports};
use super::threads::ThreadSplit;
use super::wrapper_args::WrapperArgs;
use crate::alignment_file::sample::sample_name;
use crate::candidates::sites::Sites;
use crate::error::{Error, Result};
use crate::files::{self, Destination, Files, Storage, Whole, journal_of, part_of};
use crate::inputs::Inputs;
use crate::model::Model;
use crate::model::store::DEFAULT_MODEL;
use crate::output::{HaplotaggedReads, RealignedBam};
use crate::pipeline::checkpoint::DEFAULT_INTERVAL;
use crate::pipeline::sketches::Sketches;
use crate::pipeline::stats::RunStats;
use crate::pipeline::{self, CallFilter, Outputs, RunInputs, RunOptions};
use crate::predict::cnn::Classifier;
use crate::predict::{AnySmallModel, Decider};
use crate::regions::{Regions, Targets};
use crate::report::summary::Options;
use crate::variant::sites::SiteRecords;
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
    /// What to call: contigs, contig:start-end (1-based, inclusive) or BED files [default: the reference]
    #[arg(short, long, num_args = 1.., value_name = "REGION", help_heading = INPUT)]
    #[arg(short_alias = 'L', aliases = REGIONS_ALIASES)]
    regions: Vec<String>,
    /// Call only this chunk of the regions, a BED file from 'varpix regions'
    #[arg(long, value_name = "BED", help_heading = INPUT)]
    #[arg(conflicts_with_all = ["genotype_sites", "realigned_bam"])]
    chunk: Option<PathBuf>,
    /// Genotype the alleles of this VCF and call nothing else
    #[arg(long, alias = "alleles", value_name = "VCF", help_heading = INPUT, conflicts_with = "output_gvcf")]
    genotype_sites: Option<PathBuf>,
    #[command(flatten)]
    filters: FilterArgs,
    /// Calls: NAME.vcf.gz (with .tbi), NAME.bcf (with .csi), NAME.vcf, or - for stdout
    #[arg(short, long, aliases = ["output", "vcf", "vcf-out", "output-file"], value_name = "VCF")]
    output_vcf: PathBuf,
    /// gVCF: calls and reference blocks
    #[arg(long, alias = "gvcf", value_name = "VCF")]
    output_gvcf: Option<PathBuf>,
    #[arg(long, help = "Symbolic allele for unobserved alleles in the gVCF; GATK needs <NON_REF>")]
    #[arg(default_value = DEFAULT_UNSEEN, value_name = "ALLELE", value_parser = unseen_allele)]
    gvcf_ref_allele: String,
    /// Width of the GQ bins of reference blocks, 1 to 50
    #[arg(long, default_value_t = DEFAULT_QUALITY_BIN, value_name = "N", value_parser = common::whole::<i32>(1..=50))]
    gvcf_gq_bin: i32,
    /// Sample name in the VCF [default: SM of the read groups]
    #[arg(long, alias = "sample", value_name = "NAME")]
    sample_name: Option<String>,
    #[arg(long, help = "Also write candidates called hom-ref (FILTER RefCall)")]
    emit_ref_calls: bool,
    /// Write only calls with FILTER PASS
    #[arg(long)]
    only_pass: bool,
    /// Write only calls with at least this QUAL
    #[arg(long, alias = "min-quality", default_value_t = 0.0, value_name = "PHRED", value_parser = common::number(0.0..=1e6))]
    min_qual: f64,
    /// Comma-separated INFO fields to write: DP, AC, AN, AF
    #[arg(long, value_delimiter = ',', value_name = "FIELD")]
    info: Vec<InfoField>,
    #[arg(long, help = "Also write which model called a site (FORMAT MID: small_model or deepvariant)")]
    model_id: bool,
    /// Path or URL for ##reference in the VCF header [default: file name of --ref]
    #[arg(long, value_name = "TEXT", value_parser = header_text)]
    header_reference: Option<String>,
    /// Write the command line to the VCF header
    #[arg(long)]
    header_command: bool,
    /// Write the realigned reads of the called regions to this BAM
    #[arg(long, value_name = "BAM")]
    realigned_bam: Option<PathBuf>,
    #[command(flatten)]
    phasing: PhasingArgs,
    #[command(flatten)]
    reports: ReportArgs,
    /// Name of the sample in --summary, --multiqc and --report, and of MultiQC's files [default: that in the VCF]
    #[arg(long, value_name = "NAME", help_heading = REPORTS)]
    report_sample_name: Option<String>,
    #[command(flatten)]
    ploidy: PloidyArgs,
    /// GT on haploid contigs: haploid (1) or diploid (1/1) [default: haploid in the VCF, diploid in the gVCF]
    #[arg(long, value_name = "STYLE", value_parser = ["haploid", "diploid"], help_heading = PLOIDY)]
    haploid_gt: Option<String>,
    /// Name or folder of the model
    #[arg(long, aliases = ["customized-model", "model-path"], default_value = DEFAULT_MODEL, value_name = "NAME|DIR", help_heading = MODEL)]
    model: PathBuf,
    /// Device of the network: auto, cpu, cuda or cuda:N
    #[arg(long, default_value = "auto", value_name = "DEVICE", help_heading = MODEL)]
    device: String,
    /// Precision of the network: f32, bf16, or auto (bf16 on CPUs that are faster in it, else f32)
    #[arg(long, default_value = "auto", value_name = "PRECISION", help_heading = MODEL)]
    precision: String,
    /// Disable the small model; classify every candidate with the CNN
    #[arg(long, aliases = ["no-fast-tier", "disable-small-model"], help_heading = MODEL)]
    no_small_model: bool,
    /// Do not realign reads, even if the model was trained with realigned reads
    #[arg(long, help_heading = MODEL)]
    no_realign: bool,
    /// Number of threads [default: all cores]
    #[arg(short, long, short_alias = '@', aliases = ["num-shards", "cpus", "num-threads", "nthreads"])]
    #[arg(value_name = "N", value_parser = common::whole::<u16>(1..=1024), help_heading = PERFORMANCE)]
    threads: Option<u16>,
    /// Keep what is finished beside the output, and go on from what an interrupted run of the same command kept
    #[arg(long, conflicts_with_all = ["realigned_bam", "haplotagged_bam"], help_heading = OUTPUT)]
    resume: bool,
    /// Seconds between two states that a run can be resumed from
    #[arg(long, default_value_t = DEFAULT_INTERVAL.as_secs_f64(), value_name = "SECONDS", hide = true, requires = "resume")]
    #[arg(value_parser = common::number(0.0..=1e6))]
    resume_interval: f64,
    /// Check inputs, model and outputs without calling
    #[arg(long, help_heading = GENERAL)]
    dry_run: bool,
    #[command(flatten)]
    wrapper: WrapperArgs,
}

pub(super) fn run(args: CallArgs, started: Started) -> Result<()> {
    let extra = args.wrapper.check()?;
    let args = &args.with(&extra);
    let device = backend::device(&args.device, &args.precision)?;
    let mut model = args.model(&extra)?;
    let small_model = args.small_model(&mut model)?;
    let reports = args.reports.resolved(args.wrapper.pages(&args.output_vcf)?);
    let files = args.files(&model, &reports);
    files.check()?;
    reports.check()?;
    let threads = args.threads.map_or_else(common::available_threads, usize::from);
    let split = ThreadSplit::of(threads, device.on_cpu(), small_model.is_some());
    let classifier = device.load(&model, split.network)?;
    let inputs = match args.genotype_sites {
        // The sites say what is called.
        Some(_) => args.input.open_all(&args.regions)?,
        None => args.input.open(&args.regions)?,
    };
    let contigs = inputs.reference().contigs();
    let chunk = args.chunk.as_ref().map(|bed| Targets::from_bed(bed, contigs)).transpose()?;
    let ploidy = args.ploidy.ploidy(contigs)?;
    let sample = sample_name(inputs.reads(), args.sample_name.as_deref())?;
    let opened = Opened {
        model: &model,
        small_model: small_model.as_ref(),
        classifier: classifier.as_ref(),
        inputs: &inputs,
        chunk: chunk.as_ref(),
        ploidy: &ploidy,
        sample: &sample,
    };
    let resume = args.resume(opened, reports.is_wanted())?;
    let leftovers = (resume.is_none() && !args.dry_run).then(|| Leftovers::of(&args.resumable()));
    args.remove_abandoned(&files);
    let sites = args.sites(&inputs)?;
    let regions = args.work(&model, &inputs, chunk.as_ref(), sites.as_deref())?;
    let mut written = args.written(&model, (&inputs, &regions), &sample, chunk.as_ref(), resume.as_ref())?;
    log_setup(&model, &inputs, split, classifier.as_ref());
    if let Some(resume) = &resume {
        resume.log(&regions, contigs);
    }
    let decider = Decider::surveyed(small_model, classifier.as_ref(), &inputs, model.config.evidence)?;
    log_profile(&decider, &model.config, &inputs);
    if args.dry_run {
        log::info!("dry run: {} would be called, output {}", sample, args.output_vcf.display());
        return Ok(());
    }
    let bases = chunk.as_ref().unwrap_or(inputs.targets()).bases();
    log_start(&sample, &model, bases, regions.len(), (split, &classifier.device()));
    let run = RunInputs { sites: sites.as_ref(), ..RunInputs::new(&inputs, &decider, &regions, &model.config) };
    let sketches = Sketches::default();
    let options = RunOptions {
        workers: split.workers,
        filter: args.filter(sites.is_some()),
        within: chunk.as_ref(),
        ploidy: &ploidy,
        quality_bin: args.gvcf_gq_bin,
        detailed: reports.is_wanted(),
        sketches: reports.has_page().then_some(&sketches),
        phase: args.phasing.options(),
        from: resume.as_ref().and_then(Resume::from),
        // Signals end the process: see `signals`.
        ..RunOptions::default()
    };
    let device = classifier.device();
    let progress = Progress::new(&inputs, &regions, options.from.map_or(0, |from| from.region));
    let stats = args.called(run, classifier, &mut written, (options, &progress), resume.as_ref())?;
    args.report(&stats, &model);
    let mut described = Vec::new();
    if reports.is_wanted() {
        let run = CallRun {
            started,
            sample: args.report_sample_name.as_deref().unwrap_or(&sample),
            model: &model,
            inputs: &inputs,
            decider: &decider,
            regions: &regions,
            given: Given {
                regions: args.regions.clone(),
                chunk: args.chunk.clone().zip(chunk.clone()),
                sites: args.genotype_sites.clone(),
            },
            options: args.options(&model, decider.small_model.is_some()),
            split,
            device: &device,
            stats: &stats,
            sketches: &sketches,
            outputs: args.outputs(),
        };
        let summary = run.summary()?;
        let pictures = if reports.has_page() { run.pictures(&summary, sites)? } else { Vec::new() };
        described = reports.written(&summary, pictures)?;
    }
    let paths = written.finish(described)?;
    resume.map_or(Ok(()), Resume::done)?;
    leftovers.into_iter().for_each(Leftovers::remove);
    log::info!("written: {}", if paths.is_empty() { "standard output".into() } else { paths.join(", ") });
    Ok(())
}

/// Output files that have not their final names yet.
struct Written {
    /// Not there where nothing can be written without leaving a trace: a dry run to standard output.
    calls: Option<VcfWriter>,
    gvcf: Option<GvcfWriter>,
    realigned: Option<RealignedBam>,
    haplotagged: Option<HaplotaggedReads>,
}

impl Written {
    /// Gives all files their final names once the last is whole; returns these.
    fn finish(self, reports: Vec<Whole>) -> Result<Vec<String>> {
        let files = [
            self.realigned.map(RealignedBam::finish).transpose()?,
            self.haplotagged.map(HaplotaggedReads::finish).transpose()?,
            self.gvcf.map(GvcfWriter::finish).transpose()?.flatten(),
            self.calls.map(VcfWriter::finish).transpose()?.flatten(),
        ];
        let placed = files::place_last(reports.into_iter().chain(files.into_iter().flatten()).collect())?;
        Ok(placed.iter().map(|path| path.display().to_string()).collect())
    }
}

/// A symbolic allele: a name in angle brackets.
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
    /// With the options that flags for DeepVariant's stages stand for; they win over those of the command, as they do there.
    fn with(mut self, extra: &ExtraArgs) -> Self {
        for given in &extra.given {
            match given.clone() {
                Extra::SampleName(name) => self.sample_name = Some(name),
                Extra::OnlyPass(on) => self.only_pass = on,
                Extra::Device(name) => name.clone_into(&mut self.device),
                Extra::GvcfGqBin(width) => self.gvcf_gq_bin = width,
                Extra::NoSmallModel(on) => self.no_small_model = on,
                Extra::HaploidContigs(names) => self.ploidy.haploid_contigs = names,
                Extra::ParRegions(bed) => self.ploidy.par_regions = Some(bed),
                Extra::SmallModel(_) | Extra::SmallModelSnpLimit(_) | Extra::SmallModelIndelLimit(_) => (),
            }
        }
        self.wrapper.take(extra);
        extra.log();
        self
    }

    /// The VCF, and the gVCF if one is wanted.
    fn resumable(&self) -> Vec<&Path> {
        std::iter::once(self.output_vcf.as_path()).chain(self.output_gvcf.as_deref()).collect()
    }

    /// Removes what killed runs left beside the outputs.
    fn remove_abandoned(&self, files: &Files) {
        let removed = if self.dry_run { Vec::new() } else { files::remove_abandoned(files.outputs()) };
        for path in removed {
            log::info!("{}: of a run that was killed; removed", path.display());
        }
    }

    /// What an earlier run kept, where this one is to go on from it.
    fn resume(&self, opened: Opened, reports: bool) -> Result<Option<Resume>> {
        if !self.resume {
            return Ok(None);
        }
        let wanted = Wanted { is_dry: self.dry_run, reports };
        Resume::open(&self.resumable(), &Identity::of(self, opened)?, wanted).map(Some)
    }

    /// Runs all stages.
    fn called(
        &self,
        run: RunInputs,
        classifier: Box<dyn Classifier>,
        written: &mut Written,
        (options, progress): (RunOptions, &Progress),
        resume: Option<&Resume>,
    ) -> Result<RunStats> {
        let Some(calls) = &mut written.calls else { return Err(Error::Internal("no file for the calls".into())) };
        let every = Duration::from_secs_f64(self.resume_interval);
        let mut checkpoints = resume.map(|resume| resume.begin(every)).transpose()?;
        let stats = pipeline::run(
            run,
            classifier,
            Outputs {
                calls,
                gvcf: written.gvcf.as_mut(),
                realigned: written.realigned.as_mut(),
                haplotagged: written.haplotagged.as_mut(),
                checkpoints: checkpoints.as_mut(),
            },
            RunOptions {
                progress: &|region| progress.written(region),
                gathered: &|region| progress.gathered(region),
                ..options
            },
        );
        progress.finish();
        stats
    }

    /// The model, with the options that override its settings.
    fn model(&self, extra: &ExtraArgs) -> Result<Model> {
        let of_type = self.wrapper.model()?.filter(|_| self.model == Path::new(DEFAULT_MODEL));
        let mut model = Model::find(of_type.map_or(&self.model, Path::new))?;
        self.wrapper.give_settings(&mut model)?;
        extra.apply(&mut model)?;
        let mut model = self.filters.apply(model);
        if self.no_realign && model.config.evidence.realign.take().is_some() {
            log::warn!("--no-realign: overrides model {}, which was trained with realigned reads", model.config.name);
        }
        Ok(model)
    }

    /// The small model, if one is to be used; the model's evidence is gathered for it then.
    fn small_model(&self, model: &mut Model) -> Result<Option<AnySmallModel>> {
        if self.no_small_model {
            return Ok(None);
        }
        let given = self.wrapper.small_model(&mut model.config)?;
        let small_model = match given {
            Some(given) => Some(AnySmallModel::Imported(given)),
            None => AnySmallModel::of(model)?,
        };
        self.wrapper.check_several_alleles(small_model.as_ref())?;
        Ok(small_model)
    }

    /// Opens the outputs.
    fn written(
        &self,
        model: &Model,
        (inputs, regions): (&Inputs, &Regions),
        sample: &str,
        chunk: Option<&Targets>,
        resume: Option<&Resume>,
    ) -> Result<Written> {
        let storage = |number| resume.filter(|_| !self.dry_run).map_or(Storage::Temporary, |of| of.storage(number));
        let contigs = inputs.reference().contigs();
        let header = self.header(sample, model, inputs)?;
        let spelling = self.haploid_gt.as_deref();
        let info = self.info.iter().copied().collect();
        let style = CallStyle {
            haploid_as_diploid: spelling == Some("diploid"),
            info,
            model_id: self.model_id,
            phased: self.phasing.is_wanted(),
            ..CallStyle::default()
        };
        // GLnexus rejects or drops haploid likelihoods.
        let gvcf_style = CallStyle { haploid_as_diploid: spelling != Some("haploid"), ..style };
        let realigned = self.realigned_bam(model, inputs)?;
        let haplotagged = self.phasing.haplotagged(model, inputs, regions, chunk)?;
        // A dry run creates and drops temporary files; writes to standard output cannot be undone.
        let is_made = |path: &Path| !(self.dry_run && path == Path::new("-"));
        let calls = is_made(&self.output_vcf)
            .then(|| {
                let destination = Destination { path: &self.output_vcf, storage: storage(0) };
                VcfWriter::create(destination, contigs, &header, style)
            })
            .transpose()?;
        let gvcf = self.output_gvcf.as_ref().filter(|path| is_made(path)).map(|path| {
            let reference = inputs.reference().open()?;
            let destination = Destination { path, storage: storage(1) };
            GvcfWriter::create(destination, reference, &header, gvcf_style, &self.gvcf_ref_allele, self.gvcf_gq_bin)
        });
        let gvcf = gvcf.transpose()?.map(|gvcf| gvcf.within(chunk));
        Ok(Written { calls, gvcf, realigned, haplotagged })
    }

    /// The regions to work on.
    fn work(&self, model: &Model, inputs: &Inputs, chunk: Option<&Targets>, sites: Option<&Sites>) -> Result<Regions> {
        let (contigs, size) = (inputs.reference().contigs(), model.config.evidence.region_size);
        match (sites, &self.chunk, chunk) {
            // Whole regions, so that a site has the same evidence as when all is called.
            (Some(sites), _, _) => Ok(sites.targets().whole_regions(size, contigs)),
            (None, Some(bed), Some(chunk)) => {
                let all = inputs.targets().regions(size);
                self.phasing.check_chunk(bed, chunk, &all, contigs)?;
                Targets::context(chunk, &all).map_err(|(contig, at)| {
                    let place = format!("{}:{}-{}", contigs.get(contig).name, at.start() + 1, at.end());
                    Error::input(bed, format!("does not match these --regions and this model (at {place}); create it with 'varpix regions' and the same --regions and --model"))
                })
            }
            _ => Ok(inputs.targets().regions(size)),
        }
    }

    /// Which calls are written.
    fn filter(&self, sites_given: bool) -> CallFilter {
        CallFilter {
            reference_calls: self.emit_ref_calls || sites_given,
            only_pass: self.only_pass,
            min_quality: self.min_qual,
        }
    }

    /// Logs what the run did.
    fn report(&self, stats: &RunStats, model: &Model) {
        stats.to_string().lines().for_each(|line| log::info!("{line}"));
        let sampled_out = stats.reads.sampled_out;
        if let Some(bam) = self.realigned_bam.as_ref().filter(|_| sampled_out > 0) {
            let most = model.config.evidence.max_reads;
            log::warn!("{}: lacks {sampled_out} reads of regions with more than {most} reads", bam.display());
        }
        for warning in warnings(&stats.reads).into_iter().chain(beyond(stats.by_likelihoods, stats.candidates)) {
            log::warn!("{warning}");
        }
    }

    /// The sites to genotype, if any, that begin in the targets.
    fn sites(&self, inputs: &Inputs) -> Result<Option<Arc<Sites>>> {
        let Some(path) = &self.genotype_sites else { return Ok(None) };
        let records = SiteRecords::read(path, inputs.reference().contigs())?;
        Ok(Some(Arc::new(Sites::new(records, inputs.targets(), &mut inputs.reference().open()?)?)))
    }

    fn header(&self, sample: &str, model: &Model, inputs: &Inputs) -> Result<HeaderOptions> {
        Ok(HeaderOptions {
            sample: sample.to_owned(),
            model: model.config.name.clone(),
            model_checksum: model.checksum()?,
            reference: self.header_reference(inputs),
            command: self.header_command.then(common::command_line),
            gvcf: false,
            model_id: self.model_id,
            phased: self.phasing.is_wanted(),
        })
    }

    /// The value of `##reference`.
    fn header_reference(&self, inputs: &Inputs) -> String {
        let file_name = || inputs.reference().path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.header_reference.clone().unwrap_or_else(file_name)
    }

    fn files(&self, model: &Model, reports: &Reports) -> Files {
        let mut files = self.input.files();
        file_args::perhaps(&mut files, "--regions", self.regions.iter().map(OsStr::new));
        self.ploidy.files(&mut files);
        self.chunk.iter().for_each(|bed| files.input("--chunk", bed));
        self.genotype_sites.iter().for_each(|vcf| file_args::variants(&mut files, "--genotype-sites", vcf));
        file_args::model(&mut files, "--model", &model.folder);
        self.wrapper.model_json().into_iter().for_each(|json| files.input("--customized-model-json", json));
        files.output("--output-vcf", &self.output_vcf);
        self.output_gvcf.iter().for_each(|vcf| files.output("--output-gvcf", vcf));
        self.realigned_bam.iter().for_each(|bam| files.output("--realigned-bam", bam));
        self.phasing.files(&mut files);
        if self.resume {
            files.output("the journal of --resume", &journal_of(&self.output_vcf));
            self.resumable().into_iter().for_each(|path| files.output("the part of --resume", &part_of(path)));
        }
        reports.files(&mut files);
        files
    }

    /// Options that change the calls, with what the model says where they are not given.
    fn options(&self, model: &Model, small_model: bool) -> Options {
        let evidence = &model.config.evidence;
        let filter = evidence.read_filter;
        Options {
            small_model,
            realign: evidence.realign.is_some(),
            min_mapping_quality: filter.min_mapping_quality,
            keep_duplicates: filter.keep_duplicates,
            keep_secondary: filter.keep_secondary,
            keep_supplementary: filter.keep_supplementary,
            keep_mates_on_other_contigs: filter.keep_mates_on_other_contigs,
            haploid_contigs: self.ploidy.haploid_contigs.clone(),
            par_regions: self.ploidy.par_regions.as_ref().map(|given| given.to_string_lossy().into_owned()),
            emit_ref_calls: self.emit_ref_calls,
            only_pass: self.only_pass,
            min_qual: self.min_qual,
            gvcf: self.output_gvcf.is_some(),
        }
    }

    /// The files of calls and reads that are written.
    fn outputs(&self) -> Vec<PathBuf> {
        let more = [&self.output_gvcf, &self.realigned_bam];
        std::iter::once(&self.output_vcf)
            .chain(more.into_iter().flatten())
            .chain(self.phasing.output())
            .cloned()
            .collect()
    }

    fn realigned_bam(&self, model: &Model, inputs: &Inputs) -> Result<Option<RealignedBam>> {
        let Some(path) = &self.realigned_bam else { return Ok(None) };
        if model.config.evidence.realign.is_none() {
            log::warn!(
                "--realigned-bam: model {} does not realign reads; they are written unchanged",
                model.config.name
            );
        }
        let [reads] = inputs.reads() else {
            return Err(Error::Usage(
                "--realigned-bam: supports a single --reads file; merge the files with samtools merge".into(),
            ));
        };
        RealignedBam::create(path, reads, inputs.reference().contigs()).map(Some)
    }
}
