//! A call's genotype and depth -> its INFO fields, where any are requested.

use std::fmt;
use std::str::FromStr;

use noodles_vcf::header::record::value::map::info::{Number, Type};
use noodles_vcf::variant::record_buf::Info;
use noodles_vcf::variant::record_buf::info::field::Value;
use noodles_vcf::variant::record_buf::info::field::value::Array;

use super::values::{count, fraction, written};
use crate::genotype::Call;
use crate::variant::Genotype;

/// An INFO field of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoField {
    /// Depth: as the sample's DP.
    Dp,
    /// Copies of each alternative allele in the genotype.
    Ac,
    /// Number of alleles in the genotype.
    An,
    /// AC / AN.
    Af,
}

impl InfoField {
    /// All there are, in the order in which they are written.
    pub const ALL: [Self; 4] = [Self::Dp, Self::Ac, Self::An, Self::Af];

    /// Its name in VCF.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Dp => "DP",
            Self::Ac => "AC",
            Self::An => "AN",
            Self::Af => "AF",
        }
    }

    /// Its definition in the header.
    pub(super) fn definition(self) -> (Number, Type, &'static str) {
        match self {
            Self::Dp => (Number::Count(1), Type::Integer, "Reads that count at the site"),
            Self::Ac => (Number::AlternateBases, Type::Integer, "Allele count in genotypes"),
            Self::An => (Number::Count(1), Type::Integer, "Total number of alleles in called genotypes"),
            Self::Af => (Number::AlternateBases, Type::Float, "Allele frequency in genotypes"),
        }
    }
}

impl FromStr for InfoField {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(|field| field.to_string()).join(", ");
        Self::ALL.into_iter().find(|field| field.name() == text).ok_or_else(|| format!("known are {}", known()))
    }
}

impl fmt::Display for InfoField {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which of them are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InfoFields([bool; InfoField::ALL.len()]);

impl InfoFields {
    pub(super) fn contains(self, field: InfoField) -> bool {
        self.0[field as usize]
    }
}

impl FromIterator<InfoField> for InfoFields {
    fn from_iter<I: IntoIterator<Item = InfoField>>(fields: I) -> Self {
        let mut wanted = Self::default();
        fields.into_iter().for_each(|field| wanted.0[field as usize] = true);
        wanted
    }
}

/// INFO of a call, whose genotype is written with `copies` alleles.
pub(super) fn info(call: &Call, copies: usize, wanted: InfoFields) -> Info {
    let alleles: Vec<usize> = written(call.genotype, copies).into_iter().flat_map(Genotype::alleles).collect();
    let total = u32::try_from(alleles.len()).unwrap_or(0);
    let counts: Vec<u32> =
        (1..=call.alts.len()).map(|alt| alleles.iter().map(|&allele| u32::from(allele == alt)).sum()).collect();
    let value = |field| match field {
        InfoField::Dp => Value::Integer(count(call.depth)),
        InfoField::Ac => Value::Array(Array::Integer(counts.iter().map(|&n| Some(count(n))).collect())),
        InfoField::An => Value::Integer(count(total)),
        // Without alleles there is no share.
        InfoField::Af => {
            Value::Array(Array::Float(counts.iter().map(|&n| (total > 0).then(|| fraction(n, total))).collect()))
        }
    };
    let fields = InfoField::ALL.into_iter().filter(|&field| wanted.contains(field));
    fields.map(|field| (field.name().to_owned(), Some(value(field)))).collect()
}
