//! `varpix explain`.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::classification::{self, Classification};
use super::common::{INPUT, InputArgs, MODEL, OUTPUT, REGIONS_ALIASES};
use super::ploidy_args::PloidyArgs;
use super::report_args::made;
use super::{file_args, stdout};
use crate::alleles::CountOptions;
use crate::error::{Error, Result};
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::explain::{Explanation, Narrator, Settings, explain};
use crate::files::{self, Files};
use crate::genome::ContigId;
use crate::inputs::Inputs;
use crate::model::{DEFAULT_MODEL, Model};
use crate::pileup::ImageSpec;
use crate::reads::BamSource;
use crate::regions::Targets;
use crate::report::story_page;
use crate::variant::known::Truth;

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    input: InputArgs,
    /// List these known variants that are not candidates for calling, with reasons: the variants of the first sample, or all if the VCF has no samples
    #[arg(long, aliases = ["vcf", "truth"], value_name = "VCF", help_heading = INPUT, required_unless_present = "regions")]
    variants: Option<PathBuf>,
    /// Places to explain: contig:position, contig:start-end (1-based, inclusive) or BED files. With --variants: only variants in these regions [default: all]
    #[arg(short, long, num_args = 1.., value_name = "REGION", help_heading = INPUT)]
    #[arg(short_alias = 'L', aliases = REGIONS_ALIASES)]
    regions: Vec<String>,
    /// Only variants in this BED file, such as the confident regions of a truth set
    #[arg(long, value_name = "BED", help_heading = INPUT, requires = "variants")]
    confident: Option<PathBuf>,
    /// Name or folder of the model whose calls are explained [default: wgs]. With --variants alone, only its settings for reads and candidates matter
    #[arg(long, value_name = "NAME|DIR", help_heading = MODEL)]
    model: Option<PathBuf>,
    /// List all variants and how they are called: copies of the allele (0 to 2), GQ, and the model that decided
    #[arg(long, help_heading = MODEL, requires = "variants")]
    classify: bool,
    #[command(flatten)]
    ploidy: PloidyArgs,
    /// Do not realign reads
    #[arg(long, help_heading = MODEL)]
    no_realign: bool,
    /// List all variants, also those that are candidates
    #[arg(long, help_heading = OUTPUT, requires = "variants")]
    all: bool,
    /// With --variants: explain step by step how each variant is called, instead of listing it in a table
    #[arg(long, help_heading = OUTPUT)]
    story: bool,
    /// Print JSON, one line for each place
    #[arg(long, help_heading = OUTPUT)]
    json: bool,
    /// Also write an HTML page for each place to this folder, created if missing: the explanation, the pileup images, and maps of what counted in those that the CNN classified
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    html: Option<PathBuf>,
}

/// How far from the places given candidates are explained too, in bp: the anchor base of an indel precedes the event that users see.
const MARGIN: u64 = 5;

/// Names of contigs in a warning.
const SHOWN_CONTIGS: usize = 3;

/// Alleles of one kind.
#[derive(Default)]
struct Tally {
    found: u64,
    all: u64,
}

