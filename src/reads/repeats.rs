//! A file's reads, in its order and some at a time -> the same, without records that stand in it twice: [`Repeats`].
//!
//! Equal records begin at the same position: memory is a number for each of the reads that begin at one. Reads without a name may be alike
//! and yet be of different molecules, so they stay ([`Read::is_repeated`]).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::read::Read;

/// The reads seen that begin where the last one does.
#[derive(Debug, Default)]
pub struct Repeats {
    start: u64,
    seen: HashSet<u64>,
}

impl Repeats {
    /// Drops the reads that were seen before, in these or in earlier ones. Reads lie where their file has them.
    pub fn drop_from(&mut self, reads: &mut Vec<Read>) {
        reads.retain(|read| {
            if read.start_in_file() != self.start {
                self.start = read.start_in_file();
                self.seen.clear();
            }
            // The hash, since there may be a million of them; that two of a million are one is a chance of 3 in 10^8.
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
    fn what_was_seen_is_dropped_whatever_came_between() {
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
