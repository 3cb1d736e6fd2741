//! `varpix show`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use image::RgbImage;

use super::classification::Classification;
use super::common::{self, INPUT, InputArgs, MODEL, OUTPUT, REGIONS_ALIASES};
use super::file_args;
use super::stdout;
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::{EvidenceOptions, Gatherer};
use crate::files::{self, Files};
use crate::model::Model;
use crate::model::store::DEFAULT_MODEL;
use crate::pileup::{AltSet, Channel, ImageSpec, alt_sets, png};
use crate::predict::Prediction;
use crate::reads::BamSource;

/// Padding of the regions in bp: the anchor base of an indel precedes the event that users see.
const MARGIN: u64 = 5;

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Draw the candidates in these regions or up to 5 bp beside them: contig:position, contig:start-end (1-based, inclusive) or BED files
    #[arg(short, long, required = true, num_args = 1.., value_name = "REGION", help_heading = INPUT)]
    #[arg(short_alias = 'L', alias = "regions", aliases = &REGIONS_ALIASES[1..])]
    region: Vec<String>,
    /// Output folder for the images, created if missing
    #[arg(short, long, aliases = ["out-dir", "output"], value_name = "DIR", help_heading = OUTPUT)]
    out: PathBuf,
    /// Print the probabilities of each image (hom-ref, het, hom-alt) and the model that gave them
    #[arg(long, help_heading = MODEL)]
    classify: bool,
    /// Name or folder of the model whose images are drawn [default: the settings of a WGS model; with --classify: wgs]
    #[arg(long, value_name = "NAME|DIR", help_heading = MODEL)]
    model: Option<PathBuf>,
    /// Write one picture for each candidate, with the images of all its alleles, instead of one for each image
    #[arg(long, help_heading = OUTPUT)]
    sheet: bool,
    /// Sort reads by haplotype and mark the haplotypes by colour. Haplotypes come from a model for long reads, or else from HP tags
    #[arg(long, help_heading = OUTPUT)]
    by_haplotype: bool,
    /// Maximum number of images
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = common::whole::<usize>(1..=1_000_000), help_heading = OUTPUT)]
    max: usize,
}

pub(super) fn run(args: &ShowArgs) -> Result<()> {
    let name = args.model.as_deref().or(args.classify.then_some(Path::new(DEFAULT_MODEL)));
    let model = name.map(Model::find).transpose()?;
    let (spec, evidence) = model.as_ref().map_or_else(
        || (ImageSpec::default(), EvidenceOptions::default()),
        |model| (model.config.image.clone(), model.config.evidence),
    );
    args.files(model.as_ref()).check()?;
    let inputs = args.input.open(&args.region)?;
    let targets = inputs.targets().padded(MARGIN, inputs.reference().contigs());
    std::fs::create_dir_all(&args.out).map_err(|e| Error::output(&args.out, format!("cannot be created: {e}")))?;
    let mut classification = match &model {
        Some(model) if args.classify => Some(Classification::load(model, &inputs)?),
        _ => None,
    };
    let source = BamSource::open(inputs.reads(), inputs.reference().contigs(), evidence.reads())?;
    let mut gatherer = Gatherer::new(Box::new(source), inputs.reference().open()?, evidence, spec.clone());
    let (mut drawn, mut left, mut any_haplotype) = (0, 0, false);
    let drawn_spec = ImageSpec { sort_by_haplotype: args.by_haplotype || spec.sort_by_haplotype, ..spec.clone() };
    for region in &targets.whole_regions(evidence.region_size, inputs.reference().contigs()) {
        let found = gatherer.gather(region)?;
        let contig = &inputs.reference().contigs().get(region.contig).name;
        for candidate in found.candidates.iter().filter(|c| targets.contains(c.contig, c.position)) {
            let mut predictions = None;
            let mut pictures: Vec<(AltSet, RgbImage)> = Vec::new();
            for set in alt_sets(candidate.alts.len()) {
                if drawn == args.max {
                    left += 1;
                    continue;
                }
                let image = found.render(&drawn_spec, candidate, set);
                let haplotypes = if args.by_haplotype {
                    let of = haplotype_image(&drawn_spec, candidate);
                    png::haplotypes(&of, &found.render(&of, candidate, set))
                } else {
                    png::haplotypes(&spec, &image)
                };
                any_haplotype |= haplotypes.iter().any(|&haplotype| haplotype > 0);
                let title = png::title(contig, candidate, set);
                pictures.push((set, png::picture(&spec, &image, &title, candidate.position, &haplotypes)));
                drawn += 1;
            }
            let of = |set| args.out.join(file_name(contig, candidate, set));
            let sheet = (args.sheet && !pictures.is_empty()).then(|| of(None));
            if let Some(path) = &sheet {
                let pictures: Vec<RgbImage> = pictures.iter().map(|(_, picture)| picture.clone()).collect();
                files::write(path, &png::encoded(&png::sheet(&pictures))?)?;
            }
            for (set, picture) in pictures {
                let path = match &sheet {
                    Some(path) => path.clone(),
                    None => of(Some(set)),
                };
                if sheet.is_none() {
                    files::write(&path, &png::encoded(&picture)?)?;
                }
                let mut line = path.as_os_str().as_bytes().to_vec();
                if let Some(classification) = &mut classification {
                    let predictions = match &predictions {
                        Some(known) => known,
                        None => predictions.insert(classification.predict(candidate, &found)?),
                    };
                    line.extend(columns(predictions, set).bytes());
                }
                line.push(b'\n');
                // The images are written even if the reader of the list has gone.
                stdout::write(&line)?;
            }
        }
    }
    if drawn == 0 {
        log::warn!(
            "no candidate in these regions: fewer than 2 reads, or too small a share of them, differ from the reference"
        );
    }
    if args.by_haplotype && drawn > 0 && !any_haplotype {
        log::warn!(
            "--by-haplotype: no read there has a haplotype: the model phases no reads, and they have no HP tags"
        );
    }
    if left > 0 {
        log::warn!("{left} more images were not drawn; see --max");
    }
    Ok(())
}

