//! The files that a command reads and writes, each with its flag -> nothing, or an error if one would be overwritten.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::index_names;
use crate::files::input::{same_file, with_suffix};

/// Inputs and outputs of a command.
#[derive(Clone, Debug, Default)]
pub struct Files {
    inputs: Vec<Named>,
    outputs: Vec<Named>,
}

/// A file and what it is called in messages, for example `--reads a.bam`.
#[derive(Clone, Debug)]
struct Named {
    called: String,
    path: PathBuf,
}

impl Named {
    fn new(flag: &str, path: &Path) -> Self {
        Self { called: format!("{flag} {}", path.display()), path: path.to_owned() }
    }

    /// The file; `-` is the target of standard output.
    fn file(&self) -> &Path {
        if self.path.as_os_str() == "-" { Path::new("/proc/self/fd/1") } else { &self.path }
    }
}

impl Files {
    /// Adds a file that is read.
    pub fn input(&mut self, flag: &str, path: &Path) {
        self.inputs.push(Named::new(flag, path));
    }

    /// Adds an input, and the files beside it with these suffixes, which may be its indexes.
    pub fn input_with_indexes(&mut self, flag: &str, path: &Path, suffixes: &[&str]) {
        self.input(flag, path);
        let of = format!("the index of {flag}");
        for suffix in suffixes {
            self.input(&of, &with_suffix(path, &format!(".{suffix}")));
            self.input(&of, &path.with_extension(suffix));
        }
    }

    /// Adds an output, and the possible names of its index; `-` is standard output.
    pub fn output(&mut self, flag: &str, path: &Path) {
        self.outputs.push(Named::new(flag, path));
        let indexes = index_names(path);
        self.outputs.extend(indexes.iter().map(|index| Named::new(&format!("the index of {flag}"), index)));
    }

    /// The outputs and the possible names of their indexes.
    pub fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.outputs.iter().map(|output| output.path.as_path())
    }

    /// Checks that no output is an input, and no two outputs are one file, whatever their paths.
    ///
    /// # Errors
    /// [`Error::Usage`] with the flags of both.
    pub fn check(&self) -> Result<()> {
        for (i, output) in self.outputs.iter().enumerate() {
            let same = |other: &&Named| same_file(output.file(), other.file());
            if let Some(input) = self.inputs.iter().find(same) {
                return Err(Error::Usage(format!(
                    "{} would overwrite {}; give the output another name",
                    output.called, input.called
                )));
            }
            if let Some(other) = self.outputs[..i].iter().find(same) {
                return Err(Error::Usage(format!(
                    "{} and {} are the same file; give them different names",
                    other.called, output.called
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refusal(inputs: &[(&str, &Path)], outputs: &[(&str, &Path)]) -> Option<String> {
        let mut files = Files::default();
        for (flag, path) in inputs {
            files.input_with_indexes(flag, path, &["bai", "csi"]);
        }
        for (flag, path) in outputs {
            files.output(flag, path);
        }
        files.check().err().map(|e| {
            assert_eq!(e.exit_code(), 2);
            e.to_string()
        })
    }

    #[test]
    fn an_output_is_no_input_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let reads = path("reads.bam");
        std::fs::write(&reads, "x").unwrap();
        std::fs::hard_link(&reads, path("hard.bam")).unwrap();
        symlink(&reads, path("soft.bam")).unwrap();
        for name in ["reads.bam", "./reads.bam", "hard.bam", "soft.bam"] {
            let said = refusal(&[("--reads", &reads)], &[("--realigned-bam", &path(name))]).unwrap();
            assert!(said.contains("--realigned-bam") && said.contains("--reads"), "{said}");
        }
        assert_eq!(refusal(&[("--reads", &reads)], &[("--realigned-bam", &path("other.bam"))]), None);
    }

    #[test]
    fn indexes_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("reads.bam.bai"), "x").unwrap();
        symlink(path("reads.bam.bai"), path("new.bam.bai")).unwrap();
        let said = refusal(&[("--reads", &path("reads.bam"))], &[("--realigned-bam", &path("new.bam"))]).unwrap();
        assert!(said.contains("the index of --realigned-bam") && said.contains("the index of --reads"), "{said}");
        let said = refusal(&[], &[("--a", &path("x.vcf.gz")), ("--b", &path("x.vcf.gz.tbi"))]).unwrap();
        assert!(said.contains("the index of --a") && said.contains("--b"), "{said}");
    }

    #[test]
    fn standard_output_is_one_file() {
        let dash = Path::new("-");
        assert!(refusal(&[], &[("--output-vcf", dash), ("--output-gvcf", dash)]).unwrap().contains("--output-gvcf -"));
        assert_eq!(refusal(&[("--reads", Path::new("a.bam"))], &[("--output-vcf", dash)]), None);
    }
}
