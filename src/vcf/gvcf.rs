//! Calls and reference blocks in genome order -> the lines of a gVCF: blocks are cut at calls, each position is in one line.

use std::collections::VecDeque;

use super::header::{GVCF_CALL_FORMATS, HeaderOptions};
use super::record::CallStyle;
use super::writer::{CallSink, VcfWriter};
use crate::error::Result;
use crate::files::{Destination, PartState, Whole};
use crate::genome::{ContigId, Interval, Reference};
use crate::genotype::Call;
use crate::genotype::likelihoods::IMPOSSIBLE;
use crate::regions::Targets;
use crate::vcf::reference_blocks::{Joiner, ReferenceBlock};

/// The default symbol of the allele that stands for all others.
pub const DEFAULT_UNSEEN: &str = "<*>";

/// Writes a gVCF.
pub struct GvcfWriter {
    writer: VcfWriter,
    weaver: Weaver,
    joiner: Joiner,
    reference: Reference,
    unseen: String,
    within: Option<Targets>,
}

impl GvcfWriter {
    /// Opens a file for calls and blocks on the contigs of `reference`. `unseen` is the allele of all that is not observed; blocks
    /// are joined while GQ stays in a bin of `bin` values.
    ///
    /// # Errors
    /// As [`VcfWriter::create`].
    pub fn create<'a>(
        destination: impl Into<Destination<'a>>,
        reference: Reference,
        options: &HeaderOptions,
        style: CallStyle,
        unseen: &str,
        bin: i32,
    ) -> Result<Self> {
        let options = HeaderOptions { gvcf: true, ..options.clone() };
        let style = CallStyle { formats: GVCF_CALL_FORMATS, ..style };
        Ok(Self {
            writer: VcfWriter::create(destination, reference.contigs(), &options, style)?,
            weaver: Weaver::default(),
            joiner: Joiner::new(bin).cutting(),
            reference,
            unseen: unseen.to_owned(),
            within: None,
        })
    }

    /// Writes only lines that begin in these targets.
    #[must_use]
    pub fn within(mut self, targets: Option<&Targets>) -> Self {
        self.within = targets.cloned();
        self
    }

    /// Takes the next call, in genome order.
    pub fn call(&mut self, call: &Call) {
        self.weaver.call(with_unseen_allele(call, &self.unseen));
    }

    /// Takes the next region's blocks, in genome order.
    pub fn blocks(&mut self, blocks: Vec<ReferenceBlock>) {
        for block in blocks {
            if let Some(whole) = self.joiner.push(block) {
                self.weaver.block(whole);
            }
        }
    }

    /// Writes the lines that are final: no call that begins before `settled` follows.
    ///
    /// # Errors
    /// [`Error::Output`](crate::error::Error::Output) where it cannot be written.
    pub fn settle(&mut self, settled: (ContigId, u64)) -> Result<()> {
        // The block that may still grow is not in the weaver; calls behind its start must wait for it.
        let settled = self.joiner.waiting().map_or(settled, |start| settled.min(start));
        self.write(Some(settled))
    }

    fn write(&mut self, settled: Option<(ContigId, u64)>) -> Result<()> {
        for line in self.weaver.lines(settled) {
            let (contig, position) = line.start();
            if self.within.as_ref().is_some_and(|targets| !targets.contains(contig, position)) {
                continue;
            }
            match line {
                Line::Call(call) => self.writer.write(&call)?,
                Line::Block(block) => {
                    let first = Interval::new(block.interval.start(), block.interval.start() + 1);
                    let base = self.reference.bases(block.contig, first)?;
                    self.writer.write_block(&block, base.first().copied().unwrap_or(b'N'), &self.unseen)?;
                }
            }
        }
        Ok(())
    }

    /// True where `next` can begin without anything of the regions before it: all their lines are written, as are those of calls
    /// taken so far, of which none reaches into it. `end` is where the region before `next` ends.
    ///
    /// # Errors
    /// As [`GvcfWriter::settle`].
    pub fn is_apart(&mut self, end: (ContigId, u64), next: (ContigId, u64)) -> Result<bool> {
        if !Joiner::parts(end, next) {
            return Ok(false);
        }
        if let Some(last) = self.joiner.finish() {
            self.weaver.block(last);
        }
        self.settle(end)?;
        Ok(self.weaver.is_apart(next))
    }

    /// Waits until the lines written so far are on the disk; see [`CallSink::kept`].
    ///
    /// # Errors
    /// As [`CallSink::kept`].
    pub fn kept(&mut self) -> Result<Option<PartState>> {
        self.writer.kept()
    }

    /// Writes the rest and makes the file and its index whole; see [`VcfWriter::finish`].
    ///
    /// # Errors
    /// As [`VcfWriter::finish`].
    pub fn finish(mut self) -> Result<Option<Whole>> {
        if let Some(last) = self.joiner.finish() {
            self.weaver.block(last);
        }
        self.write(None)?;
        self.writer.finish()
    }
}

