//! The evidence of varpix beside DeepVariant's own, on the first 10 kb of the HG001 window: `scripts/conformance`.

use varpix::candidates::Candidate;
use varpix::evidence::{Evidence, EvidenceOptions, Gatherer};
use varpix::genome::{ContigId, Interval, ReferenceFile};
use varpix::pileup::{AltSet, ImageSpec};
use varpix::reads::BamFile;
use varpix::regions::Region;

use crate::golden::{self, GoldenExample, Site, data};

/// DeepVariant's regions there: `chr20:10,000,000-10,010,000`, 1-based, cut every 1,000 bp from its start.
fn regions() -> impl Iterator<Item = Region> {
    let (start, end) = (9_999_999, 10_010_000);
    (0..).map(move |i| (i, start + 1000 * i as u64)).take_while(move |(_, from)| *from < end).map(move |(i, from)| Region {
        sequence: i,
        contig: ContigId(0),
        interval: Interval::new(from, (from + 1000).min(end)),
    })
}

fn evidence(options: EvidenceOptions) -> Vec<Evidence> {
    let reference = ReferenceFile::new(&data("reference/hg19.chr20-window.fa.gz")).unwrap();
    let reads = BamFile::new(&data("real/hg001-50x.chr20_10.0-10.1Mb.hg19.bam"), reference.path()).unwrap();
    let source = reads.open(reference.contigs(), options.reads()).unwrap();
    let mut gatherer = Gatherer::new(Box::new(source), reference.open().unwrap(), options, ImageSpec::default());
    regions().map(|region| gatherer.gather(region).unwrap()).collect()
}

fn site(candidate: &Candidate) -> Site {
    let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).unwrap();
    let counts = std::iter::once(candidate.reference_count).chain(candidate.alts.iter().map(|alt| alt.count));
    Site {
        position: candidate.position,
        reference: text(&candidate.reference),
        alts: candidate.alts.iter().map(|alt| text(&alt.bases)).collect(),
        depth: i64::from(candidate.depth),
        counts: counts.map(i64::from).collect(),
    }
}

fn same_alleles(a: &Site, b: &Site) -> bool {
    (a.position, &a.reference, &a.alts) == (b.position, &b.reference, &b.alts)
}

fn shown(site: &Site) -> String {
    format!("{} {}>{} DP {} AD {:?}", site.position + 1, site.reference, site.alts.join(","), site.depth, site.counts)
}

#[test]
#[ignore = "needs ../shared/data"]
fn candidates_are_deepvariants() {
    let golden = golden::candidates(&data("golden/golden.calling_candidates.tfrecord.gz"));
    let all = evidence(EvidenceOptions::default());
    let ours: Vec<Site> = all.iter().flat_map(|e| e.candidates.iter().map(site)).collect();
    let mut equal = 0;
    let mut counts = 0;
    for candidate in &golden {
        match ours.iter().find(|site| same_alleles(site, &candidate.site)) {
            Some(site) => {
                equal += 1;
                counts += usize::from(*site == candidate.site);
                if *site != candidate.site {
                    println!("counts differ: theirs {}, ours {}", shown(&candidate.site), shown(site));
                }
            }
            None => println!("only theirs: {}", shown(&candidate.site)),
        }
    }
    for site in &ours {
        if !golden.iter().any(|candidate| same_alleles(site, &candidate.site)) {
            println!("only ours: {}", shown(site));
        }
    }
    println!("candidates: theirs {}, ours {}, same {equal}, of these same DP and AD {counts}", golden.len(), ours.len());
    assert_eq!((equal, ours.len(), counts), (golden.len(), golden.len(), golden.len()));
}

/// Our image of a golden example, and whether reads had to be sampled for it.
fn image(all: &[Evidence], example: &GoldenExample) -> Option<(Vec<u8>, usize)> {
    let set = match *example.alts.as_slice() {
        [a] => AltSet::One(a),
        [a, b] => AltSet::Two(a, b),
        _ => return None,
    };
    all.iter().find_map(|evidence| {
        let candidate = evidence.candidates.iter().find(|c| same_alleles(&site(c), &example.site))?;
        let image = evidence.render(&ImageSpec::default(), candidate, set);
        let around = candidate.interval().padded(varpix::pileup::render::READ_MARGIN, u64::MAX - 5);
        let rows = evidence.reads.iter().filter(|read| read.span.overlaps(around)).count();
        Some((image.bytes().to_vec(), rows))
    })
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_are_deepvariants() {
    let golden = golden::examples(&data("golden/golden.calling_examples.tfrecord.gz"));
    let all = evidence(EvidenceOptions::default());
    let (mut whole, mut unsampled, mut pixels, mut equal_pixels) = (0, 0, 0, 0);
    for example in &golden {
        let [_, width, channels] = example.shape;
        pixels += example.image.len();
        let Some((ours, reads)) = image(&all, example) else {
            println!("no image: {}", shown(&example.site));
            continue;
        };
        let same = ours.iter().zip(&example.image).filter(|(a, b)| a == b).count();
        equal_pixels += same;
        unsampled += usize::from(reads <= 95);
        whole += usize::from(reads <= 95 && same == ours.len());
        if same < ours.len() {
            let rows: Vec<_> = ours
                .chunks(width * channels)
                .zip(example.image.chunks(width * channels))
                .enumerate()
                .filter(|(_, (a, b))| a != b)
                .map(|(row, (a, b))| (row, a.iter().zip(b).filter(|(a, b)| a != b).count()))
                .collect();
            println!("{} {:?} reads {reads}: {} bytes differ, rows {rows:?}", shown(&example.site), example.alts, ours.len() - same);
        }
    }
    println!("byte-equal {whole} of {unsampled} without sampling; pixels {equal_pixels} of {pixels}");
    assert!(whole * 100 >= unsampled * 95 && equal_pixels * 1000 >= pixels * 999);
}
