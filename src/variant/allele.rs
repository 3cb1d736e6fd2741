//! Position, REF and ALT -> [`Allele`]: trimmed, in normal form, or spelled over more of the reference.

use crate::genome::{Interval, ReferenceWindow};

/// An alternative allele: at `position`, `alternative` replaces `reference`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Allele {
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// Reference bases, upper-case ASCII.
    pub reference: Vec<u8>,
    /// Alternative bases, upper-case ASCII.
    pub alternative: Vec<u8>,
}

impl Allele {
    /// The allele as it is written.
    #[must_use]
    pub fn new(position: u64, reference: &[u8], alternative: &[u8]) -> Self {
        Self { position, reference: reference.to_vec(), alternative: alternative.to_vec() }
    }

    /// The allele in normal form: without shared ends, as far left as possible, neither side empty (Tan et al., Bioinformatics 31:2202,
    /// 2015). `window` is the reference around it.
    ///
    /// ```
    /// use varpix::genome::ReferenceWindow;
    /// use varpix::variant::Allele;
    ///
    /// let reference = ReferenceWindow::new(100, b"GCAAAAT".to_vec());
    /// // The last A of four is deleted, which is the same as the first.
    /// let allele = Allele::new(104, b"AA", b"A").normal(&reference);
    /// assert_eq!(allele, Allele::new(101, b"CA", b"C"));
    /// ```
    #[must_use]
    pub fn normal(mut self, window: &ReferenceWindow) -> Self {
        // An allele that is the reference keeps a base.
        let keep = usize::from(self.reference == self.alternative);
        loop {
            self.trim_suffix(keep);
            if !self.reference.is_empty() && !self.alternative.is_empty() {
                break;
            }
            let before = window.base(self.position.cast_signed() - 1);
            if before == b'N' {
                // Nothing to the left: anchored by the base that follows (VCF specification, section 1.6.1).
                let after = window.base(self.end().cast_signed());
                self.reference.push(after);
                self.alternative.push(after);
                break;
            }
            self.position -= 1;
            self.reference.insert(0, before);
            self.alternative.insert(0, before);
        }
        self.trim_prefix(1);
        self
    }

    /// Removes the bases that both sides begin with, but for `keep` bases of either.
    pub fn trim_prefix(&mut self, keep: usize) {
        let shared = shared_prefix(&self.reference, &self.alternative).min(self.trimmable(keep));
        self.reference.drain(..shared);
        self.alternative.drain(..shared);
        self.position += shared as u64;
    }

    /// Removes the bases that both sides end with, but for `keep` bases of either.
    pub fn trim_suffix(&mut self, keep: usize) {
        let shared = shared_suffix(&self.reference, [&self.alternative]).min(self.trimmable(keep));
        self.reference.truncate(self.reference.len() - shared);
        self.alternative.truncate(self.alternative.len() - shared);
    }

    fn trimmable(&self, keep: usize) -> usize {
        self.reference.len().min(self.alternative.len()).saturating_sub(keep)
    }

    /// Position after the last reference base, 0-based.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position + self.reference.len() as u64
    }

    /// The positions of the reference bases.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::new(self.position, self.end())
    }

    /// True where one base replaces one, or bases are inserted or deleted after an anchor: an alignment has it as one operation.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        let anchored = self.reference.first() == self.alternative.first();
        match (self.reference.len(), self.alternative.len()) {
            (1, 1) => true,
            (1, _) | (_, 1) => anchored,
            _ => false,
        }
    }

    /// The alternative sequence of the reference bases `whole`, which begin at `start` and hold the allele.
    #[must_use]
    pub fn spelled_over(&self, start: u64, whole: &[u8]) -> Vec<u8> {
        let offset = |position: u64| usize::try_from(position.saturating_sub(start)).unwrap_or(usize::MAX);
        let before = whole.get(..offset(self.position)).unwrap_or_default();
        let after = whole.get(offset(self.end())..).unwrap_or_default();
        [before, &self.alternative, after].concat()
    }
}