/// A line of a gVCF.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A site with alleles.
    Call(Call),
    /// Positions that hold none.
    Block(ReferenceBlock),
}

impl Line {
    fn start(&self) -> (ContigId, u64) {
        match self {
            Self::Call(call) => (call.contig, call.position),
            Self::Block(block) => (block.contig, block.interval.start()),
        }
    }
}

/// The next step of weaving.
enum Step {
    /// A line.
    Line(Box<Line>),
    /// A block lost what a call covers.
    Smaller,
    /// More input is needed.
    Wait,
}

/// Weaves calls and blocks together. Both come in genome order; lines before the position up to which both are complete are given out.
#[derive(Debug, Default)]
pub struct Weaver {
    calls: VecDeque<Call>,
    blocks: VecDeque<ReferenceBlock>,
    /// What the calls given out so far cover.
    covered: Option<(ContigId, u64)>,
}

impl Weaver {
    /// Takes the next call.
    pub fn call(&mut self, call: Call) {
        self.calls.push_back(call);
    }

    /// Takes the next block.
    pub fn block(&mut self, block: ReferenceBlock) {
        self.blocks.push_back(block);
    }

    /// True where nothing waits, and no call given out so far covers the position `next`.
    fn is_apart(&self, next: (ContigId, u64)) -> bool {
        let reaches = self.covered.is_some_and(|(contig, end)| contig == next.0 && end > next.1);
        self.calls.is_empty() && self.blocks.is_empty() && !reaches
    }

    /// The lines that are final. No call that begins before `settled` follows; `None`: no call follows at all.
    pub fn lines(&mut self, settled: Option<(ContigId, u64)>) -> Vec<Line> {
        let mut lines = Vec::new();
        let is_settled = |contig: ContigId, position: u64| settled.is_none_or(|settled| (contig, position) <= settled);
        loop {
            match self.next(is_settled) {
                Step::Line(line) => lines.push(*line),
                Step::Smaller => {}
                Step::Wait => break,
            }
        }
        debug_assert!(lines.windows(2).all(|pair| pair[0].start() <= pair[1].start()));
        lines
    }

    fn next(&mut self, is_settled: impl Fn(ContigId, u64) -> bool) -> Step {
        let call = self.calls.front().map(|call| (call.contig, call.position));
        let Some(block) = self.blocks.front_mut() else {
            // A block before this call may follow.
            let sure = call.is_some_and(|(contig, position)| is_settled(contig, position + 1));
            return if sure { self.next_call() } else { Step::Wait };
        };
        let start = (block.contig, block.interval.start());
        let covered = self.covered.filter(|(contig, _)| *contig == block.contig).map_or(0, |(_, end)| end);
        if covered > block.interval.start() {
            block.interval = Interval::new(covered, block.interval.end());
            if block.interval.is_empty() {
                self.blocks.pop_front();
            }
            return Step::Smaller;
        }
        if call.is_some_and(|call| call <= start) {
            return self.next_call();
        }
        let cut = call.filter(|&(contig, at)| contig == block.contig && at < block.interval.end()).map(|(_, at)| at);
        if let Some(cut) = cut {
            let piece = ReferenceBlock { interval: Interval::new(block.interval.start(), cut), ..block.clone() };
            block.interval = Interval::new(cut, block.interval.end());
            return Step::Line(Box::new(Line::Block(piece)));
        }
        if !is_settled(block.contig, block.interval.end()) {
            return Step::Wait;
        }
        self.blocks.pop_front().map_or(Step::Wait, |block| Step::Line(Box::new(Line::Block(block))))
    }

    fn next_call(&mut self) -> Step {
        let Some(call) = self.calls.pop_front() else { return Step::Wait };
        let end = call.position + call.reference.len() as u64;
        let before = self.covered.filter(|(contig, _)| *contig == call.contig).map_or(0, |(_, end)| end);
        self.covered = Some((call.contig, end.max(before)));
        Step::Line(Box::new(Line::Call(call)))
    }
}

