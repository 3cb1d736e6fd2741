//! The VCF header. It holds neither date, path, command line nor thread count: equal calls give equal files.

use noodles_vcf::Header;
use noodles_vcf::header::FileFormat;
use noodles_vcf::header::record::Value;
use noodles_vcf::header::record::value::Map;
use noodles_vcf::header::record::value::map::format::{Number, Type};
use noodles_vcf::header::record::value::map::{Contig, Filter, Format};

use crate::error::{Error, Result};
use crate::genome::Contigs;

/// What the header tells beside the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderOptions {
    /// The sample's name.
    pub sample: String,
    /// The model's name.
    pub model: String,
}

/// FORMAT fields in the order of their values.
pub const FORMATS: [&str; 6] = ["GT", "GQ", "DP", "AD", "VAF", "PL"];

/// The header of a call file over `contigs`.
///
/// # Errors
/// [`Error::Internal`] where a line cannot be made.
pub fn header(contigs: &Contigs, options: &HeaderOptions) -> Result<Header> {
    let invalid = |e: &dyn std::fmt::Display| Error::Internal(format!("VCF header: {e}"));
    let key = |text: &str| text.parse().map_err(|e| Error::Internal(format!("VCF header key {text}: {e}")));
    let mut builder = Header::builder().set_file_format(FileFormat::new(4, 3));
    for (name, value) in
        [("source", format!("varpix {}", env!("CARGO_PKG_VERSION"))), ("varpix_model", options.model.clone())]
    {
        builder = builder.insert(key(name)?, Value::from(value)).map_err(|e| invalid(&e))?;
    }
    for (name, description) in [
        ("PASS", "All filters passed"),
        ("RefCall", "Genotyping model thinks this site is reference"),
        ("LowQual", "Confidence in this variant being real is below calling threshold"),
        ("NoCall", "Site has no read that counts"),
    ] {
        builder = builder.add_filter(name, Map::<Filter>::new(description));
    }
    let formats = [
        (Number::Count(1), Type::String, "Genotype"),
        (Number::Count(1), Type::Integer, "Phred-scaled probability that the genotype is wrong"),
        (Number::Count(1), Type::Integer, "Reads that count at the site"),
        (Number::ReferenceAlternateBases, Type::Integer, "Reads that count for each allele"),
        (Number::AlternateBases, Type::Float, "Share of the depth that shows each alternative allele"),
        (Number::Samples, Type::Integer, "Phred-scaled genotype likelihoods, truncated"),
    ];
    for (name, (number, ty, description)) in FORMATS.into_iter().zip(formats) {
        builder = builder.add_format(name, Map::<Format>::new(number, ty, description));
    }
    for (_, contig) in contigs.iter() {
        let length = usize::try_from(contig.length).map_err(|e| invalid(&e))?;
        let map = Map::<Contig>::builder().set_length(length).build().map_err(|e| invalid(&e))?;
        builder = builder.add_contig(contig.name.clone(), map);
    }
    Ok(builder.add_sample_name(options.sample.clone()).build())
}
