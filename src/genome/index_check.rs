//! The entries of a `.fai` -> whether they match this FASTA: between two contigs lies the second one's header and nothing else.
//!
//! That is checked for each contig of up to [`EXACT`], and of all in a plain file of up to [`SMALL`] bytes. Of more, a sample
//! is checked, spread evenly, with the first and last and those with more bytes before them than others; so the check costs some
//! thousand small reads, however many contigs there are. Later line ends are checked when the lines are read.

use std::collections::HashSet;

use super::bytes::Bytes;
use super::fai::Entry;

/// Up to this many contigs are all checked, as are those of a plain FASTA of up to `SMALL` bytes; of more contigs, a sample: in a
/// BGZF file each costs the decompression of a block.
const EXACT: usize = 1000;
const OF_MORE: usize = 1000;
const OF_MORE_PACKED: usize = 300;
const SMALL: u64 = 1 << 28;
/// Most bytes of a header line that are read.
const LONGEST_HEADER: u64 = 1 << 16;
/// Most bytes between two lines' bases.
const LONGEST_LINE_END: u64 = 16;
/// Bytes of the first line that are checked.
const GLANCE: u64 = 128;

/// Checks the entries; gives the names of contigs that the FASTA has twice: `samtools faidx` passes over the second.
///
/// # Errors
/// Which contig is not where its entry says.
pub(super) fn check(entries: &[Entry], fasta: &mut Bytes) -> Result<HashSet<String>, String> {
    let length = fasta.length();
    let mut seen = HashSet::with_capacity(entries.len());
    let mut doubled = HashSet::new();
    for entry in entries {
        if let Some(problem) = entry.impossible(length) {
            return Err(format!("contig '{}': {problem}", entry.name));
        }
        if !seen.insert(entry.name.as_str()) {
            doubled.insert(entry.name.clone());
        }
    }
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.offset);
    let ends: Vec<u64> = std::iter::once(0).chain(sorted.iter().map(|entry| entry.end())).collect();
    let all = sorted.len() <= EXACT || matches!(fasta, Bytes::Plain(_, length) if *length <= SMALL);
    let of_more = if matches!(fasta, Bytes::Plain(..)) { OF_MORE } else { OF_MORE_PACKED };
    let wanted = if all { (0..sorted.len()).collect() } else { some(&sorted, &ends, of_more) };
    for i in wanted {
        let (entry, from) = (sorted[i], ends[i]);
        let wrong = |problem: &str| format!("contig '{}': {problem}", entry.name);
        let before = from.checked_sub(1).and(sorted.get(i.wrapping_sub(1))).map(|entry| entry.name.as_str());
        let Some(gap) = entry.offset.checked_sub(from) else {
            return Err(wrong(&format!("it overlaps '{}'", before.unwrap_or_default())));
        };
        let bytes =
            |fasta: &mut Bytes, from, to| fasta.read(from, to).map_err(|e| wrong(&format!("cannot be read: {e}")));
        let head = bytes(fasta, from, from + gap.min(LONGEST_HEADER))?;
        let tail_from = entry.offset - gap.min(LONGEST_HEADER);
        let tail = if tail_from == from { head.clone() } else { bytes(fasta, tail_from, entry.offset)? };
        let (first, at) = header(&head, before.is_none()).ok_or_else(|| {
            let place = before.map_or_else(|| "the file's start".to_owned(), |name| format!("the end of '{name}'"));
            wrong(&format!("no header follows {place} at byte {from}"))
        })?;
        let (last, last_at) =
            last_header(&tail).ok_or_else(|| wrong(&format!("byte {} follows no header", entry.offset)))?;
        if last != entry.name {
            return Err(wrong(&format!("the header before byte {} is that of '{last}'", entry.offset)));
        }
        if (at as u64 + from) != (last_at as u64 + tail_from) {
            let is_known = seen.contains(first.as_str());
            // `samtools faidx` passes over a contig without bases.
            let is_empty = tail_from == from && only_headers(&head);
            if !is_known && !is_empty {
                return Err(format!("it lacks contig '{first}' of the FASTA"));
            }
            if is_known {
                doubled.insert(first);
            }
        }
        first_line(entry, fasta).map_err(|problem| wrong(&problem))?;
    }
    let from = ends.last().copied().unwrap_or(0);
    let rest = fasta.read(from, (from + LONGEST_HEADER).min(length)).map_err(|e| e.to_string())?;
    if !only_headers(&rest) {
        match header(&rest, false) {
            Some((name, _)) if seen.contains(name.as_str()) => drop(doubled.insert(name)),
            Some((name, _)) => return Err(format!("it lacks contig '{name}' of the FASTA")),
            None => return Err(format!("the last contig does not end at byte {from}")),
        }
    }
    Ok(doubled)
}

