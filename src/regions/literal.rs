//! A value of `--regions` -> the intervals and files that it names.
//!
//! Tried in this order: a contig's name, `contig:range`, an existing file, several of these with blanks between them, several with
//! commas. A comma may also stand between thousands; what can be read in two ways is refused.

use std::path::Path;

use crate::error::{Error, Parameter, Result};
use crate::files::input::regular_file;
use crate::genome::{ContigId, Contigs, Interval};

/// Most commas in one region: those of its numbers, and some in a contig's name.
const MOST_COMMAS: usize = 12;

/// What a value, or a part of it, stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// It begins on the contig and may end behind it.
    Place(ContigId, Interval),
    File(&'a Path),
}

/// The pieces of a value.
///
/// # Errors
/// [`Error::Parameter`] for what is malformed, ambiguous or off the reference; [`Error::Input`] for a file that is not there.
pub(super) fn pieces<'a>(value: &'a str, contigs: &Contigs) -> Result<Vec<Piece<'a>>> {
    let value = value.trim();
    if let Some(id) = contigs.id(value) {
        return Ok(vec![whole(id, contigs)]);
    }
    let exists = || Path::new(value).symlink_metadata().is_ok();
    if value.contains(',') && !value.contains(char::is_whitespace) && (place(value, contigs).is_some() || !exists()) {
        return with_commas(value, contigs);
    }
    if let Some(piece) = one(value, contigs) {
        return piece.map(|piece| vec![piece]);
    }
    if value.contains(char::is_whitespace) {
        let words = value.split_whitespace().map(|word| pieces(word, contigs));
        return words.collect::<Result<Vec<_>>>().map(|all| all.concat());
    }
    Err(problem(value, contigs))
}

fn whole<'a>(id: ContigId, contigs: &Contigs) -> Piece<'a> {
    Piece::Place(id, Interval::new(0, contigs.get(id).length))
}

/// The text as one contig, range or file, if it is one.
fn one<'a>(text: &'a str, contigs: &Contigs) -> Option<Result<Piece<'a>>> {
    if let Some(id) = contigs.id(text) {
        return Some(Ok(whole(id, contigs)));
    }
    if let Some(place) = place(text, contigs) {
        return Some(place.map(|(id, interval)| Piece::Place(id, interval)));
    }
    Path::new(text).symlink_metadata().is_ok().then(|| Ok(Piece::File(Path::new(text))))
}

/// The one way to read a value with commas.
fn with_commas<'a>(value: &'a str, contigs: &Contigs) -> Result<Vec<Piece<'a>>> {
    // The start of each part, and the end of the last with its comma.
    let starts: Vec<usize> =
        std::iter::once(0).chain(value.match_indices(',').map(|(at, _)| at + 1)).chain([value.len() + 1]).collect();
    let last = starts.len() - 1;
    // For each start how many ways there are to read the rest, up to two, and where the first part of one of them ends.
    let mut ways = vec![(0_u8, last); last + 1];
    ways[last].0 = 1;
    for from in (0..last).rev() {
        for to in (from + 1..=last.min(from + 1 + MOST_COMMAS)).rev() {
            if ways[to].0 > 0 && one(&value[starts[from]..starts[to] - 1], contigs).is_some() {
                ways[from] = ((ways[from].0 + ways[to].0).min(2), to);
            }
        }
    }
    match ways[0].0 {
        0 => {
            let unread = starts[..last].windows(2).map(|pair| &value[pair[0]..pair[1] - 1]);
            let unread = unread.chain([&value[starts[last - 1]..]]);
            let unread: Vec<_> = unread.collect();
            if unread.iter().any(|part| part.is_empty()) {
                return Err(wrong(value, "an item before or after a comma is empty"));
            }
            let unread = unread.into_iter().find(|part| one(part, contigs).is_none());
            let is_list = value.matches(':').count() != 1;
            Err(problem(unread.filter(|_| is_list).unwrap_or(value), contigs))
        }
        1 => {
            let mut pieces = Vec::new();
            let mut from = 0;
            while from < last {
                let to = ways[from].1;
                pieces.extend(one(&value[starts[from]..starts[to] - 1], contigs).transpose()?);
                from = to;
            }
            Ok(pieces)
        }
        _ => Err(wrong(
            value,
            "ambiguous, as its commas may be part of numbers or separate regions; separate the regions with spaces",
        )),
    }
}

