//! Reads -> a number for each, which records of one read share: [`ReadNumbers`].

use rustc_hash::FxHashMap;

use crate::reads::Read;

/// The numbers of a region's reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadNumbers {
    of_records: Vec<u32>,
    repeated: Vec<bool>,
    numbers: u32,
}

impl ReadNumbers {
    /// Of reads in [`Read::order`].
    #[must_use]
    pub fn new(reads: &[Read]) -> Self {
        let mut known: FxHashMap<(&[u8], u8), u32> = FxHashMap::default();
        let mut found = Self::default();
        for (i, read) in reads.iter().enumerate() {
            let next = found.numbers;
            let number =
                if read.is_nameless() { next } else { *known.entry((&read.name, read.number)).or_insert(next) };
            found.numbers += u32::from(number == next);
            found.of_records.push(number);
            found.repeated.push(number < next && Read::is_repeated(reads, i));
        }
        found
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.numbers as usize
    }

    /// The number of the read of that index.
    #[must_use]
    pub fn of(&self, read: u32) -> u32 {
        self.of_records.get(read as usize).copied().unwrap_or(u32::MAX)
    }

    /// Whether the read of that index repeats an earlier record.
    #[must_use]
    pub fn is_repeated(&self, read: u32) -> bool {
        self.repeated.get(read as usize).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReadBuilder;

    #[test]
    fn records_of_one_read_share_a_number() {
        let read = |start, name: &str| ReadBuilder::new(start, "ACGT").name(name).build();
        let reads = [read(1, "a"), read(1, "a"), read(1, "b"), read(3, "*"), read(3, "*"), read(5, "a")];
        let numbers = ReadNumbers::new(&reads);
        assert_eq!((0..6).map(|i| numbers.of(i)).collect::<Vec<_>>(), [0, 0, 1, 2, 3, 0]);
        assert_eq!(numbers.count(), 4);
        assert_eq!(
            (0..6).map(|i| numbers.is_repeated(i)).collect::<Vec<_>>(),
            [false, true, false, false, false, false]
        );
    }
}
