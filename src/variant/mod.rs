//! Variants as files and people write them: records of VCF and BCF, known alleles in normal form.

pub mod known;
pub mod records;
