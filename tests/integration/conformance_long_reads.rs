//! The evidence of varpix beside DeepVariant's own, on 100 kb of PacBio HiFi reads: `scripts/eval conformance`.

use varpix::alignment_file::BamFile;
use varpix::candidates::Candidate;
use varpix::evidence::{Evidence, EvidenceOptions, Gatherer};
use varpix::genome::{ContigId, Interval, ReferenceFile};
use varpix::phase::{PhasingOptions, PhasingRules};
use varpix::pileup::{Channel, ImageSpec};
use varpix::reads::BamSource;
use varpix::regions::Region;

use crate::conformance::{self, differing_rows, image, row, same_alleles, shown, site};
use crate::golden::{self, GoldenExample, data};

/// DeepVariant's regions there: `chr20:9,000,000-9,100,000`, 1-based, cut every 25,000 bp from its start.
const START: u64 = 8_999_999;
const END: u64 = 9_100_000;
/// The reads.
const READS: &str = "longread/pacbio-hifi.chr20_100kb_at_9Mb.bam";
const REGION_SIZE: u64 = 25_000;

fn regions() -> impl Iterator<Item = Region> {
    (0..).zip((START..END).step_by(usize::try_from(REGION_SIZE).unwrap())).map(|(sequence, start)| Region {
        sequence,
        contig: ContigId(0),
        interval: Interval::new(start, (start + REGION_SIZE).min(END)),
    })
}

/// The settings of the test that made the golden files.
fn options(rules: PhasingRules) -> EvidenceOptions {
    let mut options = EvidenceOptions {
        realign: None,
        region_size: REGION_SIZE,
        read_margin: 0,
        cut_long_reads: true,
        methylation: true,
        track_reference_reads: true,
        phasing: Some(PhasingOptions { rules, ..PhasingOptions::default() }),
        ..EvidenceOptions::default()
    };
    options.read_filter.min_mapping_quality = 1;
    options.candidates.min_fraction_indels = 0.12;
    options
}

fn evidence(options: EvidenceOptions, image: &ImageSpec) -> Vec<Evidence> {
    let reference = ReferenceFile::new(&data("reference/grch38.chr20_chr21_first10Mb.fa.gz")).unwrap();
    let reads = BamFile::new(&data(READS), reference.path()).unwrap();
    let source = BamSource::open(&[reads], reference.contigs(), options.reads()).unwrap();
    let mut gatherer = Gatherer::new(Box::new(source), reference.open().unwrap(), options, image.clone());
    regions().map(|region| gatherer.gather(region).unwrap()).collect()
}

/// The sites of the examples, each once.
fn sites(golden: &[GoldenExample]) -> Vec<&GoldenExample> {
    let mut sites: Vec<&GoldenExample> = Vec::new();
    for example in golden {
        if sites.last().is_none_or(|last| !same_alleles(&last.site, &example.site)) {
            sites.push(example);
        }
    }
    sites
}

fn sites_and_phases(name: &str, rules: PhasingRules) {
    let golden = golden::examples(&data(&format!("golden/{name}-golden.pacbio_examples.tfrecord.gz")));
    let all = evidence(options(rules), &ImageSpec::default());
    let ours: Vec<(&Candidate, Vec<i64>)> = all
        .iter()
        .flat_map(|evidence| evidence.candidates.iter().zip(&evidence.phases))
        .map(|(candidate, phase)| (candidate, phase.alleles.iter().map(|&phase| i64::from(phase)).collect()))
        .collect();
    let sites = sites(&golden);
    let (mut alleles, mut counts, mut phases) = (0, 0, 0);
    for theirs in &sites {
        let Some((candidate, phase)) = ours.iter().find(|(c, _)| same_alleles(&site(c), &theirs.site)) else {
            println!("only DeepVariant: {}", shown(&theirs.site));
            continue;
        };
        alleles += 1;
        counts += usize::from(site(candidate) == theirs.site);
        phases += usize::from(*phase == theirs.phases);
        if site(candidate) != theirs.site || *phase != theirs.phases {
            println!("differs: DeepVariant {} {:?}", shown(&theirs.site), theirs.phases);
            println!("            varpix {} {phase:?}", shown(&site(candidate)));
        }
    }
    row(&format!("{name}, PacBio: candidate positions and alleles"), alleles, sites.len());
    row(&format!("{name}, PacBio: DP and AD per candidate"), counts, sites.len());
    row(&format!("{name}, PacBio: phases of alleles per candidate"), phases, sites.len());
    assert_eq!((sites.len(), ours.len()), (341, 341));
    assert_eq!((alleles, counts, phases), (341, 341, 341));
}

