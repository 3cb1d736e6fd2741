//! A sample's files -> what its reads are like wherever one looks: how deep, and how often they show what hardly is a variant.
//!
//! Some places are looked at, drawn from all that the index says may hold reads. Which ones depends on their coordinates: all parts of a run
//! that is scattered over regions find the same, and a BAM and a CRAM of the same reads nearly always do.

use rand::{Rng as _, RngCore as _};
use rand_pcg::Pcg64;

use super::{Evidence, EvidenceOptions, Gatherer};
use crate::candidates::Candidate;
use crate::error::Result;
use crate::genome::reference::to_usize;
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

/// Upper less lower quartile of a normal distribution, in standard deviations.
const NORMAL_QUARTILES: f64 = 1.349;
/// Standard deviation of the depth, as a share of it, over which the reads are not of a whole genome.
const MOST_UNEVEN: f64 = 0.35;

/// What a sample's reads are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Reads over a position of two copies; 0 where it is not known, or where no depth is usual since the reads are of targets.
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
    let mut looks: Vec<Look> = Vec::new();
    for (contig, interval) in places(windows(files, contigs)?).into_iter().take(TRIES) {
        let interval = interval.intersect(Interval::new(0, contigs.get(contig).length));
        let seen = gatherer.gather_changed(Region { sequence: 0, contig, interval }, |reads, sample| {
            thin(reads);
            sample
        })?;
        let depths = depths(&seen, interval);
        if depths.iter().any(|&depth| depth > 0) {
            let artefact = seen.candidates.iter().any(is_artefact);
            looks.push(Look { depths, kept_share: seen.fetched.kept_share(), artefact });
        }
        if looks.len() == PLACES {
            break;
        }
    }
    Ok(Sample::of(&looks))
}

/// What of a place matters.
struct Look {
    /// Reads over each position, of those that were kept.
    depths: Vec<u32>,
    kept_share: f64,
    artefact: bool,
}

impl Sample {
    /// Half of all bases of reads lie deeper than some depth, however few places they are at. What has less than a third of it is passed
    /// over. The median of the rest is the usual depth, if the rest is about as even as reads of a whole genome are.
    fn of(looks: &[Look]) -> Self {
        let depth = |look: &Look, reads: u32| f64::from(reads) / look.kept_share;
        let mut all: Vec<(f64, u32)> = looks
            .iter()
            .flat_map(|look| look.depths.iter().filter(|&&reads| reads > 0).map(|&reads| (depth(look, reads), reads)))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let half = all.iter().map(|&(_, reads)| u64::from(reads)).sum::<u64>() / 2;
        let mut below = 0;
        let middle = all.iter().find(|&&(_, reads)| {
            below += u64::from(reads);
            below > half
        });
        let least = middle.map_or(0.0, |&(depth, _)| depth / 3.0);
        let rest = &all[all.partition_point(|&(depth, _)| depth < least)..];
        let covered = || looks.iter().filter(|look| look.depths.iter().any(|&reads| depth(look, reads) >= least));
        let [lower, median, upper] = [1, 2, 3].map(|quarter| rest.get(quarter * rest.len() / 4).map_or(0.0, |x| x.0));
        let deviation = (upper - lower) / NORMAL_QUARTILES;
        // What chance alone makes of a depth is left out.
        let uneven = (deviation.powi(2) - median).max(0.0).sqrt() > MOST_UNEVEN * median;
        Self {
            depth: if uneven || rest.is_empty() { 0.0 } else { rounded(median) },
            artefacts: share(covered().filter(|look| look.artefact).count(), covered().count()),
        }
    }
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

/// Reads over each position of a place.
fn depths(seen: &Evidence, place: Interval) -> Vec<u32> {
    let offset = |position: u64| to_usize(position.clamp(place.start(), place.end()) - place.start());
    let mut change = vec![0_i32; to_usize(place.len()) + 1];
    for read in &seen.reads {
        change[offset(read.span.start())] += 1;
        change[offset(read.span.end())] -= 1;
    }
    let depths = change.iter().scan(0_i32, |depth, change| {
        *depth += change;
        Some(depth.unsigned_abs())
    });
    depths.take(to_usize(place.len())).collect()
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
    fn depth_is_usual_in_genomes_and_not_in_targets() {
        let look = |depths: &[u32]| Look { depths: depths.to_vec(), kept_share: 1.0, artefact: false };
        let near = |looks: &[Look], expected: f64| {
            let found = Sample::of(looks).depth;
            assert!((found - expected).abs() < 1e-9, "{found}");
        };
        // A genome of 30 reads, one place of which is two copies deep and one half gone.
        let mut genome: Vec<Look> = (0..20).map(|i| look(&[28 + i % 5; 100])).collect();
        genome.extend([look(&[60; 100]), look(&[0, 15, 0, 15])]);
        near(&genome, 30.0);
        // Targets with edges in a sea of stray reads.
        let target =
            [[1; 60].as_slice(), &[10; 9], &[25; 9], &[48; 7], &[50; 7], &[52; 7], &[25; 9], &[10; 9]].concat();
        let mut targets: Vec<Look> = (0..10).map(|_| look(&target)).collect();
        targets.extend((0..50).map(|_| look(&[1; 100])));
        near(&targets, 0.0);
        // Of deep places only some reads are kept.
        near(&[Look { depths: vec![50; 10], kept_share: 0.25, artefact: false }], 200.0);
        near(&[], 0.0);
    }

    #[test]
    fn artefacts_are_counted_where_reads_are() {
        let look = |depth: u32, artefact: bool| Look { depths: vec![depth; 10], kept_share: 1.0, artefact };
        let looks = [look(30, true), look(30, false), look(1, false)];
        assert!((Sample::of(&looks).artefacts - share(1, 2)).abs() < 1e-9);
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
