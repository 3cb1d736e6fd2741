//! MM and ML tags of a record (SAM optional fields specification, section 1.7) -> how likely each of its bases is 5-methylcytosine.

use rust_htslib::bam::Record;

/// The code of 5-methylcytosine in MM.
const METHYL: i32 = 'm' as i32;

/// For each base the probability of 5mC (`C+m`) as ML has it, 0 to 255; `None` where the record has none. htslib leaves tags out of account
/// whose MN is not the length of the sequence. Of several values for a base the greatest is taken, as signed bytes: so does DeepVariant.
pub(super) fn methylation(record: &Record) -> Option<Box<[u8]>> {
    let calls = record.basemods_iter().ok()?;
    let mut found: Option<Box<[u8]>> = None;
    for (position, call) in calls.flatten() {
        let is_methyl = call.modified_base == METHYL && call.canonical_base == i32::from(b'C') && call.strand == 0;
        let Some(value) = u8::try_from(call.qual).ok().filter(|_| is_methyl) else { continue };
        let all = found.get_or_insert_with(|| vec![0; record.seq_len()].into());
        if let Some(known) = usize::try_from(position).ok().and_then(|i| all.get_mut(i)) {
            let is_new = *known == 0 || value.cast_signed() > known.cast_signed();
            *known = if is_new { value } else { *known };
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use rust_htslib::bam::HeaderView;

    use super::*;

    fn of(flags: u16, bases: &str, tags: &str) -> Option<Vec<u8>> {
        let header = HeaderView::from_bytes(b"@SQ\tSN:1\tLN:1000\n");
        let (n, qualities) = (bases.len(), "I".repeat(bases.len()));
        let line = format!("r\t{flags}\t1\t11\t60\t{n}M\t*\t0\t0\t{bases}\t{qualities}\t{}", tags.replace(' ', "\t"));
        methylation(&Record::from_sam(&header, line.as_bytes()).unwrap()).map(Vec::from)
    }

    #[test]
    fn calls_lie_on_their_bases() {
        assert_eq!(of(0, "ACGTCC", "MM:Z:C+m,1,0; ML:B:C,200,100"), Some(vec![0, 0, 0, 0, 200, 100]));
        // On the reverse strand the file has the reverse complement; calls count from the sequenced end.
        assert_eq!(of(16, "GGACGT", "MM:Z:C+m,0,1; ML:B:C,200,100"), Some(vec![100, 0, 0, 0, 200, 0]));
    }

    #[test]
    fn other_modifications_are_passed_over() {
        assert_eq!(of(0, "ACGTCC", "MM:Z:C+h,0;C+m,2; ML:B:C,9,77"), Some(vec![0, 0, 0, 0, 0, 77]));
        assert_eq!(of(0, "ACGTCC", "MM:Z:A+a,0; ML:B:C,9"), None);
        assert_eq!(of(0, "ACGTCC", "RG:Z:a"), None);
        assert_eq!(of(0, "ACGTCC", "MM:Z:C+m,0; ML:B:C,9 MN:i:7"), None, "the tags are of another sequence");
    }
}
