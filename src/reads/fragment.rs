//! A read or a record -> a number for its fragment: mates share it, as do all alignments of a read.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rust_htslib::bam::record::{Aux, Record};

use super::read::Read;
use super::segments::consumed;

/// What a fragment is known by.
struct Known<'a> {
    file: u16,
    read_group: &'a [u8],
    name: &'a [u8],
    /// Of a read without a name: its aligned positions in its file, flags and mapping quality.
    place: (u64, u64, u16, u8),
}

impl Known<'_> {
    fn number(&self) -> u64 {
        // Of fixed keys, so that a run gives the same numbers as any other.
        let mut hasher = DefaultHasher::new();
        // Files and lanes may share names.
        (self.file, self.read_group, self.name).hash(&mut hasher);
        if self.name == b"*" {
            self.place.hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The number of a read's fragment. A read without a name has one of its own.
#[must_use]
pub fn fragment(read: &Read) -> u64 {
    let start = read.start_in_file();
    let end = match (read.long_record, &read.moved_from) {
        (Some(record), _) => record.end(),
        (None, Some(before)) => start + consumed(&before.cigar).positions,
        (None, None) => read.span.end(),
    };
    let place = (start, end, read.flags, read.mapping_quality);
    Known { file: read.file, read_group: &read.read_group, name: &read.name, place }.number()
}

/// The number of the fragment of a record of the sample's file of that index.
#[must_use]
pub fn fragment_of_record(record: &Record, file: u16) -> u64 {
    let read_group: &[u8] = match record.aux(b"RG") {
        Ok(Aux::String(name)) => name.as_bytes(),
        _ => &[],
    };
    let at = |position: i64| u64::try_from(position).unwrap_or(0);
    let place = (at(record.pos()), at(record.cigar().end_pos()), record.flags(), record.mapq());
    Known { file, read_group, name: record.qname(), place }.number()
}

/// Farthest mate that belongs to the same haplotype for sure, in bp; pairs farther apart are split by a variant, or misplaced.
const FARTHEST_MATE: u64 = 10_000;

/// Position after the last one of a record and of its mate (0-based), as far as that lies to the right and is near.
#[must_use]
pub fn fragment_end(record: &Record) -> u64 {
    let at = |position: i64| u64::try_from(position).unwrap_or(0);
    let length = if record.is_paired() { record.insert_size() } else { 0 };
    with_mate(at(record.pos()), at(record.cigar().end_pos()), length)
}

/// As [`fragment_end`], of a read.
#[must_use]
pub fn fragment_end_of_read(read: &Read) -> u64 {
    let length = if read.has_template_length() { read.template_length } else { 0 };
    with_mate(read.start_in_file(), read.long_record.unwrap_or(read.span).end(), length)
}

fn with_mate(start: u64, end: u64, template_length: i64) -> u64 {
    let length = u64::try_from(template_length).unwrap_or(0);
    if length <= FARTHEST_MATE { end.max(start + length) } else { end }
}

#[cfg(test)]
mod tests {
    use rust_htslib::bam::HeaderView;

    use super::*;
    use crate::testing::cigar;

    fn both(line: &str) -> (u64, Read) {
        let header = HeaderView::from_bytes(b"@SQ\tSN:1\tLN:1000\n");
        let record = Record::from_sam(&header, line.replace(' ', "\t").as_bytes()).unwrap();
        (fragment_of_record(&record, 0), Read::from_record(&record).unwrap())
    }

    #[test]
    fn mates_share_a_fragment_and_lanes_do_not() {
        let of = |line: &str| both(line).0;
        let one = of("r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:a");
        assert_eq!(one, of("r 147 1 50 60 4M = 11 -44 ACGT IIII RG:Z:a"));
        assert_ne!(one, of("r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:b"));
        assert_ne!(one, of("s 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:a"));
        assert_ne!(of("* 0 1 11 60 4M * 0 0 ACGT IIII"), of("* 0 1 12 60 4M * 0 0 ACGT IIII"));
    }

    #[test]
    fn fragments_reach_to_their_mates() {
        let read = crate::testing::ReadBuilder::new(4, "ACGT").build();
        let end = fragment_end_of_read;
        assert_eq!(end(&read), 304, "the template has 300 bp");
        assert_eq!(end(&Read { template_length: -300, ..read.clone() }), 8);
        assert_eq!(end(&Read { template_length: 20_000, ..read.clone() }), 8);
        assert_eq!(end(&Read { flags: 0, ..read }), 8);
    }

    #[test]
    fn a_read_has_the_number_of_its_record() {
        for line in ["r 99 1 11 60 4M = 50 44 ACGT IIII RG:Z:a", "* 16 1 11 60 2M1D2M * 0 0 ACGT IIII"] {
            let (number, mut read) = both(line);
            assert_eq!(fragment(&read), number);
            assert!(read.realign(9, cigar("3M4D1M")), "wherever it is aligned");
            assert_eq!(fragment(&read), number);
            assert_ne!(fragment(&Read { file: 1, ..read }), number);
        }
    }
}
