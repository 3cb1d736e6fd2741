//! A VCF or BCF file -> its records' contigs, positions, alleles and first genotypes, in the file's order.
//!
//! Only these columns are read, and memory is bounded by a record's size. htslib's reader aborts the process on some damaged BCF files.

mod bcf;
mod text;

use std::fs::File;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::input::{self, regular_file};

/// Most bytes of a line, a header or a record.
const MOST_BYTES: u64 = 64 << 20;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its contig's name.
    pub contig: String,
    /// Position of the first reference base, 0-based; `None` before the contig (POS 0).
    pub position: Option<u64>,
    /// Upper-case alleles, REF first; at least that one.
    pub alleles: Vec<Vec<u8>>,
    /// Allele indexes of the first sample, `None` for missing ones; empty without a sample or without GT.
    pub genotype: Vec<Option<usize>>,
}

/// A file's records, one by one.
pub struct Variants {
    path: PathBuf,
    format: Format,
    number: u64,
    failed: bool,
}

/// The result of both formats' parsers; the error is the problem with the file, as text.
type Parsed<T> = std::result::Result<T, String>;

enum Format {
    Text(text::Records),
    Binary(bcf::Records),
}

impl Variants {
    /// Opens a file: VCF or BCF, plain, gzipped or bgzipped, whatever its name.
    ///
    /// # Errors
    /// [`Error::Input`] where it is no such file, or cut short.
    pub fn open(path: &Path) -> Result<Self> {
        let cannot = |problem: String| Error::input(path, problem);
        let file = regular_file(path)?;
        let mut lines = decompressed(file).map_err(cannot)?;
        let head = lines.fill_buf().map_err(|e| cannot(unreadable(&e)))?;
        let format = if head.starts_with(b"BCF\x02") {
            Format::Binary(bcf::Records::new(lines).map_err(cannot)?)
        } else if head.starts_with(b"#") {
            Format::Text(text::Records::new(lines).map_err(cannot)?)
        } else if head.is_empty() {
            return Err(cannot("is empty; give a VCF or BCF file".into()));
        } else {
            return Err(cannot("is not a VCF or BCF file".into()));
        };
        Ok(Self { path: path.to_owned(), format, number: 0, failed: false })
    }

    /// Number of sample columns.
    #[must_use]
    pub fn samples(&self) -> usize {
        match &self.format {
            Format::Text(records) => records.samples,
            Format::Binary(records) => records.samples,
        }
    }
}

impl Iterator for Variants {
    type Item = Result<Variant>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        self.number += 1;
        let next = match &mut self.format {
            Format::Text(records) => records.next(),
            Format::Binary(records) => records.next(),
        };
        let found = next.transpose()?;
        self.failed = found.is_err();
        Some(found.map_err(|problem| Error::input(&self.path, format!("record {}: {problem}", self.number))))
    }
}

/// The file's content, decompressed where it is compressed.
fn decompressed(file: File) -> Parsed<Box<dyn BufRead + Send>> {
    let cut = || "is cut short: its end-of-file block is missing; copy or make it again".into();
    input::unpacked(file).map_err(|e| unreadable(&e))?.ok_or_else(cut)
}

fn unreadable(error: &io::Error) -> String {
    format!("cannot be read: {error}")
}

