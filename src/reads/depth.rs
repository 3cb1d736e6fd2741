//! Reads files -> how deep their reads usually are: what a place of two copies has, whatever lies at the place in question.
//!
//! Some places are looked at, drawn from all that the index says may hold reads; the usual depth is their median. Which ones depends on
//! their coordinates: all parts of a run that is scattered over regions find the same, and a BAM and a CRAM of the same reads nearly always do.

use rand::RngCore as _;
use rand_pcg::Pcg64;

use super::source::{BamFile, BamSource, ReadOptions, ReadSource as _};
use super::weight::ByteCounts;
use crate::error::Result;
use crate::genome::{ContigId, Contigs, Interval};

/// Places with reads that are looked at, and places that are tried for them.
const PLACES: usize = 61;
const TRIES: usize = 250;
/// Length of a place in bp. It begins where a window of the index does, so that its reads are found at once.
const LENGTH: u64 = 400;
/// Of so few windows, each has [`OF_FEW`] places; else one.
const FEW: usize = 128;
const OF_FEW: u64 = 16;

/// The median depth of the sample's reads that `options` let through, over places in which any read starts; 0 where there are none.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where a file or its index cannot be read.
pub fn usual_depth(files: &[BamFile], reference: &Contigs, options: ReadOptions) -> Result<f64> {
    let mut windows: Vec<(ContigId, Interval)> = Vec::new();
    for file in files {
        let of_reference = |id: ContigId| reference.id(&file.contigs().get(id).name);
        windows
            .extend(ByteCounts::of(file)?.full_windows().filter_map(|(id, window)| Some((of_reference(id)?, window))));
    }
    let mut source = BamSource::open(files, reference, options)?;
    let mut depths = Vec::new();
    for (contig, place) in places(windows).into_iter().take(TRIES) {
        let (reads, stats) = source.fetch(contig, place)?;
        let starting = reads.iter().filter(|read| place.contains(read.span.start()));
        let bases: u64 = starting.map(|read| read.span.len()).sum();
        if bases > 0 {
            #[allow(clippy::cast_precision_loss, reason = "bases of some hundred reads")]
            depths.push(bases as f64 / place.len() as f64 / stats.kept_share());
        }
        if depths.len() == PLACES {
            break;
        }
    }
    depths.sort_by(f64::total_cmp);
    Ok(depths.get(depths.len() / 2).map_or(0.0, |&median| rounded(median)))
}

/// To two significant digits, so that a place more or less seldom shows.
fn rounded(depth: f64) -> f64 {
    let unit = 10.0_f64.powf(depth.log10().floor() - 1.0);
    (depth / unit).round() * unit
}

/// The places of windows, in an order that mixes the genome.
fn places(mut windows: Vec<(ContigId, Interval)>) -> Vec<(ContigId, Interval)> {
    windows.sort_unstable_by_key(|(contig, window)| (contig.0, window.start()));
    windows.dedup();
    let each = if windows.len() <= FEW { OF_FEW } else { 1 };
    let mut places: Vec<(ContigId, Interval)> = windows
        .into_iter()
        .flat_map(|(contig, window)| {
            let starts = (0..each).map(move |i| window.start() + i * window.len() / OF_FEW);
            starts.map(move |at| (contig, Interval::new(at, at + LENGTH)))
        })
        .collect();
    places.sort_by_cached_key(|(contig, place)| {
        (Pcg64::new(u128::from(place.start()), contig.0 as u128).next_u64(), contig.0, place.start())
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(from: u64, to: u64) -> Vec<(ContigId, Interval)> {
        (from..to).map(|i| (ContigId(0), Interval::new(i << 14, (i + 1) << 14))).collect()
    }

    #[test]
    fn places_are_of_all_windows_in_an_order_of_their_own() {
        assert_eq!(places(windows(0, 2)).len(), 32);
        let many = places(windows(0, 1000));
        assert_eq!(many.len(), 1000);
        let mean = many[..PLACES].iter().map(|(_, place)| place.start() >> 14).sum::<u64>() / PLACES as u64;
        assert!((350..650).contains(&mean), "{mean}");
        // A window more, at an end or in between, changes nothing of the others' order.
        let mut one_less = many;
        one_less.retain(|(_, place)| place.start() != 999 << 14);
        assert_eq!(places(windows(0, 999)), one_less);
        assert!(places(Vec::new()).is_empty());
    }

    #[test]
    fn depths_have_two_digits() {
        let of = [29.62, 7.349, 148.0, 0.5].map(rounded);
        assert!(of.iter().zip([30.0, 7.3, 150.0, 0.5]).all(|(a, b)| (a - b).abs() < 1e-9), "{of:?}");
    }
}
