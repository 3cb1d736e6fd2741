//! A reads file and what is to be called -> whether the reference is the one that the reads were aligned to: same names and lengths
//! can belong to another genome.
//!
//! Each called contig with reads is cut into parts of equal length, and the first reads of each part are compared with the reference.
//! There are up to [`MOST_PARTS`] parts, shared out among the contigs, [`PARTS_OF_CONTIG`] at most for each; where there are more
//! contigs than parts, the longest ones are checked. Of a CRAM, whose slices must be decoded whole and hold a checksum of the
//! reference anyway, fewer are. One part that differs as another genome does is enough, so that a partly other contig is found.
//!
//! An M5 in the reads' header is compared with the reference's own MD5 where that is cheap: where a `.dict` beside the FASTA has it,
//! where all that is called is on contigs of [`HASHED`] bp together, and where reads cannot tell (SEQ of `=`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rust_htslib::bam;

use super::cigar::{Cigar, CigarKind};
use super::segments::{consumed, segments};
use crate::alignment_file::{BamFile, RegionReader};
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::genome::reference::{to_usize, with_suffix};
use crate::genome::{Contig, ContigId, Interval, Reference, ReferenceFile};

/// Parts checked in all of a BAM and in all of a CRAM; of one contig; and their least length in bp.
pub const MOST_PARTS: usize = 800;
const MOST_CRAM_PARTS: usize = 50;
/// Parts of one contig.
pub const PARTS_OF_CONTIG: usize = 128;
const CRAM_PARTS_OF_CONTIG: usize = 4;
const SHORTEST_PART: u64 = 500;
/// Intervals of a part that are tried until one has reads.
const TRIED_INTERVALS: usize = 8;
/// Reads of a part, and aligned bases after which there are enough of them.
const MOST_READS: usize = 60;
const FEWEST_READS: usize = 5;
const ENOUGH_BASES: u64 = 3000;
/// Reference bases of one read that are compared.
const LONGEST_SPAN: u64 = 20_000;
/// Least aligned bases for a judgement of a part, of a contig, and of contigs together; and the share of mismatches past which the
/// reference is not the reads' own (noisy long reads stay under 0.2, another genome is near 0.75).
const FEWEST_OF_PART: u64 = 2000;
const FEWEST_OF_CONTIG: u64 = 1000;
const FEWEST_OF_FILE: u64 = 2000;
pub const MOST_MISMATCHES: f64 = 0.3;
/// The same of contigs with hardly any reads.
const FEWEST_OF_SHORT: u64 = 500;
const MOST_OF_SHORT: f64 = 0.5;
/// Most bp that are hashed for M5 without a reason, and with one.
pub const HASHED: u64 = 20_000_000;
const HASHED_FOR_A_REASON: u64 = 300_000_000;

/// Aligned bases that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    reads: usize,
    judged: u64,
    mismatches: u64,
    /// Of those judged, `=` in SEQ: equal according to the file, whatever the reference is.
    equal_sign: u64,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.reads += other.reads;
        self.judged += other.judged;
        self.mismatches += other.mismatches;
        self.equal_sign += other.equal_sign;
    }

    #[allow(clippy::cast_precision_loss, reason = "some thousand bases")]
    fn share(self) -> f64 {
        self.mismatches as f64 / self.judged.max(1) as f64
    }

    fn is_of_another_genome(self, fewest: u64) -> bool {
        self.judged >= fewest && self.share() > MOST_MISMATCHES
    }

    /// Of a whole contig fewer bases will do if they differ more than any other contig's reads would.
    fn is_of_another_contig(self) -> bool {
        self.is_of_another_genome(FEWEST_OF_CONTIG) || (self.judged >= FEWEST_OF_SHORT && self.share() > MOST_OF_SHORT)
    }
}

/// A contig to be called that the reads know too.
struct Called {
    id: ContigId,
    tid: i32,
    intervals: Vec<Interval>,
    bases: u64,
}