#[test]
#[ignore = "needs ../shared/data"]
fn sites_and_phases_are_those_of_1_8() {
    sites_and_phases("v1.8.0", PhasingRules::DeepVariant1_8);
}

#[test]
#[ignore = "needs ../shared/data"]
fn sites_and_phases_are_those_of_1_10() {
    sites_and_phases("v1.10.0-beta", PhasingRules::DeepVariant1_10);
}

/// Compares the images of the examples, channel by channel.
fn images(what: &str, golden: &[GoldenExample], all: &[Evidence], spec: &ImageSpec) {
    let shape = spec.shape();
    let (mut whole, mut unsampled) = (0, 0);
    let mut of_channels = vec![0; shape.channels];
    for example in golden {
        assert_eq!(example.shape, [shape.height, shape.width, shape.channels]);
        let Some((ours, reads)) = image(all, example, spec) else {
            println!("no image: {} {:?}", shown(&example.site), example.alts);
            continue;
        };
        unsampled += usize::from(reads <= spec.read_rows());
        whole += usize::from(ours == example.image);
        let mut wrong = Vec::new();
        for (i, equal) in of_channels.iter_mut().enumerate() {
            let channel = |image: &[u8]| image.iter().skip(i).step_by(shape.channels).copied().collect::<Vec<u8>>();
            let (ours, theirs) = (channel(&ours), channel(&example.image));
            *equal += usize::from(ours == theirs);
            if ours != theirs {
                wrong.push((spec.channels[i].name(), differing_rows(&ours, &theirs, shape.width)));
            }
        }
        if !wrong.is_empty() {
            println!("differs: {} {:?}, {reads} reads, {wrong:?}", shown(&example.site), example.alts);
        }
    }
    for (channel, equal) in spec.channels.iter().zip(&of_channels) {
        row(&format!("{what}: {}", channel.name()), *equal, golden.len());
    }
    row(&format!("{what}: images byte-equal"), whole, golden.len());
    assert_eq!((unsampled, whole), (golden.len(), golden.len()));
}

fn spec(width: usize, others: &[Channel]) -> ImageSpec {
    let six = ImageSpec::default().channels;
    let aligned = [Channel::BaseDiffersFromAlt1, Channel::BaseDiffersFromAlt2];
    let channels = six[..6].iter().chain(others).chain(&aligned).copied().collect();
    ImageSpec { width, channels, ..ImageSpec::default() }
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_are_those_of_1_8() {
    let spec = ImageSpec { sort_by_haplotype: true, trim_reads: true, ..spec(199, &[Channel::Haplotype]) };
    let golden = golden::examples(&data("golden/v1.8.0-golden.pacbio_examples.tfrecord.gz"));
    assert_eq!(golden.len(), 401);
    images("1.8, PacBio", &golden, &evidence(options(PhasingRules::DeepVariant1_8), &spec), &spec);
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_are_those_of_1_10() {
    let others = [Channel::Haplotype, Channel::BaseMethylation];
    let spec = ImageSpec { sort_by_haplotype: true, trim_reads: true, ..spec(147, &others) };
    let golden = golden::examples(&data("golden/v1.10.0-beta-golden.pacbio_examples.tfrecord.gz"));
    assert_eq!(golden.len(), 401);
    images("1.10, PacBio", &golden, &evidence(options(PhasingRules::DeepVariant1_10), &spec), &spec);
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_of_short_reads_aligned_to_alternative_alleles() {
    let spec = spec(221, &[]);
    let all = conformance::RELEASE_1_8.evidence();
    for name in ["golden", "v1.10.0-beta-golden"] {
        let golden =
            golden::examples(&data(&format!("golden/{name}.alt_aligned_pileup_diff_channels_examples.tfrecord.gz")));
        assert_eq!(golden.len(), 49);
        images(&format!("{name}, short reads"), &golden, &all, &spec);
    }
}
