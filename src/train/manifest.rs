//! A manifest of training data (TSV) -> its sets of files ([`SetFiles`]), each line checked, with no file but the manifest read.
//!
//! ```text
//! reads           reference  truth         confident  weight  role
//! hg001.30x.bam   b37.fa     hg001.vcf.gz  hg001.bed  1       train
//! ```
//!
//! Columns are separated by tabs. Not read by the `csv` crate: after a comment or an empty line it gives errors the wrong line number.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::files::input::{regular_file, same_file};

/// The columns that a manifest has, in any order.
pub const COLUMNS: [&str; 6] = ["reads", "reference", "truth", "confident", "weight", "role"];
/// Most bytes of a manifest; a line has some hundred.
const MOST_BYTES: u64 = 16 << 20;
/// Highest weight of a set: more copies of its regions than that are a mistake.
const MOST_WEIGHT: f64 = 1000.0;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// What a set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The model learns from it.
    Train,
    /// The model is evaluated on it while it learns: the best weights, temperatures and limits are chosen by it.
    Tune,
}

/// A line of a manifest: reads of one sample with its known variants.
#[derive(Clone, Debug)]
pub struct SetFiles {
    /// Its number in the manifest, from 1.
    pub line: usize,
    /// BAM or CRAM files of the sample.
    pub reads: Vec<PathBuf>,
    /// FASTA.
    pub reference: PathBuf,
    /// VCF of all variants that the sample has in the confident regions.
    pub truth: PathBuf,
    /// BED of the regions in which the truth is complete.
    pub confident: PathBuf,
    /// How often each of its regions is drawn in a pass over the data.
    pub weight: f64,
    /// What it is for.
    pub role: Role,
    /// The line's values as written, by column.
    written: BTreeMap<&'static str, String>,
}

/// A manifest of training data.
#[derive(Clone, Debug)]
pub struct Manifest {
    path: PathBuf,
    sets: Vec<SetFiles>,
}

impl Manifest {
    /// Reads a manifest and checks that the files that it names are there. Relative paths begin at its folder.
    ///
    /// # Errors
    /// [`Error::Input`] with the file and the line that is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let mut text = String::new();
        let cannot = |e: std::io::Error| Error::input(path, format!("cannot be read as text: {e}"));
        regular_file(path)?.take(MOST_BYTES).read_to_string(&mut text).map_err(cannot)?;
        if text.len() as u64 == MOST_BYTES {
            return Err(Error::input(path, format!("is larger than {} MiB; is it a manifest?", MOST_BYTES >> 20)));
        }
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !(line.trim().is_empty() || line.starts_with('#')));
        let (number, header) = lines.next().ok_or_else(|| {
            Error::input(path, format!("holds no line; the first one is the header, with the columns {}", listed()))
        })?;
        let at = |number: usize, problem: String| Error::input(path, format!("line {number}: {problem}"));
        let header = columns(header).map_err(|problem| at(number, problem))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let sets = lines
            .map(|(number, line)| SetFiles::parse(number, line, &header, folder).map_err(|problem| at(number, problem)))
            .collect::<Result<Vec<_>>>()?;
        for (role, name) in [(Role::Train, "train"), (Role::Tune, "tune")] {
            if sets.iter().all(|set| set.role != role) {
                return Err(Error::input(
                    path,
                    format!("holds no line with the role '{name}'; at least one is needed"),
                ));
            }
        }
        Ok(Self { path: path.to_owned(), sets })
    }

    /// The manifest's own path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its lines.
    #[must_use]
    pub fn sets(&self) -> &[SetFiles] {
        &self.sets
    }

    /// Its lines as written, for a model's card.
    #[must_use]
    pub fn written(&self) -> serde_json::Value {
        self.sets.iter().map(|set| serde_json::json!(set.written)).collect()
    }

    /// SHA-256 of its lines as written, in hexadecimal.
    pub(super) fn checksum(&self) -> String {
        format!("{:x}", Sha256::digest(self.written().to_string()))
    }
}

impl SetFiles {
    fn parse(number: usize, line: &str, header: &[&'static str], folder: &Path) -> Result<Self, String> {
        let fields: Vec<&str> = line.split('\t').map(str::trim).collect();
        if fields.len() != header.len() {
            return Err(format!("has {} columns, the header has {}", fields.len(), header.len()));
        }
        let written: BTreeMap<_, _> =
            header.iter().copied().zip(fields.iter().map(|&field| field.to_owned())).collect();
        let path_of = |column: &str, name: &str| {
            if name.is_empty() {
                return Err(format!("names no file in the column '{column}'"));
            }
            let path = folder.join(name);
            regular_file(&path).map_err(|e| format!("{column} {e}"))?;
            Ok(path)
        };
        let path = |column: &str| path_of(column, &written[column]);
        let reads =
            written["reads"].split(',').map(|name| path_of("reads", name.trim())).collect::<Result<Vec<_>, _>>()?;
        for (i, file) in reads.iter().enumerate() {
            if reads[..i].iter().any(|before| same_file(before, file)) {
                return Err(format!("names the reads {} twice", file.display()));
            }
        }
        Ok(Self {
            line: number,
            reads,
            reference: path("reference")?,
            truth: path("truth")?,
            confident: path("confident")?,
            weight: weight(&written["weight"])?,
            role: role(&written["role"])?,
            written,
        })
    }
}

/// The columns that a header names, in its order.
fn columns(header: &str) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    for name in header.split('\t').map(str::trim) {
        let unknown = || format!("the header has an unknown column '{name}'; the columns are {}", listed());
        let &column = COLUMNS.iter().find(|&&column| column == name).ok_or_else(unknown)?;
        if found.contains(&column) {
            return Err(format!("the header has the column '{name}' twice"));
        }
        found.push(column);
    }
    let missing = COLUMNS.iter().find(|column| !found.contains(column));
    missing.map_or(Ok(found), |missing| {
        Err(format!("the header lacks the column '{missing}'; the columns are {}", listed()))
    })
}

