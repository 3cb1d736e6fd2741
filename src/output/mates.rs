//! Reads that were moved -> what their mates' records say of them: PNEXT, TLEN and, where it is there, MC.
//!
//! A mate that is still to be written is told when it is; it waits for that long enough for mates within [`NEAR`]. A mate that was
//! written before, far to the left, is told in a second pass over the file.
//!
//! TLEN is shifted as far as the 5' ends move, whatever its convention was.
//!
//! Memory: for the first, moved reads whose mates lie ahead; for the second, those whose mates lie far behind.

use std::collections::{BTreeMap, HashMap};

use rust_htslib::bam::Record;
use rust_htslib::bam::record::Aux;

/// Mates this near are told in the first pass, in bp.
pub(super) const NEAR: u64 = 20_000;

/// A tid and a 0-based position.
pub(super) type Place = (i32, i64);

/// A mate by name, number, and where it believes the other read to be.
type Key = (Box<[u8]>, u8, Place);

/// A move, for one mate.
#[derive(Clone, Debug, PartialEq)]
struct Move {
    of: Key,
    /// Where it is.
    to: i64,
    cigar: String,
    /// How far its 5' end moved, in bp.
    shift: i64,
}

/// What mates are still to be told.
#[derive(Debug, Default)]
pub(super) struct Mates {
    /// By the place of the mate in the file.
    ahead: BTreeMap<Place, Vec<Move>>,
    behind: HashMap<Key, Vec<Move>>,
}

/// Where a read's 5' end is.
pub(super) fn five_prime(record: &Record) -> i64 {
    if record.is_reverse() { record.cigar().end_pos() } else { record.pos() }
}

fn number(record: &Record) -> u8 {
    u8::from(record.is_last_in_template())
}

fn key(record: &Record) -> Key {
    (record.qname().into(), number(record), (record.mtid(), record.mpos()))
}

impl Mates {
    /// Notes that `record`, which has its output's tids, was moved: its own TLEN is set here. `before` is where it was and its 5' end;
    /// records up to `written` may have been written by now, of which `reach` bp may be wrong.
    pub(super) fn moved(&mut self, record: &mut Record, before: (i64, i64), written: Place, reach: u64) {
        let shift = five_prime(record) - before.1;
        shift_template(record, -shift);
        let is_paired = record.is_paired() && !record.is_mate_unmapped() && record.mtid() >= 0;
        if !is_paired {
            return;
        }
        let of = (record.qname().into(), 1 - number(record), (record.tid(), before.0));
        let to_tell = Move { of, to: record.pos(), cigar: record.cigar().to_string(), shift };
        let mate = (record.mtid(), record.mpos());
        if mate < (written.0, written.1.saturating_add(reach.cast_signed())) {
            self.behind.entry(to_tell.of.clone()).or_default().push(to_tell.clone());
        }
        self.ahead.entry(mate).or_default().push(to_tell);
    }

    /// Tells a record that is about to be written and was at `place` in the file.
    pub(super) fn tell(&mut self, record: &mut Record, place: Place) {
        let Some(moves) = self.ahead.get_mut(&place) else { return };
        let key = key(record);
        let Some(i) = moves.iter().position(|found| found.of == key) else { return };
        moves[i].tell(record);
        if let Some(late) = self.behind.get_mut(&key) {
            late.retain(|other| *other != moves[i]);
        }
        // Reads without names are told apart by their places alone, so each move is for one of them.
        if record.qname() == b"*" {
            moves.remove(i);
        }
    }

    /// Tells a record of the second pass.
    pub(super) fn tell_late(&self, record: &mut Record) {
        if let Some(found) = self.behind.get(&key(record)).and_then(|moves| moves.first()) {
            found.tell(record);
        }
    }

    /// Forgets what records before `place` were to be told: all of these are written.
    pub(super) fn forget_before(&mut self, place: Place) {
        self.ahead = self.ahead.split_off(&place);
    }

    /// True where a second pass has anything to tell.
    pub(super) fn some_are_behind(&self) -> bool {
        self.behind.values().any(|moves| !moves.is_empty())
    }
}

impl Move {
    fn tell(&self, record: &mut Record) {
        record.set_mpos(self.to);
        shift_template(record, self.shift);
        if record.aux(b"MC").is_ok() {
            // It is there and text fits into a tag.
            let _ = record.remove_aux(b"MC").and_then(|()| record.push_aux(b"MC", Aux::String(&self.cigar)));
        }
    }
}

/// Changes TLEN, where there is one.
fn shift_template(record: &mut Record, by: i64) {
    if record.insert_size() != 0 && record.tid() == record.mtid() {
        record.set_insert_size(record.insert_size() + by);
    }
}
