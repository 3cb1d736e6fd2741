//! A BAM header -> the name of the sample whose reads it holds.

use crate::error::{Error, Result};

use super::source::BamFile;

/// Name of a sample whose reads do not name it.
pub const DEFAULT_SAMPLE: &str = "default";

/// The sample's name: `requested`, else the SM tag that all read groups share, else [`DEFAULT_SAMPLE`] with a warning.
///
/// # Errors
/// [`Error::Input`] where the read groups name several samples and none was requested: they would be called as one.
pub fn sample_name(file: &BamFile, requested: Option<&str>) -> Result<String> {
    if let Some(name) = requested {
        return Ok(name.to_owned());
    }
    let mut names = sample_tags(file.header());
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] => {
            log::warn!("{}: no read group names a sample (SM); it is called '{DEFAULT_SAMPLE}'", file.path().display());
            Ok(DEFAULT_SAMPLE.into())
        }
        [one] => Ok((*one).to_owned()),
        several => Err(Error::input(
            file.path(),
            format!(
                "holds reads of {} samples ({}); give one BAM for each, or name the sample with --sample-name",
                several.len(),
                several.join(", ")
            ),
        )),
    }
}

fn sample_tags(header: &str) -> Vec<&str> {
    let groups = header.lines().filter(|line| line.starts_with("@RG\t"));
    groups.filter_map(|line| line.split('\t').find_map(|field| field.strip_prefix("SM:"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_read_groups_name_samples() {
        let header = "@HD\tVN:1.6\n@RG\tID:a\tSM:x\n@RG\tID:b\tLB:l\n@RG\tID:c\tSM:y\n@CO\tSM:z\n";
        assert_eq!(sample_tags(header), ["x", "y"]);
    }
}
