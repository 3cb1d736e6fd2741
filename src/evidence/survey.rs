//! A sample's files -> what its reads are like wherever one looks: how deep, and how often they show what hardly is a variant.
//!
//! Some places are looked at, drawn from all that the index says may hold reads. Which ones depends on their coordinates: all parts of a run
//! that is scattered over regions find the same, and a BAM and a CRAM of the same reads nearly always do.

use rand::{Rng as _, RngCore as _};
use rand_pcg::Pcg64;

use super::{Evidence, EvidenceOptions, Gatherer};
use crate::candidates::Candidate;
use crate::error::Result;
use crate::genome::{ContigId, Contigs, Interval, ReferenceFile};
use crate::pileup::ImageSpec;
use crate::reads::weight::ByteCounts;
use crate::reads::{BamFile, BamSource, Read};
use crate::regions::Region;

/// Places with reads that are looked at, and places that are tried for them.
const PLACES: usize = 61;
const TRIES: usize = 250;
/// Length of a place in bp. It begins where a window of the index does, so that its reads are found at once.
const LENGTH: u64 = 1000;
/// Of so few windows, each has [`OF_FEW`] places; else one.
const FEW: usize = 128;
const OF_FEW: u64 = 16;
/// Places that are taken as seen before any is, those of them with an artefact first: of a small file little is known.
const EXPECTED: [f64; 2] = [2.0, 8.0];

/// What a sample's reads are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Reads over a place of two copies: the median over places in which any read starts; 0 where it is not known.
    pub depth: f64,
    /// Share of places of 1 kb with a candidate that too few reads show for one copy of two.
    pub artefacts: f64,
}

impl Default for Sample {
    fn default() -> Self {
        Self { depth: 0.0, artefacts: share(0, 0) }
    }
}

/// Looks at places of a sample's files; `thin` drops reads of a place before they are looked at.
///
/// # Errors
/// [`Error::Input`](crate::error::Error::Input) where a file or its index cannot be read.
pub fn survey(
    files: &[BamFile],
    reference: &ReferenceFile,
    options: EvidenceOptions,
    mut thin: impl FnMut(&mut Vec<Read>),
) -> Result<Sample> {
    let contigs = reference.contigs();
    let source = BamSource::open(files, contigs, options.reads())?;
    let options = EvidenceOptions { realign: None, ..options };
    let mut gatherer = Gatherer::new(Box::new(source), reference.open()?, options, ImageSpec::default());
    let (mut depths, mut strange) = (Vec::new(), 0);
    for (contig, interval) in places(windows(files, contigs)?).into_iter().take(TRIES) {
        let interval = interval.intersect(Interval::new(0, contigs.get(contig).length));
        let seen = gatherer.gather_changed(Region { sequence: 0, contig, interval }, |reads, sample| {
            thin(reads);
            sample
        })?;
        let depth = depth(&seen, interval);
        if depth > 0.0 {
            depths.push(depth);
            strange += usize::from(seen.candidates.iter().any(is_artefact));
        }
        if depths.len() == PLACES {
            break;
        }
    }
    depths.sort_by(f64::total_cmp);
    let median = depths.get(depths.len() / 2).map_or(0.0, |&median| rounded(median));
    Ok(Sample { depth: median, artefacts: share(strange, depths.len()) })
}

/// The share of places with an artefact that another survey of such a sample might find.
#[allow(clippy::cast_precision_loss, reason = "some dozen places")]
pub fn found_again(artefacts: f64, random: &mut Pcg64) -> f64 {
    let seen = (artefacts * (PLACES as f64 + EXPECTED[1]) - EXPECTED[0]) / PLACES as f64;
    share((0..PLACES).filter(|_| random.random_bool(seen.clamp(0.0, 1.0))).count(), PLACES)
}

/// The share of places with an artefact, some being expected.
#[allow(clippy::cast_precision_loss, reason = "some dozen places")]
fn share(with: usize, places: usize) -> f64 {
    (with as f64 + EXPECTED[0]) / (places as f64 + EXPECTED[1])
}

/// The windows of the files' indexes that hold reads, on the reference's contigs.
fn windows(files: &[BamFile], reference: &Contigs) -> Result<Vec<(ContigId, Interval)>> {
    let mut windows = Vec::new();
    for file in files {
        let of_reference = |id: ContigId| reference.id(&file.contigs().get(id).name);
        windows
            .extend(ByteCounts::of(file)?.full_windows().filter_map(|(id, window)| Some((of_reference(id)?, window))));
    }
    Ok(windows)
}

/// Reads over a place, from the bases of those that start in it.
#[allow(clippy::cast_precision_loss, reason = "bases of some hundred reads")]
fn depth(seen: &Evidence, place: Interval) -> f64 {
    let starting = seen.reads.iter().filter(|read| place.contains(read.span.start()));
    let bases: u64 = starting.map(|read| read.span.len()).sum();
    bases as f64 / place.len().max(1) as f64 / seen.fetched.kept_share()
}

/// Whether an allele is shown by fewer reads than one copy of two would be, by two standard deviations.
fn is_artefact(candidate: &Candidate) -> bool {
    let depth = f64::from(candidate.depth);
    candidate.alts.iter().any(|alt| f64::from(alt.count) < depth / 2.0 - depth.sqrt())
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
    use crate::testing::candidate;

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

    #[test]
    fn too_few_for_a_copy_of_two() {
        // Of 36 reads, 18 give or take 6.
        let shown = |n: u32| is_artefact(&candidate(100, "T", &[("A", n, &[])], 36 - n));
        assert!(shown(11) && !shown(12) && !shown(18) && !shown(36));
    }

    #[test]
    fn little_is_known_of_few_places() {
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(share(0, 0), 0.25) && near(share(1, 1), 1.0 / 3.0) && share(61, 61) > 0.9 && share(0, 61) < 0.03);
        assert_eq!(Sample::default().artefacts.to_bits(), share(0, 0).to_bits());
    }

    #[test]
    fn surveys_of_a_sample_scatter_around_the_same() {
        let mut random = Pcg64::new(1, 1);
        let again: Vec<f64> = (0..400).map(|_| found_again(0.3, &mut random)).collect();
        let mean = again.iter().sum::<f64>() / 400.0;
        let deviation = (again.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 400.0).sqrt();
        assert!((mean - 0.3).abs() < 0.01 && (0.04..0.07).contains(&deviation), "{mean} {deviation}");
    }
}