fn listed() -> String {
    format!("{}, separated by tabs", COLUMNS.join(", "))
}

fn weight(text: &str) -> Result<f64, String> {
    let weight = text.parse::<f64>().ok().filter(|&weight| weight > 0.0 && weight <= MOST_WEIGHT);
    weight.ok_or_else(|| format!("weight '{text}' is not a positive number of at most {MOST_WEIGHT}"))
}

fn role(text: &str) -> Result<Role, String> {
    match text {
        "train" => Ok(Role::Train),
        "tune" => Ok(Role::Tune),
        _ => Err(format!("role '{text}' is neither 'train' nor 'tune'")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "reads\treference\ttruth\tconfident\tweight\trole";

    /// A folder with the files that manifests here name, and a manifest.
    fn read(text: &str) -> Result<Manifest> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.bam", "b.bam", "r.fa", "t.vcf", "c.bed"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let path = folder.path().join("sets.tsv");
        std::fs::write(&path, text).unwrap();
        Manifest::read(&path)
    }

    #[track_caller]
    fn refused(text: &str, words: &[&str]) {
        let said = read(text).unwrap_err().to_string();
        assert!(said.contains("sets.tsv: ") && !said.contains('\n'), "{said}");
        for word in words {
            assert!(said.contains(word), "'{word}' is not in: {said}");
        }
    }

    #[test]
    fn lines_become_sets() {
        let text = "# made by hand\n\nrole\tweight\treads\treference\ttruth\tconfident\r\n\
            train\t0.5\ta.bam, b.bam\tr.fa\tt.vcf\tc.bed\n# and\n\ntune\t2\ta.bam\tr.fa\tt.vcf\tc.bed\n";
        let manifest = read(text).unwrap();
        let [train, tune] = manifest.sets() else { panic!("two sets") };
        assert_eq!((train.line, train.role, train.reads.len()), (4, Role::Train, 2));
        assert_eq!((tune.line, tune.role, tune.reads.len()), (7, Role::Tune, 1));
        assert!((train.weight - 0.5).abs() < 1e-9 && (tune.weight - 2.0).abs() < 1e-9);
        assert!(train.reads[1].is_absolute() && train.reads[1].ends_with("b.bam"));
        assert_eq!(manifest.written()[0]["reads"], "a.bam, b.bam");
    }

    #[test]
    fn comments_do_not_change_the_data() {
        let lines = "a.bam\tr.fa\tt.vcf\tc.bed\t1\ttrain\nb.bam\tr.fa\tt.vcf\tc.bed\t1\ttune\n";
        let checksum = |text: &str| read(text).unwrap().checksum();
        let plain = checksum(&format!("{HEADER}\n{lines}"));
        assert_eq!(plain, checksum(&format!("#\n{HEADER}\n\n{lines}")));
        assert_ne!(plain, checksum(&format!("{HEADER}\n{}", lines.replacen('1', "2", 1))));
    }

    #[test]
    fn a_header_is_needed() {
        refused("", &["holds no line", "reads, reference"]);
        refused("a.bam\tr.fa\n", &["line 1", "unknown column 'a.bam'", "confident, weight, role"]);
        refused(&format!("\n{}\n", &HEADER[..HEADER.len() - 5]), &["line 2", "lacks the column 'role'"]);
        refused(&format!("{HEADER}\trole\n"), &["line 1", "'role' twice"]);
    }

    #[test]
    fn faults_of_a_line_have_its_number() {
        let line =
            |line: &str, words: &[&str]| refused(&format!("{HEADER}\n#\n{line}\n"), &[&["line 3"], words].concat());
        line("a.bam\tr.fa\tt.vcf\tc.bed\t1", &["has 5 columns, the header has 6"]);
        for weight in ["0", "-1", "nan", "inf", "", "two", "1001"] {
            line(&format!("a.bam\tr.fa\tt.vcf\tc.bed\t{weight}\ttrain"), &["weight '", "positive number"]);
        }
        line("a.bam\tr.fa\tt.vcf\tc.bed\t1\tjudge", &["role 'judge' is neither"]);
        line("no.bam\tr.fa\tt.vcf\tc.bed\t1\ttrain", &["reads ", "no.bam", "cannot be opened"]);
        line("a.bam\tr.fa\tno.vcf\tc.bed\t1\ttrain", &["truth ", "no.vcf"]);
        line("a.bam,\tr.fa\tt.vcf\tc.bed\t1\ttrain", &["names no file in the column 'reads'"]);
        line("a.bam,./a.bam\tr.fa\tt.vcf\tc.bed\t1\ttrain", &["a.bam twice"]);
        line("a.bam\tr.fa\tt.vcf\t.\t1\ttrain", &["confident ", "is a folder"]);
    }

    #[test]
    fn both_roles_are_needed() {
        let line = "a.bam\tr.fa\tt.vcf\tc.bed\t1";
        refused(&format!("{HEADER}\n{line}\ttrain\n"), &["no line with the role 'tune'"]);
        refused(&format!("{HEADER}\n{line}\ttune\n"), &["no line with the role 'train'"]);
    }
}
