//! A BAM header -> the name of the sample whose reads it holds.

use crate::error::{Error, Parameter, Result};

use super::BamFile;

/// Name of a sample whose reads do not name it.
pub const DEFAULT_SAMPLE: &str = "default";

/// The sample's name: `requested`, else the SM tag that all read groups of all files share, else [`DEFAULT_SAMPLE`] with a
/// warning.
///
/// # Errors
/// [`Error::Input`] where the read groups name several samples and none was requested: they would be called as one. [`Error::Parameter`]
/// or [`Error::Input`] for a name that no column of a VCF can have.
pub fn sample_name(files: &[BamFile], requested: Option<&str>) -> Result<String> {
    if let Some(name) = requested {
        if !usable(name) {
            let problem = "is empty or contains a control character, which VCF does not allow";
            return Err(Error::parameter(
                Parameter::SampleName,
                format!("{name:?}"),
                format!("{problem}; give another name"),
            ));
        }
        return Ok(name.to_owned());
    }
    let mut names: Vec<(&str, &BamFile)> =
        files.iter().flat_map(|file| sample_tags(file.header()).into_iter().map(move |name| (name, file))).collect();
    names.sort_by_key(|(name, _)| *name);
    names.dedup_by_key(|(name, _)| *name);
    match names.as_slice() {
        [] => {
            let paths: Vec<_> = files.iter().map(|file| file.path().display().to_string()).collect();
            log::warn!("{}: no read group names a sample (SM); using '{DEFAULT_SAMPLE}'", paths.join(", "));
            Ok(DEFAULT_SAMPLE.into())
        }
        [(one, file)] if !usable(one) => {
            let problem = format!("its sample name {one:?} contains a control character; set another name");
            Err(Error::input_or_set(file.path(), problem, Parameter::SampleName))
        }
        [(one, _)] => Ok((*one).to_owned()),
        several => {
            let listed: Vec<_> = several.iter().map(|(name, _)| *name).collect();
            let what = if files.len() == 1 { "holds reads of" } else { "and the other files hold reads of" };
            let (n, listed) = (several.len(), listed.join(", "));
            let problem = format!("{what} {n} samples ({listed}); give the files of one sample, or set its name");
            Err(Error::input_or_set(several[0].1.path(), problem, Parameter::SampleName))
        }
    }
}

/// Whether a column of a VCF can have that name.
fn usable(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_control)
}

/// The sequencing platforms that the read groups of the files name (PL), in capitals, each once.
#[must_use]
pub fn platforms(files: &[BamFile]) -> Vec<String> {
    let mut found: Vec<String> =
        files.iter().flat_map(|file| tags(file.header(), "PL:")).map(str::to_uppercase).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The samples that read groups name; an empty name is none.
fn sample_tags(header: &str) -> Vec<&str> {
    tags(header, "SM:")
}

/// The values of a tag of the read groups; empty ones are none.
fn tags<'a>(header: &'a str, tag: &str) -> Vec<&'a str> {
    // Not `lines`, which takes a carriage return for part of the break.
    let groups = header.split('\n').filter(|line| line.starts_with("@RG\t"));
    let values = groups.filter_map(|line| line.split('\t').find_map(|field| field.strip_prefix(tag)));
    values.filter(|value| !value.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_read_groups_name_samples() {
        let header = "@HD\tVN:1.6\n@RG\tID:a\tSM:x\n@RG\tID:b\tLB:l\n@RG\tID:c\tSM:y\n@CO\tSM:z\n";
        assert_eq!(sample_tags(header), ["x", "y"]);
    }

    #[test]
    fn an_empty_name_is_none() {
        assert_eq!(sample_tags("@RG\tID:a\tSM:\n@RG\tID:b\tSM:\tLB:l\n"), [""; 0]);
    }

    #[test]
    fn names_that_no_vcf_can_hold_are_refused() {
        assert_eq!(sample_name(&[], Some("NA 12878")).unwrap(), "NA 12878");
        for name in ["", "a\tb", "a\nb", "a\r", "\u{7f}"] {
            assert_eq!(sample_name(&[], Some(name)).unwrap_err().exit_code(), 2, "{name:?}");
        }
    }
}