/// The call with the allele `unseen` for all that is not observed, as gVCF requires: without reads, of the least likelihood.
#[must_use]
pub fn with_unseen_allele(call: &Call, unseen: &str) -> Call {
    let mut call = call.clone();
    call.alts.push(unseen.as_bytes().to_vec());
    call.allele_depths.push(0);
    call.reverse_depths.push(0);
    // The new allele is the last, so its genotypes are too.
    call.phred_likelihoods.extend(std::iter::repeat_n(IMPOSSIBLE, call.alts.len() + 1));
    call
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(position: u64, reference: &str) -> Call {
        Call { reference: reference.into(), alts: vec![b"T".to_vec()], ..crate::testing::call(position) }
    }

    fn block(start: u64, end: u64) -> ReferenceBlock {
        ReferenceBlock {
            contig: ContigId(0),
            interval: Interval::new(start, end),
            is_reference: true,
            genotype_quality: 50,
            min_depth: 30,
            likelihoods: [0.0, -9.0, -90.0],
            haploid: false,
        }
    }

    fn shape(lines: &[Line]) -> Vec<(char, u64, u64)> {
        let span = |line: &Line| match line {
            Line::Call(call) => ('c', call.position, call.position + call.reference.len() as u64),
            Line::Block(block) => ('b', block.interval.start(), block.interval.end()),
        };
        lines.iter().map(span).collect()
    }

    #[test]
    fn blocks_are_cut_around_calls() {
        let mut weaver = Weaver::default();
        for block in [block(0, 100), block(100, 200)] {
            weaver.block(block);
        }
        weaver.call(call(40, "A"));
        weaver.call(call(98, "ACGTA"));
        weaver.call(call(99, "C"));
        assert_eq!(
            shape(&weaver.lines(None)),
            [('b', 0, 40), ('c', 40, 41), ('b', 41, 98), ('c', 98, 103), ('c', 99, 100), ('b', 103, 200)]
        );
    }

    #[test]
    fn nothing_is_given_out_before_it_is_final() {
        let mut weaver = Weaver::default();
        weaver.block(block(0, 100));
        assert!(weaver.lines(Some((ContigId(0), 60))).is_empty());
        weaver.call(call(70, "A"));
        assert_eq!(shape(&weaver.lines(Some((ContigId(0), 80)))), [('b', 0, 70), ('c', 70, 71)]);
        assert_eq!(shape(&weaver.lines(Some((ContigId(0), 100)))), [('b', 71, 100)]);
    }

    #[test]
    fn a_call_that_reaches_on_is_not_apart() {
        let mut weaver = Weaver::default();
        let at = |position| (ContigId(0), position);
        weaver.block(block(0, 100));
        assert!(!weaver.is_apart(at(100)));
        weaver.call(call(98, "ACGTA"));
        assert_eq!(shape(&weaver.lines(Some(at(100)))), [('b', 0, 98), ('c', 98, 103)]);
        assert!(!weaver.is_apart(at(100)) && !weaver.is_apart(at(102)));
        assert!(weaver.is_apart(at(103)) && weaver.is_apart((ContigId(1), 0)));
    }

    proptest! {
        /// Lines tile what blocks and calls cover, each position once but for overlapping calls.
        #[test]
        fn lines_tile(
            lengths in prop::collection::vec(1_u64..20, 1..12),
            calls in prop::collection::btree_map(0_u64..150, 1_usize..6, 0..12),
            settled in prop::collection::vec(0_u64..200, 0..5),
        ) {
            let mut weaver = Weaver::default();
            let mut end = 0;
            for length in lengths {
                weaver.block(block(end, end + length));
                end += length;
            }
            let calls: Vec<Call> =
                calls.into_iter().filter(|(at, _)| *at < end).map(|(at, n)| call(at, &"ACGTAC"[..n])).collect();
            let covered = calls.iter().map(|c| c.position + c.reference.len() as u64).max().unwrap_or(0).max(end);
            for call in &calls {
                weaver.call(call.clone());
            }
            let mut steps = settled;
            steps.sort_unstable();
            let mut lines: Vec<Line> =
                steps.into_iter().flat_map(|position| weaver.lines(Some((ContigId(0), position)))).collect();
            lines.extend(weaver.lines(None));
            prop_assert_eq!(lines.iter().filter(|line| matches!(line, Line::Call(_))).count(), calls.len());
            let mut depth = vec![0; usize::try_from(covered).unwrap()];
            for (kind, from, to) in shape(&lines) {
                for position in from..to {
                    let slot = &mut depth[usize::try_from(position).unwrap()];
                    prop_assert!(*slot == 0 || kind == 'c', "a block lies over {position}");
                    *slot += 1;
                }
            }
            prop_assert!(depth.iter().all(|&n| n > 0));
        }
    }
}
