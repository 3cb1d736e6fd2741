//! Statistics of a run -> the parts of a [`Summary`](super::Summary).

use std::path::Path;

use super::summary::{
    Calls, Candidates, ContigCalls, ContigCoverage, CoverageFigures, Histograms, IndexFile, InputFile, Inputs,
    LeastCertain, ListedCall, Named, PlaceTime, Program, Reads, ReadsInput, ReferenceInput, RegionsTime, Resumed,
    SlippageAt, StageTime, Survey,
};
use crate::error::{Error, Result};
use crate::genome::Contigs;
use crate::genotype::Filter;
use crate::inputs;
use crate::model::checksums;
use crate::pipeline::stats::{Details, RunStats};
use crate::reads::FilterReason;
use crate::regions::Regions;
use crate::sample::SampleProfile;
use crate::statistics::{
    ALLELE_FRACTION_BIN, CallClass, CallStats, Coverage, FractionClass, Histogram, QUALITY_BIN, UncertainCall,
    VariantType, Zygosity,
};

/// Depths of which a summary says how many positions reach them.
const DEPTHS: [(&str, usize); 8] =
    [("1", 1), ("5", 5), ("10", 10), ("15", 15), ("20", 20), ("30", 30), ("50", 50), ("100", 100)];
/// Units and copies at which a summary gives the slippage: about the shortest and the longest tracts of which reads tell much.
const TRACTS: [(usize, usize); 6] = [(1, 8), (1, 12), (1, 16), (2, 8), (3, 8), (4, 8)];

/// This program.
#[must_use]
pub fn program() -> Program {
    Program { name: "varpix", version: env!("CARGO_PKG_VERSION"), commit: option_env!("VARPIX_COMMIT") }
}

/// The files of a run.
///
/// # Errors
/// [`Error::Input`] where one cannot be read any more.
pub fn inputs(of: &inputs::Inputs) -> Result<Inputs> {
    let reference = of.reference();
    let contigs = reference.contigs();
    let fai = crate::files::input::with_suffix(reference.path(), ".fai");
    let reads = of.reads().iter().map(|file| {
        let format = if file.is_cram() { "CRAM" } else { "BAM" };
        Ok(ReadsInput { file: input_file(file.path())?, format, index: index_file(file.index())? })
    });
    Ok(Inputs {
        reference: Some(ReferenceInput {
            file: input_file(reference.path())?,
            contigs: contigs.len(),
            bases: contigs.iter().map(|(_, contig)| contig.length).sum(),
            index: index_file(&fai)?,
        }),
        reads: reads.collect::<Result<_>>()?,
        regions: None,
        vcf: None,
    })
}

/// A file with its size.
///
/// # Errors
/// [`Error::Input`] where it is not there any more.
pub fn input_file(path: &Path) -> Result<InputFile> {
    let found = path.metadata().map_err(|e| Error::input(path, format!("cannot be read: {e}")))?;
    Ok(InputFile { path: path.to_string_lossy().into_owned(), bytes: found.len() })
}

fn index_file(path: &Path) -> Result<IndexFile> {
    let InputFile { path: name, bytes } = input_file(path)?;
    Ok(IndexFile { path: name, bytes, sha256: checksums::of_file(path)? })
}

/// What a survey found; slippage where a model takes it.
#[must_use]
pub fn survey(sample: &SampleProfile, with_slippage: bool) -> Survey {
    let at = |(unit, copies): (usize, usize)| {
        let rates = sample.slippage.rates(unit, copies);
        SlippageAt { unit, copies, shorter: rounded(rates.fewer), longer: rounded(rates.more) }
    };
    Survey {
        median_depth: (sample.median_depth > 0.0).then_some(sample.median_depth),
        depth_cv: sample.depth_cv,
        artefact_rate: rounded(sample.artefact_rate),
        read_length: sample.read_length,
        spliced: rounded(sample.spliced),
        slippage: if with_slippage { TRACTS.map(at).to_vec() } else { Vec::new() },
    }
}

/// Records of a run.
#[must_use]
pub fn reads(stats: &RunStats) -> Reads {
    let reads = &stats.reads;
    let left_out = FilterReason::ALL.map(|reason| (key(reason), reads.left_out[reason as usize]));
    Reads {
        records: reads.records,
        left_out: Named(left_out.to_vec()),
        unusable: reads.unusable,
        sampled_out: reads.sampled_out,
        without_qualities: reads.without_qualities,
        realigned: stats.realigned,
    }
}

/// The name of a reason in a summary.
fn key(reason: FilterReason) -> &'static str {
    match reason {
        FilterReason::Unmapped => "unmapped",
        FilterReason::Duplicate => "duplicate",
        FilterReason::QualityFail => "failed_quality_checks",
        FilterReason::Secondary => "secondary",
        FilterReason::Supplementary => "supplementary",
        FilterReason::MateOnOtherContig => "mate_on_other_contig",
        FilterReason::LowMappingQuality => "low_mapping_quality",
    }
}

/// Candidates of a run.
#[must_use]
pub fn candidates(stats: &RunStats) -> Candidates {
    Candidates {
        all: stats.candidates,
        without_image: stats.decided,
        by_likelihoods: stats.by_likelihoods,
        images: stats.images,
    }
}

