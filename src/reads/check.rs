//! Reads and a reference -> whether they belong together.

use super::read::{CigarKind, Read};
use crate::alignment_file::BamFile;
use crate::error::{Error, Result};
use crate::genome::{ContigId, ReferenceFile};

/// Records read from the start of the file to check their likeness to the reference.
const SAMPLED_RECORDS: usize = 5000;
/// Least sampled bases for a judgement, and the share of mismatches past which the reference is not the reads' own
/// (noisy long reads stay under 0.2, another genome is near 0.75).
const MIN_JUDGED_BASES: u64 = 2000;
const MAX_MISMATCH_SHARE: f64 = 0.3;

/// Checks on the first reads that the reference is theirs: same contig names can belong to another genome.
///
/// # Errors
/// [`Error::Input`] where far more bases mismatch than any sequencer's errors explain.
pub fn matches_reference(file: &BamFile, reference: &ReferenceFile) -> Result<()> {
    let mut bases = reference.open()?;
    let (mut judged, mut mismatches) = (0_u64, 0_u64);
    for record in file.first_records(SAMPLED_RECORDS)?.iter().filter(|r| !r.is_unmapped()) {
        let name = usize::try_from(record.tid()).ok().map(|i| file.contigs().get(ContigId(i)).name.clone());
        let (Some(contig), Ok(read)) = (name.and_then(|n| reference.contigs().id(&n)), Read::from_record(record))
        else {
            continue;
        };
        if read.span.end() > reference.contigs().get(contig).length {
            continue;
        }
        let expected = bases.bases(contig, read.span)?;
        let (mut in_read, mut in_reference) = (0, 0);
        for op in &read.cigar {
            let length = op.length as usize;
            if op.kind == CigarKind::Match {
                let pairs =
                    read.bases[in_read..in_read + length].iter().zip(&expected[in_reference..in_reference + length]);
                for (&base, &expected) in pairs.filter(|(b, e)| **b != b'N' && **e != b'N') {
                    judged += 1;
                    mismatches += u64::from(base != expected && base != b'=');
                }
            }
            in_read += if op.kind.consumes_read() { length } else { 0 };
            in_reference += if op.kind.consumes_reference() { length } else { 0 };
        }
    }
    // Counts of sampled bases, far below 2^52.
    #[allow(clippy::cast_precision_loss)]
    let share = mismatches as f64 / judged.max(1) as f64;
    if judged >= MIN_JUDGED_BASES && share > MAX_MISMATCH_SHARE {
        return Err(Error::input(
            file.path(),
            format!(
                "{:.0} % of its first {judged} aligned bases differ from {}; give the reference that the reads were aligned to",
                share * 100.0,
                reference.path().display()
            ),
        ));
    }
    Ok(())
}