impl ShowArgs {
    /// File names depend on the candidates, so every PNG in the folder counts as an output.
    fn files(&self, model: Option<&Model>) -> Files {
        let mut files = self.input.files();
        file_args::perhaps(&mut files, "--region", self.region.iter().map(OsStr::new));
        if let Some(model) = model {
            file_args::model(&mut files, "--model", &model.folder);
        }
        files.output("standard output", Path::new("-"));
        let entries = self.out.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
        for path in entries.filter(|path| path.extension().is_some_and(|extension| extension == "png")) {
            files.output("--out", &path);
        }
        files
    }
}

/// The columns of a picture's prediction: probabilities of hom-ref, het and hom-alt, and the model they are of.
fn columns(predictions: &[(AltSet, Prediction)], set: AltSet) -> String {
    let found = predictions.iter().find(|(of, _)| *of == set);
    found.map_or_else(String::new, |(_, Prediction { probabilities: p, predictor })| {
        format!("\t{:.5}\t{:.5}\t{:.5}\t{predictor}", p.hom_ref(), p.het(), p.hom_alt())
    })
}

/// An image of the same rows with haplotypes alone.
fn haplotype_image(spec: &ImageSpec, candidate: &Candidate) -> ImageSpec {
    ImageSpec { channels: vec![Channel::Haplotype], trim_reads: spec.trims(candidate), ..spec.clone() }
}

/// Contig, position and alleles, of an image or of all of a candidate's; long alleles are cut so that any file system takes the name.
fn file_name(contig: &str, candidate: &Candidate, set: Option<AltSet>) -> String {
    let cut = |text: String| if text.len() > 40 { format!("{}_{}bp", &text[..30], text.len()) } else { text };
    let safe: String =
        contig.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    let reference = cut(String::from_utf8_lossy(&candidate.reference).into_owned());
    let alts = match set {
        Some(set) => png::alleles(candidate, set),
        None => {
            (0..candidate.alts.len()).map(|alt| png::alleles(candidate, AltSet::One(alt))).collect::<Vec<_>>().join(",")
        }
    };
    let sets = match set {
        Some(AltSet::One(a)) => format!("_{a}"),
        Some(AltSet::Two(a, b)) => format!("_{a}-{b}"),
        None => String::new(),
    };
    format!("{safe}_{}_{reference}_{}{sets}.png", candidate.position + 1, cut(alts).replace(',', "-"))
}