/// The text as `contig:start-end`, `contig:start-` or `contig:position`, if that is its form and the contig is known. A contig's name
/// that ends like a range may be put in braces, as samtools has it.
fn place(text: &str, contigs: &Contigs) -> Option<Result<(ContigId, Interval)>> {
    let (name, range) = text.rsplit_once(':')?;
    let bare = name.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
    let id = contigs.id(name).or_else(|| contigs.id(bare?))?;
    let length = contigs.get(id).length;
    let (start, end) = match range.split_once('-') {
        Some((start, "")) => (number(start)?, length),
        Some((start, end)) => (number(start)?, number(end)?),
        None => (number(range)?, number(range)?),
    };
    let usage = |problem: String| Some(Err(wrong(text, problem)));
    if start == 0 {
        return usage("positions are 1-based".into());
    }
    if start > length {
        return usage(format!("contig '{name}' has only {length} bp"));
    }
    if end < start {
        return usage("it ends before it starts".into());
    }
    Some(Ok((id, Interval::new(start - 1, end))))
}

/// A number, with commas between thousands or without.
fn number(text: &str) -> Option<u64> {
    let mut groups = text.split(',');
    let first = groups.next()?;
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit());
    let mut rest = groups.peekable();
    let grouped = rest.peek().is_none() || first.len() <= 3;
    let plain = grouped && digits(first) && rest.all(|group| group.len() == 3 && digits(group));
    plain.then(|| text.replace(',', "").parse().ok()).flatten()
}

/// The error for a value of which nothing can be made.
fn wrong(value: &str, problem: impl Into<String>) -> Error {
    Error::parameter(Parameter::Regions, value, problem)
}