pub(super) fn run(args: &ExplainArgs) -> Result<()> {
    let is_story = args.story || args.variants.is_none();
    if (args.json || args.html.is_some()) && !is_story {
        return Err(Error::Usage("--json, --html: give --story with --variants; the table has no other form".into()));
    }
    let name = args.model.as_deref().or((args.classify || is_story).then_some(Path::new(DEFAULT_MODEL)));
    let model = name.map(Model::find).transpose()?;
    let (spec, mut options) = model.as_ref().map_or_else(
        || (ImageSpec::default(), EvidenceOptions::default()),
        |model| (model.config.image.clone(), model.config.evidence),
    );
    if args.no_realign {
        options.realign = None;
    }
    args.files(model.as_ref()).check()?;
    let inputs = args.input.open(&args.regions)?;
    let targets = inputs.targets();
    let contigs = inputs.reference().contigs();
    let confident = args.confident.as_ref().map(|bed| Targets::from_bed(bed, contigs)).transpose()?;
    let Some(variants) = &args.variants else {
        return stories(args, model.as_ref(), options, &inputs, targets, MARGIN);
    };
    let known = known(variants, &inputs)?;
    let mut classification = match &model {
        Some(model) if args.classify => Some(Classification::load(model, &inputs)?.with(args.ploidy.ploidy(contigs)?)),
        _ => None,
    };
    let source = BamSource::open(inputs.reads(), contigs, options.reads())?;
    let count = CountOptions { min_base_quality: spec.min_base_quality, ..CountOptions::default() };
    let mut gatherer =
        Gatherer::new(Box::new(source), inputs.reference().open()?, options, spec).counting_empty_regions(true);
    let mut tallies = [Tally::default(), Tally::default()];
    let mut places: BTreeMap<ContigId, Vec<u64>> = BTreeMap::new();
    let called = if args.classify { "\tCOPIES\tGQ\tMODEL" } else { "" };
    if !is_story && !stdout::line(&format!("#CHROM\tPOS\tREF\tALT\tREADS\tDEPTH\tVERDICT\tCANDIDATES_NEAR{called}"))? {
        return Ok(());
    }
    for region in &targets.whole_regions(options.region_size, contigs) {
        let evidence = gatherer.gather(region)?;
        for found in explain(region, &evidence, &known, count, &options.candidates) {
            let allele = &found.allele;
            let unasked = !targets.contains(region.contig, allele.position);
            if unasked || confident.as_ref().is_some_and(|bed| !bed.contains(region.contig, allele.position)) {
                continue;
            }
            let is_indel = allele.reference.len() != allele.alternative.len();
            tallies[usize::from(is_indel)].count(&found);
            if !args.all && !args.classify && found.verdict.is_found() {
                continue;
            }
            if is_story {
                places.entry(region.contig).or_default().push(allele.position);
                continue;
            }
            let mut line = row(&contigs.get(region.contig).name, &found);
            if let Some(classification) = &mut classification {
                line += &called_columns(classification, &evidence, &found)?;
            }
            if !stdout::line(&line)? {
                return Ok(());
            }
        }
    }
    for (kind, tally) in ["SNPs", "indels"].into_iter().zip(tallies) {
        tally.report(kind);
    }
    if is_story {
        let targets = Targets::of_positions(places.into_iter());
        return stories(args, model.as_ref(), options, &inputs, &targets, 0);
    }
    Ok(())
}

/// Tells what a run does at each place.
fn stories(
    args: &ExplainArgs,
    model: Option<&Model>,
    evidence: EvidenceOptions,
    inputs: &Inputs,
    targets: &Targets,
    margin: u64,
) -> Result<()> {
    let model = model.ok_or_else(|| Error::Internal("explain has no model".into()))?;
    let settings = Settings {
        evidence,
        image: model.config.image.clone(),
        multi_allelic: model.config.multi_allelic,
        ploidy: args.ploidy.ploidy(inputs.reference().contigs())?,
    };
    if let Some(folder) = &args.html {
        made(folder)?;
    }
    let narrator = Narrator::new(inputs, settings, classification::models(model, inputs)?)?;
    narrator.drawing(args.html.is_some()).stories(targets, margin, &mut |story, drawings| {
        if let Some(folder) = &args.html {
            let name: String = story.chrom.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let path = folder.join(format!("{name}_{}.html", story.pos));
            files::write(&path, &story_page::page(story, drawings)?)?;
        }
        if args.json {
            let json = serde_json::to_string(story).map_err(|e| Error::Internal(format!("explain: {e}")))?;
            stdout::line(&json)
        } else {
            stdout::line(&story.to_string())
        }
    })
}

