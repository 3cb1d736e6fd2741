//! Values of an image's pixels -> colours for people; those of bases and strands are IGV's.

use image::Rgb;

use super::channel::{Channel, MISMATCH};

pub(super) const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
pub(super) const INK: Rgb<u8> = Rgb([20, 20, 20]);
/// The candidate's column.
pub(super) const MARK: Rgb<u8> = Rgb([220, 40, 40]);
/// Bases, their values in the channel of bases, and their colours.
pub(super) const BASES: [(&str, u8, Rgb<u8>); 4] = [
    ("A", 250, Rgb([0, 150, 0])),
    ("C", 30, Rgb([0, 0, 255])),
    ("G", 180, Rgb([209, 113, 5])),
    ("T", 100, Rgb([255, 0, 0])),
];
/// Reads on the forward and on the reverse strand.
pub(super) const STRANDS: [(&str, Rgb<u8>); 2] = [("forward", Rgb([230, 150, 150])), ("reverse", Rgb([150, 150, 230]))];
/// Value of the channel of strands from which on a read is on the reverse strand: between 70 and 240.
const REVERSE: u8 = 155;
/// Reads of haplotype 1 and 2.
pub(super) const HAPLOTYPES: [(&str, Rgb<u8>); 2] =
    [("haplotype 1", Rgb([0, 158, 115])), ("haplotype 2", Rgb([204, 121, 167]))];
/// Reads that support the image's alleles, in the panel of reads.
pub(super) const SUPPORTS: (&str, Rgb<u8>) = ("supports the alleles", Rgb([20, 20, 20]));
/// Value of the channel of support for such a read.
const SUPPORTING: u8 = 254;
/// Bases of reads without a strand.
const PLAIN: Rgb<u8> = Rgb([190, 190, 190]);

/// The colour of a value in the panel of its channel.
pub(super) fn of_channel(channel: Channel, value: u8) -> Rgb<u8> {
    match channel {
        Channel::ReadBase => of_base(value).unwrap_or(Rgb([value; 3])),
        Channel::Strand if value > 0 => of_strand(value),
        Channel::Haplotype => of_haplotype(haplotype(value)).unwrap_or(Rgb([value; 3])),
        _ => Rgb([value; 3]),
    }
}

/// The haplotype that a value of its channel stands for: 0, 1 or 2.
pub(super) fn haplotype(value: u8) -> u8 {
    u8::from(value > 60) + u8::from(value > 190)
}

/// The colour of a haplotype; none of reads without one.
pub(super) fn of_haplotype(haplotype: u8) -> Option<Rgb<u8>> {
    HAPLOTYPES.get(usize::from(haplotype).checked_sub(1)?).map(|(_, colour)| *colour)
}

fn of_base(value: u8) -> Option<Rgb<u8>> {
    BASES.iter().find(|(_, base, _)| *base == value).map(|(.., colour)| *colour)
}

fn of_strand(value: u8) -> Rgb<u8> {
    STRANDS[usize::from(value >= REVERSE)].1
}

/// Where the channels lie that the panel of reads is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadsPanel {
    base: usize,
    differs: usize,
    strand: Option<usize>,
    support: Option<usize>,
}

impl ReadsPanel {
    /// Of these channels; none without bases, or without what differs from the reference.
    pub(super) fn of(channels: &[Channel]) -> Option<Self> {
        let at = |wanted| channels.iter().position(|&channel| channel == wanted);
        Some(Self {
            base: at(Channel::ReadBase)?,
            differs: at(Channel::BaseDiffersFromRef)?,
            strand: at(Channel::Strand),
            support: at(Channel::ReadSupportsVariant),
        })
    }

    /// The colour of a pixel: of a read's base that differs, the base's; else that of the read's strand. Bases of the reference have their own.
    pub(super) fn colour(&self, values: &[u8], of_reference: bool) -> Rgb<u8> {
        let base = of_base(values[self.base]);
        match (base, of_reference || values[self.differs] == MISMATCH) {
            (Some(base), true) => base,
            (None, true) if !of_reference => INK,
            _ if values[self.differs] == 0 => PAPER,
            _ => self.strand.map_or(PLAIN, |strand| of_strand(values[strand])),
        }
    }

    /// Whether a row is of a read that supports the image's alleles.
    pub(super) fn supports(&self, row: &[u8], channels: usize) -> bool {
        self.support.is_some_and(|at| row.iter().skip(at).step_by(channels).any(|&value| value == SUPPORTING))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn haplotypes_are_those_of_the_channel() {
        assert_eq!([0, 127, 254].map(haplotype), [0, 1, 2]);
        assert_eq!((of_haplotype(0), of_haplotype(2)), (None, Some(HAPLOTYPES[1].1)));
        assert_eq!(of_channel(Channel::Haplotype, 0), Rgb([0; 3]));
    }

    #[test]
    fn reads_have_the_colour_of_their_strand_where_they_equal_the_reference() {
        let channels = [Channel::ReadBase, Channel::Strand, Channel::BaseDiffersFromRef, Channel::ReadSupportsVariant];
        let panel = ReadsPanel::of(&channels).unwrap();
        let [forward, reverse] = STRANDS.map(|(_, colour)| colour);
        assert_eq!(panel.colour(&[250, 70, 50, 152], false), forward);
        assert_eq!(panel.colour(&[250, 240, 50, 152], false), reverse);
        assert_eq!(panel.colour(&[100, 240, 254, 152], false), Rgb([255, 0, 0]));
        assert_eq!(panel.colour(&[0, 240, 254, 152], false), INK, "an indel's anchor");
        assert_eq!(panel.colour(&[0; 4], false), PAPER);
        assert_eq!(panel.colour(&[30, 70, 50, 152], true), Rgb([0, 0, 255]));
        assert!(panel.supports(&[0, 0, 0, 0, 250, 70, 50, 254], 4) && !panel.supports(&[250, 70, 50, 152], 4));
        assert!(ReadsPanel::of(&channels[..2]).is_none());
    }
}
