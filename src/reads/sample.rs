//! A BAM header -> the name of the sample whose reads it holds.

use crate::error::{Error, Result};

use super::source::BamFile;

/// Name of a sample whose reads do not name it.
pub const DEFAULT_SAMPLE: &str = "default";

/// The sample's name: `requested`, else the SM tag that all read groups of all files share, else [`DEFAULT_SAMPLE`] with a
/// warning.
///
/// # Errors
/// [`Error::Input`] where the read groups name several samples and none was requested: they would be called as one.
pub fn sample_name(files: &[BamFile], requested: Option<&str>) -> Result<String> {
    if let Some(name) = requested {
        return Ok(name.to_owned());
    }
    let mut names: Vec<(&str, &BamFile)> =
        files.iter().flat_map(|file| sample_tags(file.header()).into_iter().map(move |name| (name, file))).collect();
    names.sort_by_key(|(name, _)| *name);
    names.dedup_by_key(|(name, _)| *name);
    match names.as_slice() {
        [] => {
            let paths: Vec<_> = files.iter().map(|file| file.path().display().to_string()).collect();
            log::warn!("{}: no read group names a sample (SM); it is called '{DEFAULT_SAMPLE}'", paths.join(", "));
            Ok(DEFAULT_SAMPLE.into())
        }
        [(one, _)] => Ok((*one).to_owned()),
        several => {
            let listed: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            let what = if files.len() == 1 { "holds reads of" } else { "and the other --reads hold reads of" };
            Err(Error::input(
                several[0].1.path(),
                format!(
                    "{what} {} samples ({}); give the files of one sample, or name it with --sample-name",
                    several.len(),
                    listed.join(", ")
                ),
            ))
        }
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