impl ExplainArgs {
    fn files(&self, model: Option<&Model>) -> Files {
        let mut files = self.input.files();
        file_args::perhaps(&mut files, "--regions", self.regions.iter().map(OsStr::new));
        self.variants.iter().for_each(|vcf| file_args::variants(&mut files, "--variants", vcf));
        self.confident.iter().for_each(|bed| files.input("--confident", bed));
        self.ploidy.files(&mut files);
        if let Some(model) = model {
            file_args::model(&mut files, "--model", &model.folder);
        }
        files.output("standard output", Path::new("-"));
        let pages = self.html.iter().flat_map(|folder| folder.read_dir().into_iter().flatten().flatten());
        // Names depend on the places; any page in the folder counts as an output.
        for path in pages.map(|page| page.path()).filter(|path| path.extension().is_some_and(|end| end == "html")) {
            files.output("--html", &path);
        }
        files
    }
}

impl Tally {
    fn count(&mut self, found: &Explanation) {
        self.all += 1;
        self.found += u64::from(found.verdict.is_found());
    }

    /// Logs the share of the alleles that are candidates.
    fn report(&self, kind: &str) {
        let Self { found, all } = self;
        #[allow(clippy::cast_precision_loss, reason = "a share of at most millions")]
        let share = if *all == 0 { 0.0 } else { *found as f64 / *all as f64 };
        log::info!("{kind}: {found} of {all} alleles are candidates ({share:.4})");
    }
}

/// The known variants, checked against the reference; those on contigs that it lacks are skipped with a warning.
fn known(path: &Path, inputs: &Inputs) -> Result<Truth> {
    let contigs = inputs.reference().contigs();
    let known = Truth::read_alleles(path, contigs)?;
    let (elsewhere, of) = known.elsewhere();
    if elsewhere > 0 {
        let some = of.iter().take(SHOWN_CONTIGS).copied().collect::<Vec<_>>().join(", ");
        let more = if of.len() > SHOWN_CONTIGS { ", ..." } else { "" };
        let said = format!("{elsewhere} variant(s) are on contigs that the reference lacks ({some}{more})");
        if known.is_empty() {
            return Err(Error::input(path, format!("{said}: {}", contigs.unknown(of[0]))));
        }
        log::warn!("{}: {said}; they are skipped", path.display());
    }
    known.matches(&mut inputs.reference().open()?, path)?;
    Ok(known)
}

/// The columns of an allele's call; `.` where it is no candidate.
fn called_columns(classification: &mut Classification, evidence: &Evidence, found: &Explanation) -> Result<String> {
    let Some((index, alt)) = found.candidate else { return Ok("\t.\t.\t.".into()) };
    let candidate = &evidence.candidates[index];
    let (call, predictor) = classification.call(candidate, evidence)?;
    // Alleles that are not kept have no copy; those that are kept may have lost a shared end.
    let bases = &candidate.alts[alt].bases;
    let shared = candidate.reference.len() - call.reference.len();
    let kept = call.alts.iter().position(|kept| *kept == bases[..bases.len().saturating_sub(shared)]);
    let genotype = call.genotype.map(|genotype| if call.haploid { genotype.haploid() } else { genotype });
    let copies = genotype.map_or(".".into(), |genotype| kept.map_or(0, |kept| genotype.copies(kept + 1)).to_string());
    let predictor = predictor.map_or(".".into(), |predictor| predictor.to_string());
    Ok(format!("\t{copies}\t{}\t{predictor}", call.genotype_quality))
}

/// A line of the table.
fn row(contig: &str, found: &Explanation) -> String {
    format!(
        "{contig}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
        found.allele.position + 1,
        String::from_utf8_lossy(&found.allele.reference),
        String::from_utf8_lossy(&found.allele.alternative),
        found.count,
        found.depth,
        found.verdict,
        if found.near.is_empty() { ".".into() } else { found.near.join("; ") },
    )
}
