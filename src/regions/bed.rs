//! A BED file, plain or gzipped -> its intervals, on the contigs of the reference.

use std::fs::File;
use std::io::{self, BufRead, Read as _};
use std::path::Path;

use crate::error::{Error, Result};
use crate::files::input::{self, regular_file};
use crate::genome::{ContigId, Contigs, Interval};

/// Most bytes of a line: a few kilobytes of gzip can unpack to a line of gigabytes.
const LONGEST_LINE: u64 = 1 << 20;
/// Lines past a contig's end that are named in warnings.
const MOST_WARNINGS: u64 = 5;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Passes the interval of each line, clipped to its contig, to `take`.
///
/// # Errors
/// [`Error::Input`] with file and line for what is not BED or names an unknown contig; also for a file without any position.
pub(super) fn read(path: &Path, contigs: &Contigs, mut take: impl FnMut(ContigId, Interval)) -> Result<()> {
    let cannot = |e: io::Error| Error::input(path, format!("cannot be read: {e}"));
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("bedpe")) {
        return Err(Error::input(path, "is BEDPE, which has two intervals per line; give a BED file"));
    }
    let mut lines = unpacked(regular_file(path)?).map_err(cannot)?;
    let (mut intervals, mut positions, mut cut) = (0_u64, 0, 0);
    let mut line = Vec::new();
    for number in 1_u64.. {
        let at = |problem: String| Error::input(path, format!("line {number}: {problem}"));
        line.clear();
        let n = (&mut lines).take(LONGEST_LINE).read_until(b'\n', &mut line);
        if n.map_err(|e| at(format!("cannot be read: {e}")))? == 0 {
            break;
        }
        if line.len() as u64 == LONGEST_LINE {
            return Err(at("is too long for BED".into()));
        }
        let text = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        let text = str::from_utf8(text).map_err(|_| at("is not text".into()))?.trim_end();
        if is_header(text, contigs) {
            continue;
        }
        let not_bed = || at("is not BED (contig, start and end, separated by tabs, start before end)".into());
        let (name, start, end) = fields(text).ok_or_else(not_bed)?;
        if end < start {
            return Err(at(format!("ends at {end}, before its start {start}")));
        }
        let id = contigs.id(name).ok_or_else(|| at(contigs.unknown(name)))?;
        let length = contigs.get(id).length;
        if end > length {
            cut += 1;
            if cut <= MOST_WARNINGS {
                let path = path.display();
                log::warn!("{path}: line {number}: {name}:{start}-{end} is clipped to the contig's end, {length}");
            }
        }
        let interval = Interval::new(start, end).intersect(Interval::new(0, length));
        intervals += 1;
        positions += interval.len();
        take(id, interval);
    }
    if cut > MOST_WARNINGS {
        log::warn!("{}: {} more intervals are clipped to their contigs' ends", path.display(), cut - MOST_WARNINGS);
    }
    if intervals == 0 {
        return Err(Error::input(path, "contains no intervals; give a BED file with at least one line"));
    }
    if positions == 0 {
        return Err(Error::input(
            path,
            "contains no positions: its intervals are empty or past the ends of their contigs",
        ));
    }
    Ok(())
}

/// The file's bytes, unpacked where it is gzip.
fn unpacked(file: File) -> io::Result<Box<dyn BufRead + Send>> {
    let cut = || io::Error::other("it is cut short: its end-of-file block is missing; copy or create it again");
    input::unpacked(file)?.ok_or_else(cut)
}

/// Whether a line is empty, a comment, or a `track` or `browser` line; a contig may have such a name.
fn is_header(line: &str, contigs: &Contigs) -> bool {
    let word = line.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
    let looks = word.is_empty() || word.starts_with('#') || word == "track" || word == "browser";
    looks && !(contigs.id(word).is_some() && fields(line).is_some())
}

