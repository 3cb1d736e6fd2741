//! The VCF header. By default it holds neither date, path, command line nor thread count: equal calls give equal files.

use noodles_vcf::Header;
use noodles_vcf::header::FileFormat;
use noodles_vcf::header::record::Value;
use noodles_vcf::header::record::value::Map;
use noodles_vcf::header::record::value::map::format::{Number, Type};
use noodles_vcf::header::record::value::map::info::{Number as InfoNumber, Type as InfoType};
use noodles_vcf::header::record::value::map::{Contig, Filter, Format, Info};

use super::info::{InfoField, InfoFields};
use crate::error::{Error, Result};
use crate::genome::Contigs;
use crate::genome::names::is_valid_in_vcf;

/// Contents of the header besides the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderOptions {
    /// The sample's name.
    pub sample: String,
    /// The model's name.
    pub model: String,
    /// The SHA-256 of the model's weights.
    pub model_checksum: String,
    /// The value of `##reference`: its file's name by default.
    pub reference: String,
    /// The command line, where it is to be written.
    pub command: Option<String>,
    /// True for a gVCF.
    pub gvcf: bool,
    /// True where [`MODEL_ID`] is written.
    pub model_id: bool,
    /// True where calls are phased.
    pub phased: bool,
}

/// Version of VCF: the newest that vcftools and older htsjdk read. No later one is needed.
const FILE_FORMAT: FileFormat = FileFormat::new(4, 2);

/// FORMAT fields of calls in the order of their values; gVCF has the first of them.
pub const CALL_FORMATS: [&str; 9] = ["GT", "GQ", "DP", "AD", "VAF", "PL", "ADF", "ADR", "MQ"];
/// FORMAT field of the phase set, behind the others where calls are phased.
pub const PHASE_SET_FORMAT: &str = "PS";
/// How many of [`CALL_FORMATS`] a gVCF has.
pub const GVCF_CALL_FORMATS: usize = 6;
/// FORMAT field of the model that decided, after all others, where it is wanted.
pub const MODEL_ID: &str = "MID";
/// FORMAT fields of reference blocks.
pub const BLOCK_FORMATS: [&str; 4] = ["GT", "GQ", "MIN_DP", "PL"];

/// The header of a call file over `contigs`.
///
/// # Errors
/// [`Error::Internal`] where a line cannot be made.
pub fn header(contigs: &Contigs, options: &HeaderOptions, info: InfoFields) -> Result<Header> {
    let invalid = |e: &dyn std::fmt::Display| Error::Internal(format!("VCF header: {e}"));
    let key = |text: &str| text.parse().map_err(|e| Error::Internal(format!("VCF header key {text}: {e}")));
    let mut builder = Header::builder().set_file_format(FILE_FORMAT);
    let lines = [
        ("source", Some(format!("varpix {}", env!("CARGO_PKG_VERSION")))),
        ("reference", Some(options.reference.clone())),
        ("varpix_model", Some(options.model.clone())),
        ("varpix_model_sha256", Some(options.model_checksum.clone())),
        ("varpix_command", options.command.clone()),
    ];
    for (name, value) in lines {
        // A control character would end the line, or the file for some.
        let value = value.map(|value| value.replace(char::is_control, " "));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            builder = builder.insert(key(name)?, Value::from(value)).map_err(|e| invalid(&e))?;
        }
    }
    for (name, description) in [
        ("PASS", "All filters passed"),
        ("RefCall", "Genotyping model thinks this site is reference"),
        ("NoCall", "Site has no read that counts"),
    ] {
        builder = builder.add_filter(name, Map::<Filter>::new(description));
    }
    for field in InfoField::ALL.into_iter().filter(|&field| info.contains(field)) {
        let (number, ty, description) = field.definition();
        builder = builder.add_info(field.name(), Map::<Info>::new(number, ty, description));
    }
    if options.gvcf {
        let end = Map::<Info>::new(InfoNumber::Count(1), InfoType::Integer, "End position of the block");
        builder = builder.add_info("END", end);
    }
    let formats = [
        ("GT", Number::Count(1), Type::String, "Genotype"),
        ("GQ", Number::Count(1), Type::Integer, "Phred-scaled probability that the genotype is wrong"),
        ("DP", Number::Count(1), Type::Integer, "Reads that count at the site"),
        ("AD", Number::ReferenceAlternateBases, Type::Integer, "Reads that count for each allele"),
        ("VAF", Number::AlternateBases, Type::Float, "Share of the depth that shows each alternative allele"),
        ("PL", Number::Samples, Type::Integer, "Phred-scaled genotype likelihoods (truncated)"),
        ("ADF", Number::ReferenceAlternateBases, Type::Integer, "Reads of AD on the forward strand"),
        ("ADR", Number::ReferenceAlternateBases, Type::Integer, "Reads of AD on the reverse strand"),
        ("MQ", Number::Count(1), Type::Integer, "Root mean square of the mapping qualities of the reads of DP"),
        (PHASE_SET_FORMAT, Number::Count(1), Type::Integer, "Phase set: position of its first variant"),
        ("MIN_DP", Number::Count(1), Type::Integer, "Least depth of the block's positions"),
    ];
    for (name, number, ty, description) in formats {
        let wanted = if name == PHASE_SET_FORMAT {
            options.phased
        } else if options.gvcf {
            CALL_FORMATS[..GVCF_CALL_FORMATS].contains(&name) || BLOCK_FORMATS.contains(&name)
        } else {
            CALL_FORMATS.contains(&name)
        };
        if wanted {
            builder = builder.add_format(name, Map::<Format>::new(number, ty, description));
        }
    }
    if options.model_id {
        let about = "Model that decided: small_model, or deepvariant where the CNN classified an image";
        let format = Map::<Format>::new(Number::Count(1), Type::String, about);
        builder = builder.add_format(MODEL_ID, format);
    }
    // Contigs of other names are not called; a line of theirs could not be read.
    for (_, contig) in contigs.iter().filter(|(_, contig)| is_valid_in_vcf(&contig.name)) {
        let length = usize::try_from(contig.length).map_err(|e| invalid(&e))?;
        let map = Map::<Contig>::builder().set_length(length).build().map_err(|e| invalid(&e))?;
        builder = builder.add_contig(contig.name.clone(), map);
    }
    Ok(builder.add_sample_name(options.sample.clone()).build())
}
