//! A file's reads, in its order and in batches -> the same, without repeated records: [`Repeats`].
//!
//! Equal records begin at the same position: memory is one hash for each read that begins at the last one. Equal reads without names may
//! come from different molecules, so they stay ([`Read::is_repeated`]).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::read::Read;

/// The reads so far that begin at the position of the last one.
#[derive(Debug, Default)]
pub struct Repeats {
    start: u64,
    seen: HashSet<u64>,
}

impl Repeats {
    /// Drops the reads that repeat an earlier one, of these or of an earlier batch. Reads have their alignments of the file.
    pub fn drop_from(&mut self, reads: &mut Vec<Read>) {
        reads.retain(|read| {
            if read.start_in_file() != self.start {
                self.start = read.start_in_file();
                self.seen.clear();
            }
            // The hash alone, since there may be a million of them; the chance that two of a million collide is 3 in 10^8.
            let mut hasher = DefaultHasher::new();
            read.hash(&mut hasher);
            read.is_nameless() || self.seen.insert(hasher.finish())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReadBuilder;

    #[test]
    fn repeats_are_dropped_whatever_lies_between() {
        let read = |start, name| ReadBuilder::new(start, "ACGT").name(name).build();
        let mut repeats = Repeats::default();
        let mut first = vec![read(0, "a"), read(0, "b"), read(0, "a"), read(4, "a"), read(4, "b")];
        let mut second = vec![read(4, "c"), read(4, "a"), read(5, "a")];
        repeats.drop_from(&mut first);
        repeats.drop_from(&mut second);
        let left = |reads: &[Read]| -> Vec<(u64, Box<[u8]>)> {
            reads.iter().map(|read| (read.span.start(), read.name.clone())).collect()
        };
        let named = |list: &[(u64, &str)]| -> Vec<(u64, Box<[u8]>)> {
            list.iter().map(|&(start, name)| (start, name.as_bytes().into())).collect()
        };
        assert_eq!(left(&first), named(&[(0, "a"), (0, "b"), (4, "a"), (4, "b")]));
        assert_eq!(left(&second), named(&[(4, "c"), (5, "a")]));
    }
}
