//! Alleles in normal form, genotypes; VCF and BCF files in: records, the variants of a sample, alleles to genotype.

pub(crate) mod allele;
pub(crate) mod genotype;
pub(crate) mod known;
pub(crate) mod records;
pub(crate) mod sites;

pub use allele::Allele;
pub use genotype::Genotype;
pub use known::{KnownVariant, Truth};