/// An allele for a message: long ones are cut.
#[must_use]
pub fn shortened(allele: &[u8]) -> String {
    const SHOWN: usize = 20;
    let text = String::from_utf8_lossy(&allele[..allele.len().min(SHOWN)]);
    if allele.len() > SHOWN { format!("{text}... ({} bases)", allele.len()) } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "##fileformat=VCFv4.2\n##FILTER=<ID=LowQual,Description=\"x\">\n\
        ##INFO=<ID=END,Number=1,Type=Integer,Description=\"x\">\n\
        ##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n\
        ##contig=<ID=chr1,length=5000>\n##contig=<ID=chr2,length=5000>\n\
        #CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ta\tb\n";
    const RECORDS: &str = "chr1\t10\t.\ta\tC,GTT\t.\tPASS\t.\tDP:GT\t3:0/2\t4:1/1\nchr1\t20\trs1\tACGT\tA\t5\tLowQual\tEND=23\tGT\t1|.\t0/0\n\
        chr2\t7\t.\tG\t.\t.\t.\t.\tGT\t1\t0/1\nchr2\t9\t.\tN\t<DEL>\t.\t.\tEND=40\tDP\t7\t.\n";

    fn read(bytes: &[u8]) -> Result<Vec<Variant>> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Variants::open(file.path())?.collect()
    }

    fn expected() -> Vec<Variant> {
        let variant = |contig: &str, position: u64, alleles: &[&str], genotype: &[Option<usize>]| Variant {
            contig: contig.into(),
            position: Some(position),
            alleles: alleles.iter().map(|allele| allele.as_bytes().to_vec()).collect(),
            genotype: genotype.to_vec(),
        };
        vec![
            variant("chr1", 9, &["A", "C", "GTT"], &[Some(0), Some(2)]),
            variant("chr1", 19, &["ACGT", "A"], &[Some(1), None]),
            variant("chr2", 6, &["G"], &[Some(1)]),
            variant("chr2", 8, &["N", "<DEL>"], &[]),
        ]
    }

    /// The records as bcftools writes them.
    fn converted(output_type: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.vcf");
        // Genotype 1 at 7 has no such allele; bcftools accepts that.
        std::fs::write(&path, HEADER.to_owned() + RECORDS).unwrap();
        let output = Command::new("bcftools").args(["view", output_type]).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    #[test]
    fn all_formats_have_the_same_records() {
        assert_eq!(read((HEADER.to_owned() + RECORDS).as_bytes()).unwrap(), expected());
        assert_eq!(read((HEADER.to_owned() + RECORDS).replace('\n', "\r\n").as_bytes()).unwrap(), expected());
        for form in ["-Ov", "-Oz", "-Ou", "-Ob"] {
            assert_eq!(read(&converted(form)).unwrap(), expected(), "{form}");
        }
    }

    #[test]
    fn files_of_other_formats_are_rejected() {
        let said = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(said(b"").contains("is empty"));
        assert!(said(b"chr1\t1\n").contains("is not a VCF or BCF file"));
        assert!(said(b"##fileformat=VCFv4.2\n").contains("#CHROM"));
        assert!(said((HEADER.to_owned() + "chr1\tx\t.\tA\tC\t.\t.\t.\n").as_bytes()).contains("record 1: POS x"));
        assert!(said((HEADER.to_owned() + "chr1\t5\n").as_bytes()).contains("record 1: has 2 columns"));
        assert!(said((HEADER.to_owned() + "chr1 5 . A C . . .\n").as_bytes()).contains("separated by tabs"));
        for form in ["-Oz", "-Ob"] {
            let whole = converted(form);
            assert!(said(&whole[..whole.len() - 28]).contains("cut short"));
            assert!(said(&whole[..whole.len() / 2]).contains("cut short"));
        }
        let whole = converted("-Ou");
        assert!(said(&whole[..whole.len() - 3]).contains("record 4: is cut short"));
    }

    #[test]
    fn long_alleles_are_cut_in_messages() {
        assert_eq!(shortened(b"ACGT"), "ACGT");
        assert_eq!(shortened(&b"A".repeat(20_001)), "AAAAAAAAAAAAAAAAAAAA... (20001 bases)");
    }

    proptest! {
        #[test]
        fn any_bytes_are_records_or_refused(
            binary: bool, changes in proptest::collection::vec((0_usize..10_000, 0_u8..=255), 1..5), cut in 0_usize..20_000,
        ) {
            static FORMS: std::sync::LazyLock<[Vec<u8>; 2]> =
                std::sync::LazyLock::new(|| [converted("-Ov"), converted("-Ou")]);
            let mut bytes = FORMS[usize::from(binary)].clone();
            for (at, with) in changes {
                // Mostly the records, which follow the header.
                let at = if at % 3 == 0 { at % bytes.len() } else { bytes.len() - 1 - at % (bytes.len() / 3) };
                bytes[at] = with;
            }
            bytes.truncate(cut);
            if let Ok(records) = read(&bytes) {
                prop_assert!(records.iter().all(|record| !record.alleles.is_empty()));
            }
        }
    }
}
