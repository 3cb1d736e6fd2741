//! VCF's text -> records.

use std::io::{BufRead, Read as _};

use crate::variant::records::{MOST_BYTES, Parsed, Variant, unreadable};

/// Columns up to ALT; what follows is not needed.
const COLUMNS: usize = 5;
const FORMAT: usize = 8;

/// The records of a file.
pub(super) struct Records {
    lines: Box<dyn BufRead + Send>,
    line: Vec<u8>,
    pub(super) samples: usize,
}

impl Records {
    /// Reads the header.
    pub(super) fn new(lines: Box<dyn BufRead + Send>) -> Parsed<Self> {
        let mut records = Self { lines, line: Vec::new(), samples: 0 };
        while records.advance()? {
            if records.line.starts_with(b"#CHROM") {
                records.samples = records.line.split(|&byte| byte == b'\t').count().saturating_sub(FORMAT + 1);
                return Ok(records);
            }
            if !records.line.starts_with(b"#") && !records.line.is_empty() {
                break;
            }
        }
        Err("has no line #CHROM between its header and its records; it is not VCF, or damaged".into())
    }

    /// Reads the next line, without its end; false after the last.
    fn advance(&mut self) -> Parsed<bool> {
        self.line.clear();
        let read =
            self.lines.by_ref().take(MOST_BYTES).read_until(b'\n', &mut self.line).map_err(|e| unreadable(&e))?;
        if read as u64 == MOST_BYTES {
            return Err("has a line that is longer than 64 MiB".into());
        }
        while self.line.last().is_some_and(|byte| b"\r\n".contains(byte)) {
            self.line.pop();
        }
        Ok(read > 0)
    }

    pub(super) fn next(&mut self) -> Parsed<Option<Variant>> {
        while self.advance()? {
            if !self.line.is_empty() && !self.line.starts_with(b"#") {
                return record(&self.line).map(Some);
            }
        }
        Ok(None)
    }
}

fn record(line: &[u8]) -> Parsed<Variant> {
    let columns: Vec<&[u8]> = line.split(|&byte| byte == b'\t').take(FORMAT + 2).collect();
    if columns.len() < COLUMNS {
        return Err(format!("has {} columns, not 8 or more that are separated by tabs", columns.len()));
    }
    let text = |column: &[u8]| String::from_utf8_lossy(column).into_owned();
    let position: u64 =
        text(columns[1]).parse().map_err(|_| format!("POS {} is no position", super::shortened(columns[1])))?;
    let alts = columns[4].split(|&byte| byte == b',').filter(|&alt| alt != b"." && !columns[4].is_empty());
    Ok(Variant {
        contig: text(columns[0]),
        position: position.checked_sub(1),
        alleles: std::iter::once(columns[3]).chain(alts).map(<[u8]>::to_ascii_uppercase).collect(),
        genotype: columns.get(FORMAT).zip(columns.get(FORMAT + 1)).map_or(Vec::new(), |(f, s)| genotype(f, s)),
    })
}

/// The alleles of `0/1`, `1|.`, `1`.
fn genotype(format: &[u8], sample: &[u8]) -> Vec<Option<usize>> {
    let mut values = sample.split(|&byte| byte == b':');
    let Some(at) = format.split(|&byte| byte == b':').position(|key| key == b"GT") else { return Vec::new() };
    let Some(value) = values.nth(at) else { return Vec::new() };
    let alleles = value.split(|byte| b"/|".contains(byte));
    alleles.map(|allele| std::str::from_utf8(allele).ok()?.parse().ok()).collect()
}
