//! `varpix regions`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::common::{self, INPUT, InputArgs, MODEL, OUTPUT, REGIONS_ALIASES};
use super::file_args;
use super::stdout;
use crate::error::{Error, Result};
use crate::files::{self, Whole};
use crate::genome::{ContigId, Interval};
use crate::haplotypes::DEFAULT_CUT;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::model::store::DEFAULT_MODEL;
use crate::regions::{Chunk, Region, Targets};
use crate::vcf::reference_blocks::BLOCK_CUT;
use crate::workload::{ReadBytes, costs};

#[derive(Debug, Args)]
pub(super) struct RegionsArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Regions to split: contigs, contig:start-end (1-based, inclusive) or BED files [default: the reference, see --all-contigs]
    #[arg(short, long, num_args = 1.., value_name = "REGION", help_heading = INPUT)]
    #[arg(short_alias = 'L', aliases = REGIONS_ALIASES)]
    regions: Vec<String>,
    /// Number of chunks
    #[arg(short = 'n', long, value_name = "N", value_parser = common::whole::<u16>(1..=65_535), help_heading = OUTPUT)]
    chunks: u16,
    /// What chunks are made equal in
    #[arg(long, value_enum, default_value_t = By::Cost, value_name = "WHAT", help_heading = OUTPUT)]
    by: By,
    /// Cut only where 'call --phase' ends phase sets: at multiples of 10 Mb
    #[arg(long, help_heading = OUTPUT)]
    phase: bool,
    /// Phase sets end at multiples of this, in bp
    #[arg(long, default_value_t = DEFAULT_CUT, value_name = "BP", hide = true, requires = "phase")]
    #[arg(value_parser = common::whole::<u64>(10_000..=1_000_000_000), help_heading = OUTPUT)]
    phase_cut: u64,
    /// Model that will be used for calling
    #[arg(long, default_value = DEFAULT_MODEL, value_name = "NAME|DIR", help_heading = MODEL)]
    model: PathBuf,
    /// Write chunk-0001.bed and so on into this folder [default: one BED to stdout, its fourth column the chunk]
    #[arg(long, value_name = "DIR", help_heading = OUTPUT)]
    out_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Estimated CPU time of 'call', for which a small part of the reads is surveyed
    Cost,
    /// Bytes of reads by the index
    Bytes,
}

pub(super) fn run(args: &RegionsArgs) -> Result<()> {
    let model = Model::find(&args.model)?;
    let names: Vec<String> = (1..=args.chunks).map(|n| format!("chunk-{n:04}.bed")).collect();
    let mut files = args.input.files();
    file_args::perhaps(&mut files, "--regions", args.regions.iter().map(OsStr::new));
    file_args::model(&mut files, "--model", &model.folder);
    match &args.out_dir {
        Some(folder) => {
            for name in &names {
                files.output("--out-dir", &folder.join(name));
            }
        }
        None => files.output("standard output", Path::new("-")),
    }
    files.check()?;
    let inputs = args.input.open(&args.regions)?;
    let targets = inputs.targets();
    let grid = least_common_multiple(model.config.evidence.region_size, BLOCK_CUT);
    let cuts = if args.phase { least_common_multiple(grid, args.phase_cut) } else { grid };
    let weigh = |pieces: &[Region]| weights(args.by, &inputs, &model, grid, pieces);
    let chunks = targets.chunks(usize::from(args.chunks), cuts, weigh)?;
    let bed = |chunk: &Targets, name: &str| {
        let line = |(contig, interval): (ContigId, Interval)| {
            let contig = &inputs.reference().contigs().get(contig).name;
            format!("{contig}\t{}\t{}{name}\n", interval.start(), interval.end())
        };
        chunk.iter().map(line).collect::<String>()
    };
    let Some(folder) = &args.out_dir else {
        let line = |(i, chunk): (usize, &Chunk)| bed(&chunk.targets, &format!("\t{}", i + 1));
        let lines: String = chunks.iter().enumerate().map(line).collect();
        return stdout::write(lines.as_bytes()).map(drop);
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, format!("cannot be created: {e}")))?;
    no_other_chunks(folder, &names)?;
    let whole =
        |(name, chunk): (&String, &Chunk)| Whole::of_bytes(&folder.join(name), bed(&chunk.targets, "").as_bytes());
    files::place(names.iter().zip(&chunks).map(whole).collect::<Result<_>>()?)?;
    let total: f64 = chunks.iter().map(|chunk| chunk.weight).sum();
    let of = match args.by {
        By::Cost => "the estimated time",
        By::Bytes => "the reads' bytes",
    };
    for (name, chunk) in names.iter().zip(&chunks) {
        log::info!("{name}: {} bp, {:.1} % of {of}", chunk.targets.bases(), chunk.weight / total * 100.0);
    }
    Ok(())
}

/// The weight of each piece of the targets, which consists of pieces that are cut at multiples of `grid`.
fn weights(by: By, inputs: &Inputs, model: &Model, grid: u64, pieces: &[Region]) -> Result<Vec<f64>> {
    if by == By::Bytes {
        let bytes = ReadBytes::of(inputs);
        return Ok(pieces.iter().map(|piece| bytes.work(piece.contig, piece.interval)).collect());
    }
    let parts: Vec<Region> = inputs.targets().regions(grid).iter().collect();
    let costs = costs(inputs, model, &parts)?;
    log::info!("surveyed {} regions; {} stretch(es) that differ in cost", costs.draws, costs.stretches);
    let mut parts = parts.iter().zip(costs.pieces).peekable();
    let sum = |piece: &Region| {
        let inside = |part: &(&Region, f64)| part.0.contig == piece.contig && piece.interval.overlaps(part.0.interval);
        std::iter::from_fn(|| parts.next_if(inside)).map(|(_, cost)| cost).sum()
    };
    Ok(pieces.iter().map(sum).collect())
}

/// Rejects a folder with chunks of an earlier run that this run would not replace: a pipeline that calls every chunk in it would call
/// them too.
fn no_other_chunks(folder: &Path, names: &[String]) -> Result<()> {
    let entries = std::fs::read_dir(folder).map_err(|e| Error::output(folder, format!("cannot be read: {e}")))?;
    let is_chunk = |name: &String| {
        name.strip_prefix("chunk-").is_some_and(|rest| rest.strip_suffix(".bed").is_some()) && !names.contains(name)
    };
    let others = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(is_chunk);
    others.min().map_or(Ok(()), |other| {
        Err(Error::output(
            folder.join(other),
            "is a chunk of an earlier run and would not be replaced; remove it, or give an --out-dir without chunks",
        ))
    })
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a.max(1), b.max(1));
    while y != 0 {
        (x, y) = (y, x % y);
    }
    a.max(1) / x * b.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_suits_regions_and_blocks() {
        assert_eq!(least_common_multiple(1000, 10_000), 10_000);
        assert_eq!(least_common_multiple(25_000, 10_000), 50_000);
        assert_eq!(least_common_multiple(7, 10), 70);
    }
}
