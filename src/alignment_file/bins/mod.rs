//! A BAI or CSI index -> its bins, chunks and linear index, each number checked before it is used ([`BinIndex`]).
//!
//! SAM specification, section 5, and the CSI specification. htslib trusts counts and offsets of an index and dies of some, so it never
//! sees one of ours: [`query`] finds what to read, and [`cover`] whether the index is that of the file.

pub(super) mod cover;
mod parse;
pub(super) mod query;

pub(super) use parse::parse;

/// Where the records of each contig lie in a BAM file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BinIndex {
    /// Bits of a position within the smallest bin: 14 in BAI.
    pub(super) min_shift: u8,
    /// Levels below the bin that covers all: 5 in BAI.
    pub(super) depth: u8,
    /// By number of the contig; those behind the last with reads may be missing.
    pub(super) contigs: Vec<ContigBins>,
}

/// The index of one contig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContigBins {
    /// By number.
    pub(super) bins: Vec<Bin>,
    /// Chunks of all bins, those of one bin together.
    pub(super) chunks: Vec<Chunk>,
    /// BAI: for each window of 16 kb the virtual offset of the first record that overlaps it; 0 where none is known.
    pub(super) linear: Vec<u64>,
    /// Mapped and unmapped records, where the index tells.
    pub(super) counts: Option<[u64; 2]>,
}

/// One bin: an interval of the contig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bin {
    pub(super) id: u32,
    /// CSI: virtual offset of the first record that overlaps the bin's first window; 0 in BAI.
    pub(super) first_overlap: u64,
    /// Its chunks, as a range of [`ContigBins::chunks`].
    first: usize,
    end: usize,
}

/// Records of one bin that lie together: from one virtual offset up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Chunk {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl BinIndex {
    /// Number of the first bin of a level.
    fn first_of(level: u8) -> u64 {
        ((1_u64 << (3 * u32::from(level))) - 1) / 7
    }

    /// Bits of a position within a bin of a level.
    fn shift(&self, level: u8) -> u32 {
        u32::from(self.min_shift) + 3 * u32::from(self.depth - level)
    }

    /// The positions that a bin covers.
    fn span(&self, bin: u32) -> (u64, u64) {
        let bin = u64::from(bin);
        let level = (0..=self.depth).rev().find(|&level| Self::first_of(level) <= bin).unwrap_or(0);
        let start = (bin - Self::first_of(level)) << self.shift(level);
        (start, start + (1 << self.shift(level)))
    }
}

impl ContigBins {
    pub(super) fn chunks_of(&self, bin: &Bin) -> &[Chunk] {
        &self.chunks[bin.first..bin.end]
    }

    /// Virtual offset behind the last record.
    pub(super) fn end(&self) -> Option<u64> {
        self.chunks.iter().map(|chunk| chunk.end).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_of_the_specification() {
        let index = BinIndex { min_shift: 14, depth: 5, contigs: Vec::new() };
        assert_eq!(index.span(0), (0, 1 << 29));
        assert_eq!(index.span(4681), (0, 1 << 14));
        assert_eq!(index.span(4682), (1 << 14, 2 << 14));
        assert_eq!(index.span(585), (0, 1 << 17));
    }
}