/// Checks the reads on `targets`, intervals in genome order, against the reference.
///
/// # Errors
/// [`Error::Input`] with the contig where far more bases mismatch than any sequencer's errors explain, or whose MD5 is another.
pub fn check(
    file: &BamFile,
    reference: &ReferenceFile,
    targets: impl Iterator<Item = (ContigId, Interval)>,
) -> Result<()> {
    let called = called(file, reference, targets);
    let mut bases = reference.open()?;
    let unjudged = check_reads(file, reference, &mut bases, &called)?;
    check_md5(file, reference, &mut bases, &called, &unjudged)
}

fn called(
    file: &BamFile,
    reference: &ReferenceFile,
    targets: impl Iterator<Item = (ContigId, Interval)>,
) -> Vec<Called> {
    let mut called: Vec<Called> = Vec::new();
    let mut last = None;
    for (id, interval) in targets {
        if last != Some(id) {
            last = Some(id);
            let tid = file.contigs().id(&reference.contigs().get(id).name).and_then(|id| i32::try_from(id.0).ok());
            called.extend(tid.map(|tid| Called { id, tid, intervals: Vec::new(), bases: 0 }));
        }
        if let Some(contig) = called.last_mut().filter(|contig| contig.id == id) {
            contig.intervals.push(interval);
            contig.bases += interval.len();
        }
    }
    called.sort_by_key(|contig| (std::cmp::Reverse(contig.bases), contig.id));
    called
}

/// Compares reads with the reference; gives the contigs that have reads, but none that can be compared.
fn check_reads(
    file: &BamFile,
    reference: &ReferenceFile,
    bases: &mut Reference,
    called: &[Called],
) -> Result<Vec<ContigId>> {
    let mut reader = RegionReader::open(file)?;
    let with_reads = with_reads(file, called);
    let (most, of_contig) =
        if file.is_cram() { (MOST_CRAM_PARTS, CRAM_PARTS_OF_CONTIG) } else { (MOST_PARTS, PARTS_OF_CONTIG) };
    let of_contig = (most / with_reads.len().max(1)).clamp(1, of_contig);
    let mut all = Tally::default();
    let mut unjudged = Vec::new();
    for contig in with_reads.into_iter().take(most) {
        let name = &reference.contigs().get(contig.id).name;
        let mut of_contig_seen = Tally::default();
        for part in parts(contig, of_contig) {
            let (span, seen) = sample(&mut reader, bases, contig, &part)?;
            if seen.is_of_another_genome(FEWEST_OF_PART) {
                let locus = format!("{name}:{}-{}", span.start() + 1, span.end());
                return Err(other(file, reference, &format!("contig '{name}'"), seen, &format!(" at {locus}")));
            }
            of_contig_seen.add(seen);
        }
        if of_contig_seen.is_of_another_contig() {
            return Err(other(file, reference, &format!("contig '{name}'"), of_contig_seen, ""));
        }
        if of_contig_seen.reads > 0 && 2 * of_contig_seen.equal_sign >= of_contig_seen.judged {
            unjudged.push(contig.id);
        }
        all.add(of_contig_seen);
    }
    if all.is_of_another_genome(FEWEST_OF_FILE) {
        return Err(other(file, reference, "all contigs together", all, ""));
    }
    Ok(unjudged)
}

fn other(file: &BamFile, reference: &ReferenceFile, what: &str, seen: Tally, locus: &str) -> Error {
    let (percent, judged, reference) = (seen.share() * 100.0, seen.judged, reference.path().display());
    let problem = format!("{what}: {percent:.0} % of {judged} aligned bases compared{locus} differ from {reference}");
    Error::input(file.path(), format!("{problem}; give the reference that the reads were aligned to"))
}

/// The contigs that have reads by the index.
fn with_reads<'a>(file: &BamFile, called: &'a [Called]) -> Vec<&'a Called> {
    let with_reads = file.contigs_with_reads();
    let has_reads = |contig: &&Called| usize::try_from(contig.tid).is_ok_and(|tid| with_reads.contains(&ContigId(tid)));
    called.iter().filter(has_reads).collect()
}

