//! A [`Call`] or a [`ReferenceBlock`] -> a VCF record. The one place where positions become 1-based.

use noodles_core::Position;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::record::samples::series::value::genotype::Phasing;
use noodles_vcf::variant::record_buf::info::field::Value as InfoValue;
use noodles_vcf::variant::record_buf::samples::Keys;
use noodles_vcf::variant::record_buf::samples::sample::Value;
use noodles_vcf::variant::record_buf::samples::sample::value::Array;
use noodles_vcf::variant::record_buf::samples::sample::value::genotype::{Allele, Genotype as WrittenGenotype};
use noodles_vcf::variant::record_buf::{AlternateBases, Filters, Info, Samples};

use super::header::{BLOCK_FORMATS, CALL_FORMATS, MODEL_ID, PHASE_SET_FORMAT};
use super::info::{InfoFields, info};
use super::values::{count, fraction, written};
use crate::error::{Error, Result};
use crate::genotype::{Call, of_copies};
use crate::variant::Genotype;
use crate::vcf::ReferenceBlock;

/// How calls are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallStyle {
    /// How many of `CALL_FORMATS` are written.
    pub formats: usize,
    /// Haploid genotypes, and reference blocks, as `1/1` and not as `1`.
    pub haploid_as_diploid: bool,
    /// INFO of calls.
    pub info: InfoFields,
    /// Write which model decided (`MODEL_ID`).
    pub model_id: bool,
    /// Whether calls are phased: with the FORMAT field PS.
    pub phased: bool,
}

impl CallStyle {
    /// How many alleles a genotype is written with.
    fn copies(self, haploid: bool) -> usize {
        if haploid && !self.haploid_as_diploid { 1 } else { 2 }
    }
}

impl Default for CallStyle {
    fn default() -> Self {
        let formats = CALL_FORMATS.len();
        Self { formats, haploid_as_diploid: false, info: InfoFields::default(), model_id: false, phased: false }
    }
}

/// The record of a call on the contig `name`.
///
/// # Errors
/// [`Error::Internal`] where the call's position or bases cannot be written.
pub fn record(name: &str, call: &Call, style: CallStyle) -> Result<RecordBuf> {
    let invalid = |what: &str| Error::Internal(format!("call at {name}:{}: {what}", call.position + 1));
    let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).map_err(|_| invalid("bases are not text"));
    let alts = call.alts.iter().map(|alt| text(alt)).collect::<Result<Vec<_>>>()?;
    #[allow(clippy::cast_possible_truncation, reason = "one decimal below 100")]
    let quality = call.quality as f32;
    let filters: Filters = [call.filter.name().to_owned()].into_iter().collect();
    Ok(RecordBuf::builder()
        .set_reference_sequence_name(name)
        .set_variant_start(position(call.position).ok_or_else(|| invalid("no position"))?)
        .set_reference_bases(text(&call.reference)?)
        .set_alternate_bases(AlternateBases::from(alts))
        .set_quality_score(quality)
        .set_filters(filters)
        .set_info(info(call, style.copies(call.haploid), style.info))
        .set_samples(samples(call, style))
        .build())
}

/// The record of a reference block on the contig `name`, whose first base is `base`; `unseen` is the allele of all that is not observed.
///
/// # Errors
/// [`Error::Internal`] where the block's position cannot be written.
pub fn block_record(name: &str, block: &ReferenceBlock, base: u8, unseen: &str, style: CallStyle) -> Result<RecordBuf> {
    let invalid = || Error::Internal(format!("block at {name}:{} has no position", block.interval.start() + 1));
    let end = i32::try_from(block.interval.end()).map_err(|_| invalid())?;
    let info: Info = [("END".to_owned(), Some(InfoValue::Integer(end)))].into_iter().collect();
    let keys: Keys = BLOCK_FORMATS.into_iter().map(str::to_owned).collect();
    let copies = style.copies(block.haploid);
    let likelihoods = of_copies(&block.phred_likelihoods(), 2, copies);
    let values = vec![
        Some(Value::Genotype(genotype(block.is_reference.then_some(Genotype::HOM_REF), copies, false))),
        Some(Value::Integer(block.genotype_quality)),
        Some(Value::Integer(count(block.min_depth))),
        Some(Value::Array(Array::Integer(likelihoods.into_iter().map(Some).collect()))),
    ];
    Ok(RecordBuf::builder()
        .set_reference_sequence_name(name)
        .set_variant_start(position(block.interval.start()).ok_or_else(invalid)?)
        .set_reference_bases(char::from(base).to_string())
        .set_alternate_bases(AlternateBases::from(vec![unseen.to_owned()]))
        .set_quality_score(0.0)
        .set_info(info)
        .set_samples(Samples::new(keys, vec![values]))
        .build())
}

fn position(start: u64) -> Option<Position> {
    usize::try_from(start + 1).ok().and_then(Position::new)
}

fn samples(call: &Call, style: CallStyle) -> Samples {
    let integers =
        |values: &mut dyn Iterator<Item = i32>| Some(Value::Array(Array::Integer(values.map(Some).collect())));
    let copies = style.copies(call.haploid);
    let fractions = call.allele_depths[1..].iter().map(|&n| Some(fraction(n, call.depth))).collect();
    let likelihoods = of_copies(&call.phred_likelihoods, call.allele_depths.len(), copies);
    let forward =
        call.allele_depths.iter().zip(&call.reverse_depths).map(|(all, reverse)| all.saturating_sub(*reverse));
    let values = vec![
        Some(Value::Genotype(genotype(call.genotype, copies, call.phase_set.is_some()))),
        Some(Value::Integer(call.genotype_quality)),
        Some(Value::Integer(count(call.depth))),
        integers(&mut call.allele_depths.iter().map(|&n| count(n))),
        Some(Value::Array(Array::Float(fractions))),
        integers(&mut likelihoods.into_iter()),
        integers(&mut forward.map(count)),
        integers(&mut call.reverse_depths.iter().map(|&n| count(n))),
        Some(Value::Integer(rounded(call.mapping_quality))),
    ];
    let phase_set = call.phase_set.map(|start| Value::Integer(i32::try_from(start + 1).unwrap_or(i32::MAX)));
    let phase_set = style.phased.then_some((PHASE_SET_FORMAT, phase_set));
    // DeepVariant's words.
    let decided_by = if call.by_images { "deepvariant" } else { "small_model" };
    let model_id = style.model_id.then(|| (MODEL_ID, Some(Value::String(decided_by.into()))));
    let fields = CALL_FORMATS.into_iter().zip(values).take(style.formats).chain(phase_set).chain(model_id);
    let (keys, values): (Vec<_>, Vec<_>) = fields.map(|(key, value)| (key.to_owned(), value)).unzip();
    Samples::new(keys.into_iter().collect(), vec![values])
}

fn genotype(genotype: Option<Genotype>, copies: usize, phased: bool) -> WrittenGenotype {
    let alleles = written(genotype, copies).map_or(vec![None; copies], |g| g.alleles().map(Some).collect());
    // One allele alone counts as phased (VCF specification, section 1.6.2).
    let phasing = if copies == 1 || phased { Phasing::Phased } else { Phasing::Unphased };
    alleles.into_iter().map(|allele| Allele::new(allele, phasing)).collect()
}

#[allow(clippy::cast_possible_truncation, reason = "MAPQ is at most 255")]
fn rounded(value: f64) -> i32 {
    value.round() as i32
}