/// Contig, start (0-based) and end (exclusive).
fn fields(line: &str) -> Option<(&str, u64, u64)> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let mut fields = line.split('\t');
    let (name, start, end) = (fields.next()?, fields.next()?, fields.next()?);
    Some((name, number(start)?, number(end)?))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;
    use crate::genome::Contig;

    fn contigs() -> Contigs {
        let contig = |name: &str, length| Contig { name: name.into(), length };
        Contigs::new(vec![contig("chr1", 5000), contig("chr2", 2500), contig("track", 100), contig("track_2", 50)])
    }

    fn bed_of(bytes: &[u8], suffix: &str) -> Result<Vec<(usize, u64, u64)>> {
        let mut file = tempfile::Builder::new().suffix(suffix).tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let mut found = Vec::new();
        read(file.path(), &contigs(), |id, interval| found.push((id.0, interval.start(), interval.end())))?;
        Ok(found)
    }

    fn bed(text: &str) -> Result<Vec<(usize, u64, u64)>> {
        bed_of(text.as_bytes(), ".bed")
    }

    fn gzipped(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn lines_as_editors_and_browsers_write_them() {
        let text = "\u{feff}browser position chr1:1-10\r\ntrack name=x\r\n# chr1\t1\t2\r\nchr1\t5\t10\tname\t0\t+\r\n\r\nchr2\t0\t9";
        assert_eq!(bed(text).unwrap(), [(0, 5, 10), (1, 0, 9)]);
        assert_eq!(bed("track\t5\t10\ntrack_2\t1\t2\ntrack name=y\n").unwrap(), [(2, 5, 10), (3, 1, 2)]);
    }

    #[test]
    fn gzip_of_any_kind_and_name() {
        let text = "chr1\t5\t10\n";
        let bgzf = [&gzipped(text)[..], &gzipped("chr2\t1\t2\n")[..]].concat();
        for name in [".bed.gz", ".bed", ".bgz"] {
            assert_eq!(bed_of(&gzipped(text), name).unwrap(), [(0, 5, 10)], "{name}");
            assert_eq!(bed_of(&bgzf, name).unwrap(), [(0, 5, 10), (1, 1, 2)], "{name}");
        }
        assert_eq!(bed_of(text.as_bytes(), ".bed.gz").unwrap(), [(0, 5, 10)]);
    }

    #[test]
    fn gzip_that_is_cut_short() {
        let whole = gzipped(&"chr1\t5\t10\n".repeat(1000));
        for kept in 1..whole.len() {
            assert!(bed_of(&whole[..kept], ".bed.gz").is_err(), "{kept} of {}", whole.len());
        }
        let mut writer = noodles_bgzf::io::Writer::new(Vec::new());
        writer.write_all(b"chr1\t5\t10\n").unwrap();
        writer.flush().unwrap();
        writer.write_all(b"chr2\t5\t10\n").unwrap();
        let whole = writer.finish().unwrap();
        assert_eq!(bed_of(&whole, ".bed.gz").unwrap(), [(0, 5, 10), (1, 5, 10)]);
        for kept in 1..whole.len() {
            assert!(bed_of(&whole[..kept], ".bed.gz").is_err(), "{kept} of {}", whole.len());
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let message = bed_of(&gzipped(&"c".repeat(3 << 20)), ".bed.gz").unwrap_err().to_string();
        assert!(message.contains("line 1") && message.contains("too long"), "{message}");
    }

    #[test]
    fn intervals_are_cut_at_the_end() {
        assert_eq!(bed("chr2\t2000\t9000\nchr1\t7\t7\n").unwrap(), [(1, 2000, 2500), (0, 7, 7)]);
        for text in ["chr1\t7\t7\n", "chr1\t5000\t6000\n", "chr2\t7000\t18446744073709551615\n"] {
            assert!(bed(text).unwrap_err().to_string().contains("no position"), "{text}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (line, words) in [
            ("chr1\tx\t9", "not BED"),
            ("chr1 5 9", "not BED"),
            ("chr1\t5", "not BED"),
            ("chr1\t-5\t9", "not BED"),
            ("chr1\t+5\t9", "not BED"),
            ("chr1\t5\t18446744073709551616", "not BED"),
            ("chr1\t9\t5", "before its start"),
            ("chr7\t5\t9", "'chr7'"),
            ("Chr1\t5\t9", "did you mean 'chr1'"),
        ] {
            let message = bed(&format!("chr1\t1\t2\n{line}\n")).unwrap_err().to_string();
            assert!(message.contains("line 2") && message.contains(words), "{message}");
        }
        assert!(bed("").unwrap_err().to_string().contains("no interval"));
        assert!(bed_of(b"chr1\t1\t2\tchr1\t5\t6\n", ".bedpe").unwrap_err().to_string().contains("BEDPE"));
        assert!(bed_of(b"chr1\t1\t2\n\xff\n", ".bed").unwrap_err().to_string().contains("line 2: is not text"));
    }

    proptest! {
        /// Changed bytes give intervals on their contigs, or are refused with the file's name.
        #[test]
        fn any_bytes(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), gzip: bool) {
            let text = "chr1\t5\t10\tx\nchr2\t100\t2000\n#\ntrack a\nchr1\t100\t200\n";
            let mut bytes = if gzip { gzipped(text) } else { text.as_bytes().to_vec() };
            for (at, byte) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            match bed_of(&bytes, ".bed") {
                Ok(found) => prop_assert!(found.iter().all(|&(id, start, end)| start <= end && end <= contigs().get(ContigId(id)).length)),
                Err(error) => prop_assert_eq!(error.exit_code(), 3),
            }
        }
    }
}