/// The intervals of a contig in up to `most` parts of about equal length, in order.
fn parts(contig: &Called, most: usize) -> Vec<Vec<Interval>> {
    let length = contig.bases.div_ceil(most as u64).max(SHORTEST_PART);
    let mut parts: Vec<Vec<Interval>> = vec![Vec::new()];
    let mut room = length;
    for &interval in &contig.intervals {
        let mut start = interval.start();
        while start < interval.end() {
            if room == 0 {
                parts.push(Vec::new());
                room = length;
            }
            let end = interval.end().min(start + room);
            if let Some(part) = parts.last_mut() {
                part.push(Interval::new(start, end));
            }
            room -= end - start;
            start = end;
        }
    }
    parts
}

/// Compares the first reads of a part; gives where they lie too.
fn sample(
    reader: &mut RegionReader,
    bases: &mut Reference,
    contig: &Called,
    part: &[Interval],
) -> Result<(Interval, Tally)> {
    let mut seen = Tally::default();
    let mut compared = Interval::new(0, 0);
    let mut record = bam::Record::new();
    for interval in part.iter().take(TRIED_INTERVALS) {
        reader.fetch(contig.tid, interval.start(), interval.end())?;
        // Unmapped, secondary and supplementary records tell less, and some are clipped to nearly nothing.
        for _ in 0..4 * MOST_READS {
            if !reader.read(&mut record)? {
                break;
            }
            if record.is_unmapped() || record.is_secondary() || record.is_supplementary() {
                continue;
            }
            let Some((span, of_read)) = compare(&record, bases, contig.id)? else { continue };
            compared = if seen.reads == 0 {
                span
            } else {
                Interval::new(compared.start().min(span.start()), compared.end().max(span.end()))
            };
            seen.add(of_read);
            if seen.reads == MOST_READS || (seen.judged >= ENOUGH_BASES && seen.reads >= FEWEST_READS) {
                return Ok((compared, seen));
            }
        }
    }
    Ok((compared, seen))
}

/// Compares a read's aligned bases, and where they lie; nothing of a read that is not on the contig or has no bases.
fn compare(record: &bam::Record, bases: &mut Reference, contig: ContigId) -> Result<Option<(Interval, Tally)>> {
    let length = bases.contigs().get(contig).length;
    let cigar = record.cigar();
    let (Ok(start), Ok(end)) = (u64::try_from(record.pos()), u64::try_from(cigar.end_pos())) else { return Ok(None) };
    let sequence = record.seq();
    let ops = || cigar.iter().map(|&op| Cigar::from(op));
    if end > length || start >= end || consumed(ops()).bases != sequence.len() {
        return Ok(None);
    }
    let span = Interval::new(start, end.min(start + LONGEST_SPAN));
    let expected = bases.few_bases(contig, span)?;
    let mut tally = Tally { reads: 1, ..Tally::default() };
    for segment in segments(start, ops()).filter(|segment| segment.kind == CigarKind::Match) {
        let expected = expected.iter().skip(to_usize(segment.position - start));
        for (i, &expected) in segment.bases().zip(expected) {
            let base = sequence[i];
            if b"ACGT=".contains(&base) && expected != b'N' {
                tally.judged += 1;
                tally.equal_sign += u64::from(base == b'=');
                tally.mismatches += u64::from(base != b'=' && base != expected);
            }
        }
    }
    Ok(Some((span, tally)))
}