/// How many bases two sequences begin with in common.
#[must_use]
pub fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// How many bases a sequence and all of the others end with in common.
#[must_use]
pub fn shared_suffix<B: AsRef<[u8]>>(first: &[u8], others: impl IntoIterator<Item = B>) -> usize {
    let with = |other: B| first.iter().rev().zip(other.as_ref().iter().rev()).take_while(|(a, b)| a == b).count();
    others.into_iter().map(with).min().unwrap_or(first.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    //                      0123456789
    const BASES: &[u8] = b"GCACACATTTTG";

    fn window() -> ReferenceWindow {
        ReferenceWindow::new(0, BASES.to_vec())
    }

    fn normal(position: u64, reference: &str, alternative: &str) -> (u64, String, String) {
        let allele = Allele::new(position, reference.as_bytes(), alternative.as_bytes()).normal(&window());
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
        (allele.position, text(allele.reference), text(allele.alternative))
    }

    #[test]
    fn indels_move_left() {
        assert_eq!(normal(8, "TT", "T"), (6, "AT".into(), "A".into()));
        assert_eq!(normal(10, "T", "TT"), (6, "A".into(), "AT".into()));
        assert_eq!(normal(3, "CAC", "C"), (0, "GCA".into(), "G".into()));
    }

    #[test]
    fn shared_ends_are_trimmed() {
        assert_eq!(normal(7, "TTT", "TCT"), (8, "T".into(), "C".into()));
        assert_eq!(normal(6, "ATT", "GT"), (6, "AT".into(), "G".into()));
    }

    #[test]
    fn at_the_start_of_the_contig_the_next_base_is_the_anchor() {
        assert_eq!(normal(0, "GC", "C"), (0, "GC".into(), "C".into()));
    }

    #[test]
    fn the_reference_itself_keeps_a_base() {
        assert_eq!(normal(3, "CAC", "CAC"), (3, "C".into(), "C".into()));
    }

    #[test]
    fn ends_are_trimmed_in_either_order() {
        let ends = |first: fn(&mut Allele, usize), second: fn(&mut Allele, usize), keep| {
            let mut allele = Allele::new(3, b"CAC", b"C");
            first(&mut allele, keep);
            second(&mut allele, keep);
            (allele.interval(), allele.alternative.len())
        };
        assert_eq!(ends(Allele::trim_prefix, Allele::trim_suffix, 0), (Interval::new(4, 6), 0));
        assert_eq!(ends(Allele::trim_suffix, Allele::trim_prefix, 0), (Interval::new(3, 5), 0));
        assert_eq!(ends(Allele::trim_suffix, Allele::trim_prefix, 1), (Interval::new(3, 6), 1));
    }

    #[test]
    fn one_operation_is_simple() {
        let simple = |reference: &str, alternative: &str| {
            Allele::new(0, reference.as_bytes(), alternative.as_bytes()).is_simple()
        };
        assert!(simple("A", "C") && simple("AC", "A") && simple("A", "AC"));
        assert!(!simple("AC", "CT") && !simple("AC", "G") && !simple("A", "CT"));
    }

    proptest! {
        /// An allele and its normal form are the same change, and the normal form is its own.
        #[test]
        fn the_normal_form_says_the_same(position in 1_u64..11, removed in 1_usize..5, inserted in "[ACGT]{1,4}") {
            let start = usize::try_from(position).unwrap();
            let reference = &BASES[start..(start + removed).min(BASES.len())];
            let written = Allele::new(position, reference, inserted.as_bytes());
            let normal = written.clone().normal(&window());
            prop_assert_eq!(written.spelled_over(0, BASES), normal.spelled_over(0, BASES));
            prop_assert_eq!(normal.clone().normal(&window()), normal);
        }
    }
}
