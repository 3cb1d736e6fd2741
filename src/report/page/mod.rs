//! A [`Summary`] and pictures of its least certain calls -> one page of HTML that needs nothing else: no script, no network.

pub mod charts;

use std::collections::BTreeMap;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::charts::{Chart, Plot, number};
use super::Summary;
use super::summary::{Histograms, ListedCall, Named};
use crate::error::{Error, Result};
use crate::statistics::Histogram;

/// Most bytes of all pictures, so that a page stays under 2 MB; of more, the most certain calls have none.
const MOST_PICTURES: usize = 1 << 20;
/// Lengths of indels that have a bar of their own, in bp; longer ones share the last.
const LONGEST_SHOWN: i64 = 20;
/// Points of a line, at most; of more, neighbouring bins are joined.
const MOST_POINTS: usize = 60;
/// Contigs that are listed.
const MOST_CONTIGS: usize = 60;

/// A picture of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// CHROM and POS (1-based) of the call.
    pub place: (String, u64),
    /// The PNG file's content.
    pub png: Vec<u8>,
    /// What it shows, as text.
    pub about: String,
    /// What the models say of the call, in a sentence; empty where that is not known.
    pub models: String,
}

/// A chart on the page.
struct Figure {
    title: String,
    svg: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A part of the page with its charts.
struct Section {
    id: &'static str,
    title: &'static str,
    note: String,
    figures: Vec<Figure>,
    /// A table of two columns beside the charts.
    facts: Vec<(String, String)>,
}

/// A call in the tables of uncertain ones.
struct Row {
    place: String,
    alleles: String,
    gt: String,
    gq: i32,
    qual: f64,
    dp: u32,
    ad: String,
    picture: Option<RowPicture>,
}

struct RowPicture {
    data: String,
    about: String,
    models: String,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    subtitle: String,
    warnings: &'a [String],
    cards: Vec<(&'static str, String)>,
    sections: Vec<Section>,
    contigs: Vec<[String; 4]>,
    left_contigs: usize,
    uncertain: [(&'static str, Vec<Row>); 2],
    slowest: Vec<(String, String)>,
    inputs: Vec<(&'static str, String)>,
    version: &'a str,
}

/// The page's content. Without a title it has the sample's name.
///
/// # Errors
/// [`Error::Internal`] where a chart cannot be drawn.
pub fn page(summary: &Summary, title: Option<&str>, pictures: Vec<Picture>) -> Result<Vec<u8>> {
    let of_sample = format!("varpix: {}", summary.sample);
    let mut pictures = affordable(pictures);
    let calls = &summary.calls.least_certain;
    let mut rows = |calls: &[ListedCall]| calls.iter().map(|call| row(call, &mut pictures)).collect();
    let uncertain = [("Variants", rows(&calls.variants)), ("Candidates called hom-ref", rows(&calls.reference_calls))];
    let (contigs, left_contigs) = contigs(summary);
    let page = Page {
        title: title.unwrap_or(&of_sample),
        subtitle: subtitle(summary),
        warnings: &summary.warnings,
        cards: cards(summary),
        sections: sections(summary)?,
        contigs,
        left_contigs,
        uncertain,
        slowest: summary.run.as_ref().map_or_else(Vec::new, |run| {
            run.regions.slowest.iter().map(|at| (at.region.clone(), seconds(at.seconds))).collect()
        }),
        inputs: inputs(summary),
        version: summary.program.version,
    };
    page.render().map(String::into_bytes).map_err(|e| Error::Internal(format!("report: {e}")))
}

/// The pictures that the page has room for, by place.
fn affordable(pictures: Vec<Picture>) -> BTreeMap<(String, u64), Picture> {
    let mut bytes = 0;
    let mut kept = BTreeMap::new();
    for picture in pictures {
        bytes += picture.png.len();
        if bytes > MOST_PICTURES {
            break;
        }
        kept.entry(picture.place.clone()).or_insert(picture);
    }
    kept
}

fn row(call: &ListedCall, pictures: &mut BTreeMap<(String, u64), Picture>) -> Row {
    let short = |bases: &str| {
        if bases.len() > 24 { format!("{}… ({} bp)", &bases[..20], bases.len()) } else { bases.to_owned() }
    };
    let alts: Vec<String> = call.alt.iter().map(|alt| short(alt)).collect();
    let depths: Vec<String> = call.ad.iter().map(u32::to_string).collect();
    let picture = pictures.remove(&(call.chrom.clone(), call.pos)).map(|picture| RowPicture {
        data: STANDARD.encode(&picture.png),
        about: picture.about,
        models: picture.models,
    });
    Row {
        place: format!("{}:{}", call.chrom, call.pos),
        alleles: format!("{} → {}", short(&call.reference), alts.join(", ")),
        gt: call.gt.clone(),
        gq: call.gq,
        qual: call.qual,
        dp: call.dp,
        ad: depths.join(", "),
        picture,
    }
}

fn subtitle(summary: &Summary) -> String {
    let model = summary.model.as_ref().map(|model| format!("model {}", model.name));
    let started = summary.run.as_ref().map(|run| format!("run started {}", run.started));
    let of = std::iter::once(format!("Sample {}", summary.sample)).chain(model).chain(started);
    of.collect::<Vec<_>>().join(" · ")
}

/// The figures on top.
fn cards(summary: &Summary) -> Vec<(&'static str, String)> {
    let calls = &summary.calls;
    let count = |name| calls.types.get(name).copied().unwrap_or(0);
    let two_digits = |ratio: Option<f64>| ratio.map_or_else(|| "–".into(), |ratio| format!("{ratio:.2}"));
    let mut cards = vec![
        ("SNPs", grouped(count("snp") + count("mnp"))),
        ("Indels", grouped(count("insertion") + count("deletion") + count("mixed"))),
        ("Ti/Tv", two_digits(calls.ti_tv)),
        ("Het/hom, SNPs", two_digits(calls.het_hom_ratio.get("snp").copied().flatten())),
        ("Het/hom, indels", two_digits(calls.het_hom_ratio.get("indel").copied().flatten())),
    ];
    if let Some(coverage) = &summary.coverage {
        cards.push(("Median depth", format!("{}×", coverage.median)));
        let deep = coverage.share_from.get("20").copied().unwrap_or(0.0);
        cards.push(("At 20× or more", format!("{:.1} %", 100.0 * deep)));
    }
    if let Some(run) = &summary.run {
        cards.push(("Time", duration(run.wall_s)));
        cards.extend(run.peak_memory_bytes.map(|bytes| ("Peak memory", bytes_text(bytes))));
    }
    cards
}

fn sections(summary: &Summary) -> Result<Vec<Section>> {
    let mut found = vec![variants(summary)?, qualities(&summary.calls.histograms)?];
    if let Some(coverage) = &summary.coverage {
        let joined = joined(&[&coverage.histogram]);
        let depth = points(&coverage.histogram, coverage.positions, joined.first().copied().unwrap_or(1));
        let chart =
            lines("Depth of the positions called", "depth, reads", "% of positions", vec![("positions", depth)]);
        let facts = coverage
            .share_from
            .0
            .iter()
            .map(|(depth, share)| (format!("at {depth}× or more"), format!("{:.2} %", 100.0 * share)));
        let all = [
            ("positions called".to_owned(), grouped(coverage.positions)),
            ("mean depth".to_owned(), format!("{:.1}×", coverage.mean)),
            ("median depth".to_owned(), format!("{}×", coverage.median)),
        ];
        found.push(Section {
            id: "coverage",
            title: "Coverage",
            note: "Reads that count, as in DP: after the filters, over bases of sufficient quality. Positions where the reference is N are left out.".into(),
            figures: vec![figure(&chart)?],
            facts: all.into_iter().chain(facts).collect(),
        });
    }
    found.extend(sample(summary)?);
    found.extend(time(summary)?);
    Ok(found)
}

fn figure(chart: &Chart) -> Result<Figure> {
    let mut rows = chart.table();
    let head = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
    Ok(Figure { title: chart.title.clone(), svg: chart.svg()?, head, rows })
}

fn lines(title: &str, x: &str, y: &str, series: Vec<(&str, Vec<(f64, f64)>)>) -> Chart {
    let series = series.into_iter().map(|(name, points)| (name.to_owned(), points)).collect();
    Chart { title: title.into(), x: x.into(), y: y.into(), plot: Plot::Lines(series) }
}

fn bars(title: &str, x: &str, y: &str, bars: Vec<(String, f64)>) -> Chart {
    Chart { title: title.into(), x: x.into(), y: y.into(), plot: Plot::Bars(bars) }
}

/// How many bins of each histogram become a point, so that points of all are of one width and not too many: lines of one chart share a table.
#[allow(clippy::cast_precision_loss, reason = "numbers of bins")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number of bins")]
fn joined(histograms: &[&Histogram]) -> Vec<usize> {
    let widest = histograms.iter().map(|histogram| histogram.bin_width).fold(0.0, f64::max);
    let longest =
        histograms.iter().map(|histogram| histogram.counts.len() as f64 * histogram.bin_width).fold(0.0, f64::max);
    let is_whole = |ratio: f64| (ratio - ratio.round()).abs() < 1e-6;
    let fits = |width: &f64| {
        longest / width <= MOST_POINTS as f64
            && histograms.iter().all(|histogram| is_whole(width / histogram.bin_width))
    };
    let width = (1..=1000).map(|n| f64::from(n) * widest).find(fits).unwrap_or(widest);
    histograms.iter().map(|histogram| (width / histogram.bin_width).round().max(1.0) as usize).collect()
}

/// Lower ends of bins, as many as given joined to one, and the share of the values in each, %.
#[allow(clippy::cast_precision_loss, reason = "counts of positions and calls")]
fn points(histogram: &Histogram, all: u64, joined: usize) -> Vec<(f64, f64)> {
    let share = |counts: &[u64]| 100.0 * counts.iter().sum::<u64>() as f64 / all.max(1) as f64;
    let width = histogram.bin_width * joined.max(1) as f64;
    let bins = histogram.counts.chunks(joined.max(1));
    (0_u32..).zip(bins).map(|(bin, counts)| (f64::from(bin) * width, share(counts))).collect()
}

#[allow(clippy::cast_precision_loss, reason = "counts of calls")]
fn variants(summary: &Summary) -> Result<Section> {
    let calls = &summary.calls;
    let types =
        [("snp", "SNPs"), ("insertion", "insertions"), ("deletion", "deletions"), ("mnp", "MNPs"), ("mixed", "mixed")];
    let types = types.map(|(name, title)| (title.to_owned(), calls.types.get(name).copied().unwrap_or(0) as f64));
    let substitutions = calls.substitutions.iter().map(|(name, &n)| (name.clone(), n as f64)).collect();
    let mut lengths: BTreeMap<i64, f64> =
        (-LONGEST_SHOWN..=LONGEST_SHOWN).filter(|&n| n != 0).map(|n| (n, 0.0)).collect();
    for &(length, n) in &calls.indel_lengths {
        *lengths.entry(length.clamp(-LONGEST_SHOWN, LONGEST_SHOWN)).or_default() += n as f64;
    }
    let lengths = lengths.into_iter().map(|(length, n)| {
        let name = match length {
            LONGEST_SHOWN => format!("≥{length}"),
            length if length == -LONGEST_SHOWN => format!("≤−{LONGEST_SHOWN}"),
            length if length < 0 => format!("−{}", -length),
            length => length.to_string(),
        };
        (name, n)
    });
    let mut facts: Vec<(String, String)> =
        calls.filters.0.iter().map(|(name, n)| (format!("calls {name}"), grouped(*n))).collect();
    facts.push(("with several alternative alleles".into(), grouped(calls.multiallelic)));
    facts.push((
        "transitions, transversions".into(),
        format!("{}, {}", grouped(calls.transitions), grouped(calls.transversions)),
    ));
    let zygosity = [
        ("het", "het"),
        ("het_alt", "het, two alternative alleles"),
        ("hom_alt", "hom-alt"),
        ("hemizygous", "hemizygous"),
    ];
    for (class, title) in [("snp", "SNPs"), ("indel", "indels")] {
        for (name, zygosity) in zygosity {
            let n = calls.genotypes.get(class).and_then(|of| of.get(name)).copied().unwrap_or(0);
            facts.push((format!("{title}, {zygosity}"), grouped(n)));
        }
    }
    Ok(Section {
        id: "variants",
        title: "Variants",
        note: "Calls that pass and are written.".into(),
        figures: vec![
            figure(&bars("Variants by type", "type", "variants", types.to_vec()))?,
            figure(&bars("Substitutions", "from > to", "alleles", substitutions))?,
            figure(&bars("Lengths of indels", "bp inserted (deleted: negative)", "alleles", lengths.collect()))?,
        ],
        facts,
    })
}

fn qualities(histograms: &Histograms) -> Result<Section> {
    let classes = [("snp", "SNPs"), ("indel", "indels"), ("ref_call", "called hom-ref")];
    let fractions = [("het", "het"), ("hom_alt", "hom-alt"), ("ref_call", "called hom-ref")];
    // QUAL of all that is called hom-ref is about 0.
    let [snps, indels, _] = classes;
    let chart = |title: &str, x: &str, of: &Named<Histogram>, classes: &[(&'static str, &'static str)]| {
        let drawn = classes.iter().filter_map(|(class, title)| Some((*title, of.get(class)?)));
        let drawn: Vec<_> = drawn.filter(|(_, histogram)| !histogram.counts.is_empty()).collect();
        let joined = joined(&drawn.iter().map(|(_, histogram)| *histogram).collect::<Vec<_>>());
        let series = drawn
            .iter()
            .zip(joined)
            .map(|((title, histogram), joined)| (*title, points(histogram, histogram.counts.iter().sum(), joined)));
        figure(&lines(title, x, "% of the class", series.collect()))
    };
    Ok(Section {
        id: "quality",
        title: "Quality",
        note: "Each line is a class of calls and sums to 100 %; a point stands for the bin that begins there.".into(),
        figures: vec![
            chart("Genotype quality (GQ)", "GQ, Phred", &histograms.gq, &classes)?,
            chart("Variant quality (QUAL)", "QUAL, Phred", &histograms.qual, &[snps, indels])?,
            chart("Depth of calls (DP)", "DP, reads", &histograms.dp, &classes)?,
            chart("Share of supporting reads (VAF)", "VAF", &histograms.vaf, &fractions)?,
        ],
        facts: Vec::new(),
    })
}

fn sample(summary: &Summary) -> Result<Option<Section>> {
    let (mut facts, mut figures) = (Vec::new(), Vec::new());
    let mut fact = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(survey) = &summary.survey {
        let depth = survey
            .median_depth
            .map_or_else(|| "unknown: depths vary as those of targets do".into(), |depth| format!("{depth:.1}×"));
        fact("median depth of the survey", depth);
        fact("variation of the depth (CV)", format!("{:.2}", survey.depth_cv));
        fact("artefact rate, of the windows", format!("{:.0} %", 100.0 * survey.artefact_rate));
        fact("median length of reads", format!("{} bp", grouped(u64::from(survey.read_length))));
        fact("spliced alignments", format!("{:.1} %", 100.0 * survey.spliced));
        let named = |of: fn(&super::summary::SlippageAt) -> f64| {
            survey
                .slippage
                .iter()
                .map(|at| (format!("{}×{} bp", at.copies, at.unit), 100.0 * of(at)))
                .collect::<Vec<_>>()
        };
        if !survey.slippage.is_empty() {
            let all = named(|at| at.shorter + at.longer);
            figures.push(figure(&bars("Slippage in repeats", "units × length of the unit", "% of fragments", all))?);
        }
    }
    if let Some(reads) = &summary.reads {
        fact("records, counted per region", grouped(reads.records));
        for (name, n) in reads.left_out.0.iter().filter(|(_, n)| *n > 0) {
            fact(&format!("left out: {}", name.replace('_', " ")), grouped(*n));
        }
        fact("unusable", grouped(reads.unusable));
        fact("sampled out over the cap", grouped(reads.sampled_out));
        fact("realigned", grouped(reads.realigned));
    }
    if let Some(candidates) = &summary.candidates {
        fact("candidates", grouped(candidates.all));
        fact("decided without an image", grouped(candidates.without_image));
        if candidates.by_likelihoods > 0 {
            fact("of these by likelihoods of their reads", grouped(candidates.by_likelihoods));
        }
        fact("images classified", grouped(candidates.images));
    }
    let note = "The survey reads 61 windows of 1 kb before a run. Slippage is the share of fragments that show a repeat too short or too long.".into();
    Ok((!facts.is_empty()).then_some(Section { id: "sample", title: "Sample and reads", note, figures, facts }))
}

fn time(summary: &Summary) -> Result<Option<Section>> {
    let Some(run) = &summary.run else { return Ok(None) };
    let stages = run.stages.iter().map(|stage| (stage.name.to_owned(), stage.seconds)).collect();
    let stages =
        Chart { title: "Time by stage".into(), x: "stage".into(), y: "seconds".into(), plot: Plot::Rows(stages) };
    let parts: Vec<(f64, f64)> =
        (0_u32..).zip(&run.regions.parts).map(|(i, part)| (f64::from(i), part.seconds)).collect();
    let facts = [
        ("from start to end", duration(run.wall_s)),
        ("of this, calling", duration(run.calling_s)),
        ("CPU time", duration(run.cpu_s)),
        ("threads", format!("{} workers, {} of the CNN", run.threads.workers, run.threads.network)),
        ("CNN on", run.device.clone()),
        ("batches", grouped(run.batches)),
    ];
    let each = run.stages.iter().map(|stage| (stage.name.to_owned(), seconds(stage.seconds)));
    let of_parts = format!("part of the run, in genome order ({} parts)", parts.len());
    Ok(Some(Section {
        id: "time",
        title: "Time",
        note: "Times of stages are summed over their threads and include waiting.".into(),
        figures: vec![
            figure(&stages)?,
            figure(&lines("Time along the genome", &of_parts, "seconds of the workers", vec![("seconds", parts)]))?,
        ],
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(each).collect(),
    }))
}

/// Contig, positions, mean depth and variants of each, and how many more there are.
fn contigs(summary: &Summary) -> (Vec<[String; 4]>, usize) {
    let variants: BTreeMap<&str, u64> =
        summary.calls.contigs.iter().map(|contig| (contig.name.as_str(), contig.variants)).collect();
    let of = |name: &str| grouped(variants.get(name).copied().unwrap_or(0));
    let mut rows: Vec<[String; 4]> = match &summary.coverage {
        Some(coverage) => {
            let row = |contig: &super::summary::ContigCoverage| {
                [contig.name.clone(), grouped(contig.positions), format!("{:.1}×", contig.mean), of(&contig.name)]
            };
            coverage.contigs.iter().map(row).collect()
        }
        None => variants.keys().map(|name| [(*name).to_owned(), "–".into(), "–".into(), of(name)]).collect(),
    };
    let left = rows.len().saturating_sub(MOST_CONTIGS);
    rows.truncate(MOST_CONTIGS);
    (rows, left)
}

fn inputs(summary: &Summary) -> Vec<(&'static str, String)> {
    let of = &summary.inputs;
    let sized = |path: &str, bytes: u64| format!("{path} ({})", bytes_text(bytes));
    let mut rows = Vec::new();
    rows.extend(of.reference.as_ref().map(|r| ("reference", sized(&r.file.path, r.file.bytes))));
    rows.extend(of.reads.iter().map(|file| ("reads", sized(&file.file.path, file.file.bytes))));
    rows.extend(of.vcf.as_ref().map(|file| ("calls", sized(&file.path, file.bytes))));
    if let Some(regions) = &of.regions {
        let given = if regions.given.is_empty() { "the whole reference".into() } else { regions.given.join(" ") };
        rows.push(("regions", format!("{given}: {} bp", grouped(regions.bases))));
        rows.extend(regions.chunk.as_ref().map(|chunk| ("chunk", chunk.clone())));
        rows.extend(regions.sites.as_ref().map(|sites| ("sites", sites.clone())));
    }
    rows.extend(summary.model.as_ref().map(|model| ("model", format!("{}, SHA-256 {}", model.name, model.sha256))));
    let commit = summary.program.commit.map_or_else(String::new, |commit| format!(", commit {commit}"));
    rows.push(("program", format!("varpix {}{commit}", summary.program.version)));
    if let Some(run) = &summary.run {
        rows.push(("command line", run.command_line.join(" ")));
        rows.push(("outputs", run.outputs.join(" ")));
    }
    rows
}

/// A whole number with its thousands apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn seconds(time: f64) -> String {
    format!("{time:.3} s")
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[allow(clippy::cast_precision_loss, reason = "sizes of files")]
fn bytes_text(bytes: u64) -> String {
    let size = bytes as f64;
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..1_000_000 => format!("{} kB", number(size / 1e3)),
        1_000_000..1_000_000_000 => format!("{} MB", number(size / 1e6)),
        _ => format!("{} GB", number(size / 1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([1.25, 75.0, 7500.0].map(duration), ["1.2 s", "1 min 15 s", "2 h 5 min"]);
        assert_eq!([500, 1_500_000, 25_000_000_000].map(bytes_text), ["500 bytes", "1.5 MB", "25 GB"]);
    }

    #[test]
    fn bins_are_joined_where_there_are_many() {
        let histogram = Histogram { bin_width: 2.0, counts: vec![1, 3, 5, 0, 1] };
        assert_eq!(points(&histogram, 10, 1)[..2], [(0.0, 10.0), (2.0, 30.0)]);
        assert_eq!(points(&histogram, 10, 2), [(0.0, 40.0), (4.0, 50.0), (8.0, 10.0)]);
        // Widths of 2 and 5 meet at 10; a hundred bins are too many.
        let of = |bin_width: f64, bins: usize| Histogram { bin_width, counts: vec![1; bins] };
        assert_eq!(joined(&[&of(2.0, 5), &of(5.0, 3)]), [5, 2]);
        assert_eq!(joined(&[&of(1.0, 100)]), [2]);
        assert_eq!(joined(&[&of(0.05, 20), &of(0.05, 3)]), [1, 1]);
        assert!(joined(&[]).is_empty());
    }

    #[test]
    fn pictures_end_where_the_page_is_full() {
        let picture = |pos: u64| Picture {
            place: ("c".into(), pos),
            png: vec![0; 400_000],
            about: String::new(),
            models: String::new(),
        };
        let kept = affordable((0..5).map(picture).collect());
        assert_eq!(kept.keys().map(|(_, pos)| *pos).collect::<Vec<_>>(), [0, 1]);
    }
}