/// Depths of a run.
#[must_use]
pub fn coverage(of: &Coverage, contigs: &Contigs) -> CoverageFigures {
    let contig = |(id, positions, mean): (crate::genome::ContigId, u64, f64)| ContigCoverage {
        name: contigs.get(id).name.clone(),
        positions,
        mean: rounded(mean),
    };
    CoverageFigures {
        positions: of.positions(),
        mean: rounded(of.mean()),
        median: of.median(),
        share_from: Named(DEPTHS.map(|(name, depth)| (name, rounded(of.share_from(depth)))).to_vec()),
        histogram: of.histogram(),
        contigs: of.contigs().map(contig).collect(),
    }
}

/// What is counted of calls on these contigs.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "counts of calls")]
pub fn calls(stats: &CallStats, contigs: &[&str]) -> Calls {
    let name = |contig: usize| contigs.get(contig).copied().unwrap_or_default().to_owned();
    let ratio = |a: u64, b: u64| (b > 0).then(|| rounded(a as f64 / b as f64));
    let filters = [Filter::Pass, Filter::RefCall, Filter::NoCall].map(Filter::name);
    let variant_classes = [CallClass::Snp, CallClass::Indel];
    let genotypes = variant_classes.map(|class| {
        let of = &stats.genotypes[class as usize];
        (class.name(), Named(Zygosity::ALL.map(|zygosity| (zygosity.name(), of[zygosity as usize])).to_vec()))
    });
    let het_hom = variant_classes.map(|class| {
        let of = &stats.genotypes[class as usize];
        let het = of[Zygosity::Het as usize] + of[Zygosity::HetAlt as usize];
        (class.name(), ratio(het, of[Zygosity::HomAlt as usize]))
    });
    let bases = ['A', 'C', 'G', 'T'];
    let pairs = (0..4).flat_map(|from| (0..4).map(move |to| (from, to))).filter(|(from, to)| from != to);
    let substitutions =
        pairs.map(|(from, to)| (format!("{}>{}", bases[from], bases[to]), stats.substitutions[from][to]));
    let (transitions, transversions) = stats.transitions();
    let by_class = |of: &[Vec<u64>], width: f64| {
        let histogram =
            |class: CallClass| (class.name(), Histogram { bin_width: width, counts: of[class as usize].clone() });
        Named(CallClass::ALL.map(histogram).to_vec())
    };
    let fractions = FractionClass::ALL.map(|class| {
        let counts = stats.allele_fraction[class as usize].clone();
        (class.name(), Histogram { bin_width: ALLELE_FRACTION_BIN, counts })
    });
    let listed = |calls: &[UncertainCall]| calls.iter().map(|call| listed(call, name(call.contig))).collect();
    Calls {
        filters: Named(filters.into_iter().zip(stats.filters).collect()),
        written: stats.written,
        types: Named(VariantType::ALL.map(|kind| (kind.name(), stats.types[kind as usize])).to_vec()),
        multiallelic: stats.multiallelic,
        genotypes: Named(genotypes.to_vec()),
        het_hom_ratio: Named(het_hom.to_vec()),
        substitutions: substitutions.collect(),
        transitions,
        transversions,
        ti_tv: ratio(transitions, transversions),
        indel_lengths: stats.indel_lengths.iter().map(|(&length, &n)| (length, n)).collect(),
        histograms: Histograms {
            qual: by_class(&stats.quality, QUALITY_BIN),
            gq: by_class(&stats.genotype_quality, QUALITY_BIN),
            dp: Named(CallClass::ALL.map(|class| (class.name(), stats.depths(class))).to_vec()),
            vaf: Named(fractions.to_vec()),
        },
        contigs: stats
            .contigs
            .iter()
            .map(|(&contig, &variants)| ContigCalls { name: name(contig), variants })
            .collect(),
        least_certain: LeastCertain {
            variants: listed(stats.variants.calls()),
            reference_calls: listed(stats.reference_calls.calls()),
        },
    }
}

fn listed(call: &UncertainCall, chrom: String) -> ListedCall {
    ListedCall {
        chrom,
        pos: call.position + 1,
        reference: call.alleles.reference.clone(),
        alt: call.alleles.alternatives.clone(),
        gt: call.alleles.genotype.clone(),
        gq: call.genotype_quality,
        qual: call.quality,
        dp: call.depth,
        ad: call.allele_depths.clone(),
        filter: call.filter.name(),
    }
}

/// What a run that was resumed found.
#[must_use]
pub fn resumed(stats: &RunStats) -> Resumed {
    let earlier = stats.earlier;
    Resumed {
        times: earlier.runs,
        regions_done: earlier.regions,
        regions: stats.regions,
        calling_before_s: rounded(earlier.wall.as_secs_f64()),
    }
}

/// Time of each stage.
#[must_use]
pub fn stages(stats: &RunStats) -> Vec<StageTime> {
    stats.times.stages().map(|(name, time)| StageTime { name, seconds: rounded(time.as_secs_f64()) }).collect()
}

/// Time of the regions.
#[must_use]
pub fn regions(details: &Details, regions: &Regions, contigs: &Contigs) -> RegionsTime {
    let at = |number: usize, time: std::time::Duration| {
        let region = regions.get(number)?;
        let (start, end) = (region.interval.start() + 1, region.interval.end());
        let region = format!("{}:{start}-{end}", contigs.get(region.contig).name);
        Some(PlaceTime { region, seconds: rounded(time.as_secs_f64()) })
    };
    RegionsTime {
        parts: details.regions.parts().filter_map(|(first, time)| at(first, time)).collect(),
        slowest: details.regions.slowest().filter_map(|(time, number)| at(number, time)).collect(),
    }
}

/// To four decimals.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}
