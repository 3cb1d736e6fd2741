//! A file -> whether its records are in order; its first records.

use rust_htslib::bam::{self, Read as _};

use super::head::Head;
use crate::error::{Error, Result};

/// Records read from the start of the file to check their order.
const SAMPLED_RECORDS: usize = 5000;

/// Checks the order of the first records. A header that contradicts it only gives a warning: the index was
/// compared with the records.
pub(super) fn check(file: &Head) -> Result<()> {
    let mut last = (0, i64::MIN);
    for record in first_records(file, SAMPLED_RECORDS)? {
        let position = (if record.tid() < 0 { i32::MAX } else { record.tid() }, record.pos());
        if position < last {
            return Err(file.unsorted(record.tid(), record.pos()));
        }
        last = position;
    }
    if let Some(order @ ("unsorted" | "queryname")) = header_tag(&file.text, "@HD", "SO") {
        log::warn!(
            "{}: its header says SO:{order}, but its records are sorted by position; using them",
            file.path.display()
        );
    }
    Ok(())
}

pub(super) fn first_records(file: &Head, most: usize) -> Result<Vec<bam::Record>> {
    let mut reader = bam::Reader::from_path(&file.path).map_err(|_| Error::input(&file.path, "cannot be opened"))?;
    file.give_reference(|reference| reader.set_reference(reference))?;
    let mut records = Vec::new();
    let mut last = (-1, 0);
    for outcome in reader.records().take(most) {
        let record = outcome.map_err(|e| file.broken_at(last.0, last.1, &e))?;
        last = (record.tid(), record.pos());
        records.push(record);
    }
    Ok(records)
}

/// The value of `tag` in the first header line of `kind`.
fn header_tag<'a>(header: &'a str, kind: &str, tag: &str) -> Option<&'a str> {
    let line = header.lines().find(|line| line.starts_with(kind))?;
    line.split('\t').find_map(|field| field.strip_prefix(tag)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_tags() {
        let header = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:1\tLN:10\n";
        assert_eq!(header_tag(header, "@HD", "SO"), Some("coordinate"));
        assert_eq!(header_tag(header, "@HD", "GO"), None);
    }
}
