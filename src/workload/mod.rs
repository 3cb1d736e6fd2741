//! Pieces of the genome -> how much time calling will take on each: by the bytes of their reads ([`ReadBytes`]), or by a model of the cost whose counts a
//! survey gives ([`costs`]).
//!
//! Bytes tell how many reads there are. A survey of a few regions (`draws`) tells what its reads hold: candidates, and reads that are realigned
//! (`counts`). What differs between stretches of the genome by more than chance (`rates`) is then counted for each piece
//! (`cost`). All rests on counts, never on times, so that the same files always give the same costs.

mod bytes;
mod cost;
mod counts;
mod draws;
mod rates;

use crate::error::Result;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::regions::Region;

pub use bytes::ReadBytes;

/// Least draws of which anything is concluded.
const FEWEST_DRAWS: usize = 8;

/// The costs of pieces, each of them of some regions of the model, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// The cost of each piece in seconds of CPU time of a machine that does not matter; the work by bytes where too little was drawn.
    pub pieces: Vec<f64>,
    /// Regions that were surveyed.
    pub draws: usize,
    /// Stretches that differ in what candidates and realignment cost.
    pub stretches: usize,
}

/// Surveys some regions of `pieces` and gives the cost of each.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where the reads or the reference cannot be read.
pub fn costs(inputs: &Inputs, model: &Model, pieces: &[Region]) -> Result<Costs> {
    let bytes = ReadBytes::of(inputs);
    let evidence = &model.config.evidence;
    let draws = draws::draws(pieces, &bytes, evidence.region_size);
    let counts = counts::counts(inputs, model, &draws)?;
    for (draw, counts) in draws.iter().zip(&counts) {
        let contig = &inputs.reference().contigs().get(draw.contig).name;
        log::debug!("{contig}:{}: {counts:?}", draw.interval.start() + 1);
    }
    let seen: Vec<_> = draws.iter().zip(&counts).filter(|(_, counts)| counts.reads > 0.0).collect();
    if seen.len() < FEWEST_DRAWS {
        let pieces = pieces.iter().map(|piece| bytes.work(piece.contig, piece.interval)).collect();
        return Ok(Costs { pieces, draws: seen.len(), stretches: 1 });
    }
    let library = cost::Library::of(seen.iter().map(|(draw, counts)| (draw.bytes, **counts)), evidence);
    let samples: Vec<_> = seen.iter().map(|(draw, counts)| cost::sample(draw.piece, counts)).collect();
    let rates = rates::Rates::of(&samples);
    let of_piece = |(number, piece): (usize, &Region)| {
        library.cost(piece.interval.len(), bytes.within(piece.contig, piece.interval), rates.at(number))
    };
    Ok(Costs {
        pieces: pieces.iter().enumerate().map(of_piece).collect(),
        draws: seen.len(),
        stretches: rates.stretches(),
    })
}