/// The sample of many contigs that is checked: about `most`, and as many odd ones.
fn some(sorted: &[&Entry], ends: &[u64], most: usize) -> Vec<usize> {
    // What lies before a contig beside its name.
    let extra: Vec<u64> = sorted
        .iter()
        .zip(ends)
        .map(|(entry, &end)| entry.offset.saturating_sub(end).saturating_sub(entry.name.len() as u64))
        .collect();
    let mut by_size = extra.clone();
    by_size.sort_unstable();
    let usual = by_size[by_size.len() / 2];
    let step = sorted.len().div_ceil(most);
    let odd = |i: usize| sorted[i].offset < ends[i] || extra[i] > usual + 32;
    let mut odd_ones = 0;
    let last = sorted.len() - 1;
    (0..=last)
        .filter(|&i| {
            let is_odd = odd(i) && odd_ones < most;
            odd_ones += usize::from(is_odd);
            is_odd || i.is_multiple_of(step) || i == last
        })
        .collect()
}

/// The name in the header that these bytes begin with, behind the end of a line unless it is the file's first, and where its `>` is.
fn header(bytes: &[u8], is_first: bool) -> Option<(String, usize)> {
    let at = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let starts = bytes[at] == b'>' && (is_first || bytes[..at].contains(&b'\n'));
    starts.then(|| (name(&bytes[at + 1..]), at))
}

/// The name in the header line that these bytes end with, and where its `>` is.
fn last_header(bytes: &[u8]) -> Option<(String, usize)> {
    let line = bytes.strip_suffix(b"\n")?;
    let at = line.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    (line.get(at) == Some(&b'>')).then(|| (name(&line[at + 1..]), at))
}

/// True for headers and empty lines, and nothing else.
fn only_headers(bytes: &[u8]) -> bool {
    bytes.split(|&byte| byte == b'\n').all(|line| line.starts_with(b">") || line.trim_ascii().is_empty())
}

fn name(header: &[u8]) -> String {
    // Blanks may stand before the name.
    let header = header.trim_ascii_start();
    let end = header.iter().position(u8::is_ascii_whitespace).unwrap_or(header.len());
    String::from_utf8_lossy(&header[..end]).into_owned()
}

