//! An interval of a contig -> where in the file its records lie.

use super::{Bin, BinIndex, Chunk, ContigBins};

impl BinIndex {
    /// Chunks, in order and apart from each other, that hold all records of a contig that overlap `start..end`.
    pub(in crate::alignment_file) fn chunks(&self, contig: usize, start: u64, end: u64) -> Vec<Chunk> {
        let Some(bins) = self.contigs.get(contig) else { return Vec::new() };
        let least = self.lower_bound(contig, start);
        let mut found: Vec<Chunk> = self
            .overlapping(bins, start, end)
            .flat_map(|bin| bins.chunks_of(bin))
            .filter(|chunk| chunk.end > least)
            .map(|chunk| Chunk { start: chunk.start.max(least), ..*chunk })
            .collect();
        found.sort_unstable();
        found.dedup_by(|later, earlier| {
            let touch = later.start <= earlier.end;
            if touch {
                earlier.end = earlier.end.max(later.end);
            }
            touch
        });
        found
    }

    /// The bins that share a position with `start..end`.
    fn overlapping<'a>(&self, contig: &'a ContigBins, start: u64, end: u64) -> impl Iterator<Item = &'a Bin> {
        let last = end.saturating_sub(1).max(start);
        (0..=self.depth).flat_map(move |level| {
            let bin = |position: u64| Self::first_of(level) + (position >> self.shift(level));
            // What lies beyond the index's reach is in no bin of the level.
            let (first, end) = (bin(start), (bin(last) + 1).min(Self::first_of(level + 1)));
            let place = |id: u64| contig.bins.partition_point(|bin| u64::from(bin.id) < id);
            contig.bins[place(first)..place(end.max(first))].iter()
        })
    }

    /// CSI: the smallest bins by window, with the virtual offset of the first record that overlaps each.
    pub(in crate::alignment_file) fn smallest_bins<'a>(
        &self,
        contig: &'a ContigBins,
    ) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let first = Self::first_of(self.depth);
        contig.bins.iter().filter_map(move |bin| Some((u64::from(bin.id).checked_sub(first)?, bin.first_overlap)))
    }

    /// A virtual offset that no record which overlaps or follows the position lies before.
    pub(in crate::alignment_file) fn lower_bound(&self, contig: usize, position: u64) -> u64 {
        let Some(contig) = self.contigs.get(contig) else { return 0 };
        let window = position >> self.min_shift;
        if let Some(last) = contig.linear.len().checked_sub(1) {
            return contig.linear[usize::try_from(window).map_or(last, |window| window.min(last))];
        }
        // CSI: the bin of the window, or the next before it, or one around it.
        let mut bin = Self::first_of(self.depth) + window.min((1 << (3 * u32::from(self.depth))) - 1);
        loop {
            if let Ok(place) = contig.bins.binary_search_by_key(&bin, |bin| u64::from(bin.id)) {
                return contig.bins[place].first_overlap;
            }
            if bin == 0 {
                return 0;
            }
            let parent = (bin - 1) >> 3;
            bin = if bin > (parent << 3) + 1 { bin - 1 } else { parent };
        }
    }

    /// Whether a record at the virtual offset `at` that lies on `start..end` is found from each window it overlaps.
    pub(in crate::alignment_file) fn leads_to(&self, contig: usize, start: u64, end: u64, at: u64) -> bool {
        let last = end.saturating_sub(1).max(start) >> self.min_shift;
        (start >> self.min_shift..=last).all(|window| self.lower_bound(contig, window << self.min_shift) <= at)
    }

    /// Whether a chunk of a bin around `start..end` holds the virtual offset `at`.
    pub(in crate::alignment_file) fn lists(&self, contig: usize, start: u64, end: u64, at: u64) -> bool {
        let Some(bins) = self.contigs.get(contig) else { return false };
        let last = end.saturating_sub(1).max(start);
        let around = |bin: &&Bin| {
            let (from, to) = self.span(bin.id);
            from <= start && last < to
        };
        self.overlapping(bins, start, start + 1)
            .filter(around)
            .flat_map(|bin| bins.chunks_of(bin))
            .any(|chunk| (chunk.start..chunk.end).contains(&at))
    }
}
