//! A [`Summary`] -> files for MultiQC: its custom content, and the version of the program.
//!
//! MultiQC joins the files of all samples by their `id`: one line each in *General Statistics*, one bar, one line.

use serde_json::{Map, Value, json};

use super::Summary;
use crate::error::{Error, Result};

/// Files, by name, of a run.
///
/// # Errors
/// [`Error::Internal`] where one cannot be written as JSON.
pub fn files(summary: &Summary) -> Result<Vec<(String, Vec<u8>)>> {
    let name = safe(&summary.sample);
    let contents = [
        (format!("{name}.varpix_mqc.json"), general(summary)),
        (format!("{name}.varpix_variants_mqc.json"), variants(summary)),
        (format!("{name}.varpix_gq_mqc.json"), qualities(summary)),
    ];
    let mut files = Vec::new();
    for (name, content) in contents {
        let mut json = serde_json::to_vec_pretty(&content).map_err(|e| Error::Internal(format!("{name}: {e}")))?;
        json.push(b'\n');
        files.push((name, json));
    }
    let versions = format!("varpix:\n  varpix: \"{}\"\n", summary.program.version);
    files.push((format!("{name}.varpix_mqc_versions.yml"), versions.into_bytes()));
    Ok(files)
}

/// A sample's name as part of a file's.
fn safe(sample: &str) -> String {
    let safe: String = sample.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
    let safe = safe.trim_start_matches('.');
    if safe.is_empty() { "sample".into() } else { safe.chars().take(100).collect() }
}

/// Data of one sample.
fn of_sample(summary: &Summary, values: Value) -> Value {
    Value::Object(Map::from_iter([(summary.sample.clone(), values)]))
}

/// A line of *General Statistics*.
fn general(summary: &Summary) -> Value {
    let calls = &summary.calls;
    let count = |name| calls.types.get(name).copied().unwrap_or(0);
    let mut headers = Vec::new();
    let mut values = Map::new();
    let mut column = |key: &str, title: &str, description: &str, more: Value, value: Option<Value>| {
        let Some(value) = value else { return };
        let mut header = Map::from_iter([
            ("title".to_owned(), title.into()),
            ("description".to_owned(), description.into()),
            ("namespace".to_owned(), "varpix".into()),
        ]);
        if let Value::Object(more) = more {
            header.extend(more);
        }
        headers.push(json!({ key: header }));
        values.insert(key.to_owned(), value);
    };
    let whole = || json!({"min": 0, "format": "{:,.0f}", "scale": "Blues"});
    let indels = count("insertion") + count("deletion") + count("mixed");
    column("varpix_snps", "SNPs", "SNPs that pass", whole(), Some(count("snp").into()));
    column(
        "varpix_indels",
        "Indels",
        "Insertions and deletions that pass, also two different ones at a site",
        whole(),
        Some(indels.into()),
    );
    column(
        "varpix_ti_tv",
        "Ti/Tv",
        "Transitions by transversions",
        json!({"min": 0, "max": 4, "format": "{:,.2f}", "scale": "RdYlGn"}),
        calls.ti_tv.map(Value::from),
    );
    column(
        "varpix_het_hom",
        "Het/Hom",
        "Heterozygous by homozygous SNPs",
        json!({"min": 0, "max": 4, "format": "{:,.2f}", "scale": "Purples"}),
        calls.het_hom_ratio.get("snp").copied().flatten().map(Value::from),
    );
    let coverage = summary.coverage.as_ref();
    column(
        "varpix_depth",
        "Depth",
        "Median depth of the positions called, in reads that count",
        json!({"min": 0, "suffix": "X", "format": "{:,.0f}", "scale": "BuPu"}),
        coverage.map(|coverage| coverage.median.into()),
    );
    column(
        "varpix_from_20",
        "≥ 20X",
        "Share of the positions called with at least 20 reads that count",
        json!({"min": 0, "max": 100, "suffix": "%", "format": "{:,.1f}", "scale": "RdYlGn", "hidden": true}),
        coverage.and_then(|coverage| coverage.share_from.get("20")).map(|share| Value::from(share * 100.0)),
    );
    column(
        "varpix_warnings",
        "Warnings",
        "Warnings of the run; its summary and its log have them",
        json!({"min": 0, "format": "{:,.0f}", "scale": "OrRd", "hidden": true}),
        Some(summary.warnings.len().into()),
    );
    json!({"id": "varpix_general", "plot_type": "generalstats", "headers": headers, "data": of_sample(summary, values.into())})
}

/// What a section of varpix has in common.
fn section(id: &str, name: &str, description: &str, kind: &str, config: &Value, data: &Value) -> Value {
    json!({
        "id": id,
        "parent_id": "varpix",
        "parent_name": "varpix",
        "parent_description": "calls germline SNPs and small indels.",
        "section_name": name,
        "description": description,
        "plot_type": kind,
        "pconfig": config,
        "data": data,
    })
}

/// A bar of variants by type.
fn variants(summary: &Summary) -> Value {
    let names =
        [("snp", "SNPs"), ("insertion", "Insertions"), ("deletion", "Deletions"), ("mnp", "MNPs"), ("mixed", "Mixed")];
    let values =
        names.map(|(name, title)| (title.to_owned(), summary.calls.types.get(name).copied().unwrap_or(0).into()));
    section(
        "varpix_variants",
        "Variants",
        "by type, of calls that pass.",
        "bargraph",
        &json!({"id": "varpix_variants_plot", "title": "varpix: variants by type", "ylab": "Variants"}),
        &of_sample(summary, Map::from_iter(values).into()),
    )
}

/// A line of GQ: the share of the variants with each bin's.
#[allow(clippy::cast_precision_loss, reason = "counts of calls")]
fn qualities(summary: &Summary) -> Value {
    let of = ["snp", "indel"].map(|class| summary.calls.histograms.gq.get(class));
    let width = of[0].map_or(5.0, |histogram| histogram.bin_width);
    let bins = of.into_iter().flatten().map(|histogram| histogram.counts.len()).max().unwrap_or(0);
    let counts: Vec<u64> = (0..bins)
        .map(|bin| of.into_iter().flatten().map(|histogram| histogram.counts.get(bin).copied().unwrap_or(0)).sum())
        .collect();
    let all = counts.iter().sum::<u64>().max(1) as f64;
    let points = (0..).zip(&counts).map(|(bin, &n)| json!([f64::from(bin) * width, 100.0 * n as f64 / all]));
    section(
        "varpix_gq",
        "Genotype quality",
        "of the variants that pass, in bins of 5.",
        "linegraph",
        &json!({
            "id": "varpix_gq_plot", "title": "varpix: genotype quality", "xlab": "GQ (Phred), from", "ylab": "Variants (%)",
            "xmin": 0, "ymin": 0, "tt_label": "<b>GQ {point.x}</b>: {point.y:.2f}%",
        }),
        &of_sample(summary, points.collect::<Vec<_>>().into()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_samples_become_names_of_files() {
        assert_eq!(
            (safe("NA12878"), safe("a/b c"), safe("../x"), safe("")),
            ("NA12878".into(), "a_b_c".into(), "_x".into(), "sample".into())
        );
    }
}
