//! A [`Call`] -> a VCF record. The one place where positions become 1-based.

use noodles_core::Position;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::record::samples::series::value::genotype::Phasing;
use noodles_vcf::variant::record_buf::samples::Keys;
use noodles_vcf::variant::record_buf::samples::sample::Value;
use noodles_vcf::variant::record_buf::samples::sample::value::Array;
use noodles_vcf::variant::record_buf::samples::sample::value::genotype::{Allele, Genotype};
use noodles_vcf::variant::record_buf::{AlternateBases, Filters, Samples};

use super::header::FORMATS;
use crate::error::{Error, Result};
use crate::genotype::Call;

/// The record of a call on the contig `name`.
///
/// # Errors
/// [`Error::Internal`] where the call's position or bases cannot be written.
pub fn record(name: &str, call: &Call) -> Result<RecordBuf> {
    let invalid = |what: &str| Error::Internal(format!("call at {name}:{}: {what}", call.position + 1));
    let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).map_err(|_| invalid("bases are not text"));
    let position =
        usize::try_from(call.position + 1).ok().and_then(Position::new).ok_or_else(|| invalid("no position"))?;
    let alts = call.alts.iter().map(|alt| text(alt)).collect::<Result<Vec<_>>>()?;
    #[allow(clippy::cast_possible_truncation, reason = "one decimal below 100")]
    let quality = call.quality as f32;
    let filters: Filters = [call.filter.name().to_owned()].into_iter().collect();
    Ok(RecordBuf::builder()
        .set_reference_sequence_name(name)
        .set_variant_start(position)
        .set_reference_bases(text(&call.reference)?)
        .set_alternate_bases(AlternateBases::from(alts))
        .set_quality_score(quality)
        .set_filters(filters)
        .set_samples(samples(call))
        .build())
}

fn samples(call: &Call) -> Samples {
    let keys: Keys = FORMATS.into_iter().map(str::to_owned).collect();
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let depths = call.allele_depths.iter().map(|&n| Some(count(n))).collect();
    let fractions = call.allele_depths[1..].iter().map(|&n| Some(fraction(n, call.depth))).collect();
    let likelihoods = call.phred_likelihoods.iter().map(|&pl| Some(pl)).collect();
    let values = vec![
        Some(Value::Genotype(genotype(call.genotype))),
        Some(Value::Integer(call.genotype_quality)),
        Some(Value::Integer(count(call.depth))),
        Some(Value::Array(Array::Integer(depths))),
        Some(Value::Array(Array::Float(fractions))),
        Some(Value::Array(Array::Integer(likelihoods))),
    ];
    Samples::new(keys, vec![values])
}

fn genotype(alleles: Option<(usize, usize)>) -> Genotype {
    let pair = alleles.map_or([None, None], |(a, b)| [Some(a), Some(b)]);
    pair.into_iter().map(|allele| Allele::new(allele, Phasing::Unphased)).collect()
}

/// `n` of `depth`, to six significant digits; 0 of nothing is 0.
#[must_use]
pub fn fraction(n: u32, depth: u32) -> f32 {
    let share = f64::from(n) / f64::from(depth.max(1));
    format!("{share:.5e}").parse().unwrap_or_default()
}
