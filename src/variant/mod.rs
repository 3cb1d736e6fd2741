//! Alleles in normal form; VCF and BCF files in: records, the variants of a sample, alleles to genotype.

pub mod allele;
pub mod known;
pub mod records;
pub mod sites;

pub use allele::Allele;
