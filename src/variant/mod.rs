//! Alleles in normal form, genotypes; VCF and BCF files in: records, the variants of a sample, alleles to genotype.

pub mod allele;
pub mod genotype;
pub mod known;
pub mod records;
pub mod sites;

pub use allele::Allele;
pub use genotype::Genotype;