/// Checks that the first line ends where it should.
fn first_line(entry: &Entry, fasta: &mut Bytes) -> Result<(), String> {
    let between = entry.line_width.saturating_sub(entry.line_bases);
    if entry.length > entry.line_bases && between > LONGEST_LINE_END {
        return Err(format!("its lines have {} bases in {} bytes", entry.line_bases, entry.line_width));
    }
    let mut read = |from, to| fasta.read(from, to).map_err(|e| format!("cannot be read: {e}"));
    let glance = read(entry.offset, (entry.offset + GLANCE.min(entry.line_bases)).min(entry.end()))?;
    if glance.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'>') {
        return Err(format!("its first line does not hold {} bases", entry.line_bases));
    }
    if entry.length > entry.line_bases {
        let to = entry.byte_of(entry.line_bases);
        let end = read(to - between - 1, to)?;
        let whole = end[0].is_ascii_graphic() && end[1..].iter().all(u8::is_ascii_whitespace);
        if !whole || end.last() != Some(&b'\n') {
            return Err(format!("its first line does not end before byte {to}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contigs_without_bases_are_passed_over() {
        assert!(only_headers(b"\n>empty\n> another\n\n"));
        assert!(!only_headers(b">a\nACGT\n"));
        assert_eq!(name(b" chrA description"), "chrA");
    }
    use crate::genome::{ContigId, Interval, ReferenceFile};

    const FASTA: &str = ">a one\nACGTA\nCCGTA\nGG\n>b\nACGTACGT\n>c three of them\nTTGCA\nTT\n";
    const FAI: &str = "a\t12\t7\t5\t6\nb\t8\t25\t8\t9\nc\t7\t51\t5\t6\n";

    /// All contigs of a FASTA with such an index.
    fn read(fasta: &[u8], fai: &[u8]) -> Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.fa");
        std::fs::write(&path, fasta).unwrap();
        std::fs::write(folder.path().join("r.fa.fai"), fai).unwrap();
        let file = ReferenceFile::new(&path).map_err(|e| e.to_string())?;
        let mut reference = file.open().unwrap();
        let all = file.contigs().iter().map(|(id, contig)| {
            let bases = reference.bases(id, Interval::new(0, contig.length)).map_err(|e| e.to_string())?;
            Ok((contig.name.clone(), String::from_utf8(bases).unwrap()))
        });
        all.collect()
    }

    fn right() -> Vec<(String, String)> {
        [("a", "ACGTACCGTAGG"), ("b", "ACGTACGT"), ("c", "TTGCATT")].map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec()
    }

    #[test]
    fn what_samtools_writes_is_right() {
        assert_eq!(read(FASTA.as_bytes(), FAI.as_bytes()).unwrap(), right());
        // No end of the last line, lines that end as DOS has it, blank lines at the end, an empty contig.
        assert_eq!(read(FASTA.trim_end().as_bytes(), FAI.as_bytes()).unwrap(), right());
        let dos = "a\t12\t8\t5\t7\nb\t8\t30\t8\t10\nc\t7\t58\t5\t7\n";
        assert_eq!(read(FASTA.replace('\n', "\r\n").as_bytes(), dos.as_bytes()).unwrap(), right());
        assert_eq!(read(format!("{FASTA}\n\n").as_bytes(), FAI.as_bytes()).unwrap(), right());
        let empty = [right(), vec![("d".to_owned(), String::new())]].concat();
        assert_eq!(
            read(format!("{FASTA}>d\n").as_bytes(), format!("{FAI}d\t0\t{}\t0\t0\n", FASTA.len() + 3).as_bytes())
                .unwrap(),
            empty
        );
        assert_eq!(read(b">a\nACGT", b"a\t4\t3\t4\t4\n").unwrap(), [("a".to_owned(), "ACGT".to_owned())]);
    }

    #[track_caller]
    fn refused(fai: &str, words: &[&str]) {
        let message = read(FASTA.as_bytes(), fai.as_bytes()).unwrap_err();
        for word in words.iter().chain(&["r.fa.fai", "samtools faidx"]) {
            assert!(message.contains(word), "'{word}' is not in: {message}");
        }
    }

    #[test]
    fn indexes_that_lie() {
        refused(&FAI.replace("7\t5\t6\nb", "7\t6\t6\nb"), &["'a'", "6 bases in 6 bytes"]);
        refused(&FAI.replace("7\t5\t6\nb", "7\t6\t7\nb"), &["'a'"]);
        refused(&FAI.replace("7\t5\t6\nb", "7\t0\t0\nb"), &["'a'", "no bases"]);
        refused(&FAI.replace("7\t5\t6\nb", "7\t5\t4\nb"), &["'a'"]);
        refused(&FAI.replace("c\t7", "c\t4611686018427387904"), &["'c'", "past the end of the file"]);
        refused(&FAI.replace("c\t7", "c\t6"), &["does not end"]);
        refused(&FAI.replace("a\t12", "a\t11"), &["'b'", "no header"]);
        refused(&FAI.replace("a\t12", "a\t20"), &["'b'", "overlaps 'a'"]);
        refused(&FAI.replace("\t51\t", "\t50\t"), &["'c'", "follows no header"]);
        refused(&FAI.replace("b\t8\t25", "b\t7\t26"), &["'b'"]);
        refused(&FAI.replace("b\t8", "x\t8"), &["'x'", "that of 'b'"]);
        refused("a\t12\t7\t5\t6\nb\t8\t25\t8\t9\n", &["lacks contig 'c' of the FASTA"]);
        refused("a\t12\t7\t5\t6\nc\t7\t51\t5\t6\n", &["lacks contig 'b' of the FASTA"]);
        refused("b\t8\t25\t8\t9\nc\t7\t51\t5\t6\n", &["lacks contig 'a' of the FASTA"]);
        refused(&format!("{FAI}{FAI}"), &["overlaps"]);
        refused("a\t12\t7\t5\n", &["line 1"]);
        refused("", &["lists no contigs"]);
    }

    #[test]
    fn lines_of_other_lengths_are_found_where_they_are_read() {
        // As long as before: one line has a base more, the next has one less.
        let message = read(FASTA.replace("ACGTA\nCCGTA", "ACGTAC\nCGTA").as_bytes(), FAI.as_bytes()).unwrap_err();
        assert!(message.contains("'a'"), "{message}");
        let long =
            format!(">a\n{}", "ACGTA\n".repeat(99)).replacen("A\nACG", "AA\nCG", 60).replacen("AA\nCG", "A\nACG", 40);
        let message = read(long.as_bytes(), b"a\t495\t3\t5\t6\n").unwrap_err();
        assert!(message.contains("'a'"), "{message}");
    }

    #[test]
    fn one_of_many_contigs_is_missing() {
        let (mut fasta, mut fai) = (String::new(), String::new());
        for i in 0..3000 {
            writeln!(fasta, ">s{i}").unwrap();
            writeln!(fai, "s{i}\t8\t{}\t8\t9", fasta.len()).unwrap();
            writeln!(fasta, "ACGTACGT").unwrap();
        }
        assert_eq!(read(fasta.as_bytes(), fai.as_bytes()).unwrap().len(), 3000);
        let lines: Vec<_> = fai.lines().collect();
        for missing in [0, 1, 1500, 1501, 2999] {
            let fewer: Vec<_> = (0..3000).filter(|&i| i != missing).map(|i| lines[i]).collect();
            let fewer = fewer.join("\n");
            assert!(
                read(fasta.as_bytes(), fewer.as_bytes()).unwrap_err().contains(&format!("'s{missing}'")),
                "{missing}"
            );
        }
    }

    #[test]
    fn of_more_contigs_some_are_looked_at() {
        let mut offset = 0;
        let entries: Vec<_> = (0..5000)
            .map(|i| {
                // Before one a contig of 100 bp is missing, and one begins before the last ends.
                offset += match i {
                    1234 => 120,
                    4321 => 5,
                    _ => 18,
                };
                Entry { name: format!("s{i:04}"), length: 10, offset, line_bases: 10, line_width: 11 }
            })
            .collect();
        let sorted: Vec<_> = entries.iter().collect();
        let ends: Vec<_> = std::iter::once(0).chain(entries.iter().map(Entry::end)).collect();
        let found = some(&sorted, &ends, 1000);
        assert!((1000..1010).contains(&found.len()), "{}", found.len());
        assert!([0, 5, 1234, 4321, 4999].iter().all(|i| found.contains(i)));
    }

    #[test]
    fn a_name_twice_is_known() {
        let fasta = format!("{FASTA}>a\nGGGG\n>d\nTT\n>b\nC\n");
        let fai = format!("{FAI}d\t2\t{}\t2\t3\n", FASTA.len() + 11);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.fa");
        std::fs::write(&path, &fasta).unwrap();
        for extra in [String::new(), format!("a\t4\t{}\t4\t5\n", FASTA.len() + 3)] {
            std::fs::write(folder.path().join("r.fa.fai"), format!("{fai}{extra}")).unwrap();
            let file = ReferenceFile::new(&path).unwrap();
            assert_eq!(["a", "b", "c", "d"].map(|name| file.is_doubled(name)), [true, true, false, false]);
            assert_eq!((file.contigs().len(), file.contigs().id("a")), (4, Some(ContigId(0))));
            assert_eq!(file.open().unwrap().bases(ContigId(3), Interval::new(0, 2)).unwrap(), b"TT");
        }
    }

    proptest! {
        /// An index with changed bytes is refused, or every contig has the bases it has.
        #[test]
        fn any_change(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4)) {
            let mut fai = FAI.as_bytes().to_vec();
            for (at, byte, digit) in changes {
                let at = at.index(fai.len());
                fai[at] = if digit { b'0' + byte % 10 } else { byte };
            }
            if let Ok(found) = read(FASTA.as_bytes(), &fai) {
                prop_assert_eq!(found, right());
            }
        }
    }
}