/// Compares M5 of the header with the reference's, where that is cheap or the reads could not be compared.
fn check_md5(
    file: &BamFile,
    reference: &ReferenceFile,
    bases: &mut Reference,
    called: &[Called],
    unjudged: &[ContigId],
) -> Result<()> {
    let wanted = md5_by_name(file.header());
    if wanted.is_empty() {
        return Ok(());
    }
    let contigs = reference.contigs();
    let listed = dictionary(reference.path());
    let few = called.iter().map(|contig| contigs.get(contig.id).length).sum::<u64>() <= HASHED;
    let mut budget = HASHED_FOR_A_REASON;
    for contig in called {
        let Contig { name, length } = contigs.get(contig.id);
        let Some(&wanted) = wanted.get(name.as_str()) else { continue };
        let in_dictionary = listed.get(name).map(|md5| md5.eq_ignore_ascii_case(wanted));
        let doubtful = in_dictionary == Some(false) || unjudged.contains(&contig.id);
        // A dictionary may be older than the FASTA: a difference counts only if the bases' own MD5 confirms it.
        let look = few || (doubtful && *length <= budget);
        if !look || (in_dictionary == Some(true) && !few) {
            continue;
        }
        budget = budget.saturating_sub(*length);
        let found = bases.md5(contig.id)?;
        if !found.eq_ignore_ascii_case(wanted) {
            return Err(Error::input(
                file.path(),
                format!(
                    "contig '{name}' has the MD5 {wanted} by the header (@SQ M5), and {found} in {}; give the reference that the reads were aligned to",
                    reference.path().display()
                ),
            ));
        }
    }
    Ok(())
}

/// M5 of each `@SQ` line that has one.
fn md5_by_name(header: &str) -> HashMap<&str, &str> {
    let lines = header.lines().filter(|line| line.starts_with("@SQ\t"));
    lines
        .filter_map(|line| {
            let field = |tag: &str| line.split('\t').find_map(|field| field.strip_prefix(tag));
            Some((field("SN:")?, field("M5:").filter(|md5| md5.len() == 32)?))
        })
        .collect()
}

/// M5 by name in the `.dict` beside a FASTA, where there is one that can be read.
fn dictionary(fasta: &Path) -> HashMap<String, String> {
    let unpacked = if fasta.extension().is_some_and(|e| e == "gz" || e == "bgz") {
        fasta.with_extension("")
    } else {
        fasta.into()
    };
    let candidates: [PathBuf; 3] =
        [unpacked.with_extension("dict"), with_suffix(&unpacked, ".dict"), with_suffix(fasta, ".dict")];
    let text =
        candidates.iter().find_map(|path| std::io::read_to_string(regular_file(path).ok()?).ok()).unwrap_or_default();
    md5_by_name(&text).into_iter().map(|(name, md5)| (name.to_owned(), md5.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts_of(intervals: &[(u64, u64)], most: usize) -> Vec<Vec<(u64, u64)>> {
        let intervals: Vec<_> = intervals.iter().map(|&(start, end)| Interval::new(start, end)).collect();
        let bases = intervals.iter().map(|interval| interval.len()).sum();
        let parts = parts(&Called { id: ContigId(0), tid: 0, intervals, bases }, most);
        parts.iter().map(|part| part.iter().map(|i| (i.start(), i.end())).collect()).collect()
    }

    #[test]
    fn parts_are_of_equal_length() {
        assert_eq!(parts_of(&[(0, 4000)], 4), [[(0, 1000)], [(1000, 2000)], [(2000, 3000)], [(3000, 4000)]]);
        assert_eq!(
            parts_of(&[(100, 300), (5000, 5900), (7000, 7100)], 2),
            [vec![(100, 300), (5000, 5400)], vec![(5400, 5900), (7000, 7100)]]
        );
        assert_eq!(parts_of(&[(0, 300)], 32), [[(0, 300)]]);
    }

    #[test]
    fn md5_of_headers() {
        let md5 = "0123456789abcdef0123456789ABCDEF";
        let header =
            format!("@HD\tVN:1.6\n@SQ\tSN:a\tLN:5\tM5:{md5}\n@SQ\tSN:b\tLN:7\n@SQ\tM5:x\tSN:c\n@CO\tSN:d\tM5:{md5}\n");
        assert_eq!(md5_by_name(&header), HashMap::from([("a", md5)]));
    }
}