/// The error for a text that is none of these.
fn problem(text: &str, contigs: &Contigs) -> Error {
    let path = Path::new(text);
    let named = |suffix: &str| text.to_ascii_lowercase().ends_with(suffix);
    if text.contains('/') || [".bed", ".bed.gz", ".bedpe", ".txt", ".list", ".gz", ".tsv"].into_iter().any(named) {
        return regular_file(path).err().unwrap_or_else(|| Error::Internal(format!("{text} was not checked")));
    }
    let usage = |problem: &str| wrong(text, problem);
    match text.rsplit_once(':') {
        _ if text.is_empty() => wrong(text, "is empty; give a contig, contig:start-end or a BED file"),
        Some((name, _)) if contigs.id(name).is_some() => usage("expected contig:start-end, 1-based and inclusive"),
        Some((name, range)) if range.starts_with(|c: char| c.is_ascii_digit()) => usage(&contigs.unknown(name)),
        _ => usage(&contigs.unknown(text)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::genome::Contig;

    fn contigs(names: &[&str]) -> Contigs {
        Contigs::new(names.iter().map(|&name| Contig { name: name.into(), length: 200_000 }).collect())
    }

    /// Contigs with their first and last positions, 1-based.
    fn read(value: &str, names: &[&str]) -> Result<Vec<(String, u64, u64)>> {
        let contigs = contigs(names);
        let pieces = pieces(value, &contigs)?;
        let shown = |piece: Piece| match piece {
            Piece::Place(id, interval) => (contigs.get(id).name.clone(), interval.start() + 1, interval.end()),
            Piece::File(path) => (format!("file {}", path.display()), 0, 0),
        };
        Ok(pieces.into_iter().map(shown).collect())
    }

    #[track_caller]
    fn means(value: &str, expected: &[(&str, u64, u64)]) {
        let names = ["chr1", "chr2", "HLA:1", "HLA:1:5", "a,b"];
        let found = read(value, &names).unwrap();
        let found: Vec<_> = found.iter().map(|(name, start, end)| (name.as_str(), *start, *end)).collect();
        assert_eq!(found, expected, "{value}");
    }

    #[test]
    fn ranges_are_one_based_and_hold_both_ends() {
        means("chr1", &[("chr1", 1, 200_000)]);
        means("chr1:7-9", &[("chr1", 7, 9)]);
        means("chr1:7", &[("chr1", 7, 7)]);
        means("chr1:7-", &[("chr1", 7, 200_000)]);
        means("chr1:1,007-2,009", &[("chr1", 1007, 2009)]);
        means("chr1:100-900000", &[("chr1", 100, 900_000)]);
    }

    #[test]
    fn names_may_hold_colons_and_commas() {
        means("HLA:1", &[("HLA:1", 1, 200_000)]);
        means("HLA:1:7-9", &[("HLA:1", 7, 9)]);
        means("HLA:1:5", &[("HLA:1:5", 1, 200_000)]);
        means("{HLA:1}:5", &[("HLA:1", 5, 5)]);
        means("a,b:1-5", &[("a,b", 1, 5)]);
        means("chr1,a,b", &[("chr1", 1, 200_000), ("a,b", 1, 200_000)]);
    }

    #[test]
    fn blanks_and_commas_separate() {
        means(" chr1:7-9  chr2\t", &[("chr1", 7, 9), ("chr2", 1, 200_000)]);
        means("chr1,chr2", &[("chr1", 1, 200_000), ("chr2", 1, 200_000)]);
        means("chr1:1,000-2,000,chr2:5", &[("chr1", 1000, 2000), ("chr2", 5, 5)]);
        means("chr2:1-5,chr1:7-1,000 HLA:1", &[("chr2", 1, 5), ("chr1", 7, 1000), ("HLA:1", 1, 200_000)]);
    }

    #[test]
    fn two_ways_to_read_it_are_one_too_many() {
        assert!(read("1:100,200", &["1", "200"]).unwrap_err().to_string().contains("spaces"));
        assert_eq!(read("1:100,200", &["1", "2"]).unwrap(), [("1".to_owned(), 100_200, 100_200)]);
    }

    #[test]
    fn what_is_refused() {
        for (value, code, words) in [
            ("chr9", 2, "'chr9'"),
            ("chr1,chr9", 2, "'chr9'"),
            ("Chr1", 2, "did you mean 'chr1'"),
            ("1:5-9", 2, "did you mean 'chr1'"),
            ("chr1:0-5", 2, "1-based"),
            ("chr1:9-5", 2, "ends before"),
            ("chr1:x", 2, "contig:start-end"),
            ("chr1:-5", 2, "contig:start-end"),
            ("chr1:1,2-5", 2, "contig:start-end"),
            ("chr1:1-5,6", 2, "contig:start-end"),
            ("chr1:5-9-11", 2, "contig:start-end"),
            ("chr1:99999999999999999999-", 2, "contig:start-end"),
            ("chr1:300000-", 2, "only 200000 bp"),
            ("", 2, "is empty"),
            ("chr1,", 2, "comma"),
            ("none.bed", 3, "none.bed"),
            ("none/chr1", 3, "none/chr1"),
        ] {
            let error = read(value, &["chr1", "chr2"]).unwrap_err();
            assert_eq!(error.exit_code(), code, "{value}: {error}");
            assert!(error.to_string().contains(words), "{value}: {error}");
        }
    }

    #[test]
    fn files_come_after_contigs_and_may_hold_blanks() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["a b.bed", "chr1", "c,d.bed"] {
            std::fs::write(path(name), "").unwrap();
        }
        for name in ["a b.bed", "chr1", "c,d.bed"] {
            let path = path(name);
            assert_eq!(read(&path, &["chr1"]).unwrap(), [(format!("file {path}"), 0, 0)]);
        }
        // The same path as a contig's name.
        let path = path("chr1");
        assert_eq!(read(&path, &[&path]).unwrap(), [(path.clone(), 1, 200_000)]);
        assert_eq!(read(&format!("{path},chr2"), &["chr2"]).unwrap().len(), 2);
    }

    proptest! {
        /// No text panics, and what is read lies on its contig.
        #[test]
        fn any_text(value in "[chr12:,\\- {}0]{0,24}") {
            for (_, start, end) in read(&value, &["chr1", "1", "2", "c:1"]).unwrap_or_default() {
                prop_assert!(1 <= start && start <= end && start <= 200_000);
            }
        }

        /// Regions joined by commas, numbers with commas or without, are the regions.
        #[test]
        fn lists(places in prop::collection::vec((0_usize..2, 1_u64..100_000, 0_u64..100_000, any::<bool>()), 1..6)) {
            let names = ["chr1", "chr2"];
            let written = |n: u64, commas: bool| {
                if commas && n >= 1000 { format!("{},{:03}", n / 1000, n % 1000) } else { n.to_string() }
            };
            let text: Vec<_> = places
                .iter()
                .map(|&(i, start, length, commas)| format!("{}:{}-{}", names[i], written(start, commas), written(start + length, commas)))
                .collect();
            let expected: Vec<_> = places.iter().map(|&(i, start, length, _)| (names[i].to_owned(), start, start + length)).collect();
            prop_assert_eq!(read(&text.join(","), &names).unwrap(), expected);
        }
    }
}
