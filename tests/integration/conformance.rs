//! The evidence of varpix beside DeepVariant's own, on the first 10 kb of the HG001 window: `scripts/eval conformance`.

use std::collections::BTreeMap;

use varpix::alignment_file::BamFile;
use varpix::candidates::{AltAllele, Candidate};
use varpix::evidence::{Evidence, EvidenceOptions, Gatherer};
use varpix::genome::{ContigId, Interval, ReferenceFile};
use varpix::genotype::{BySet, Call, CallOptions, Filter, Ploidy, Resolver, call};
use varpix::pileup::{AltSet, ImageSpec, READ_MARGIN};
use varpix::predict::Probabilities;
use varpix::reads::BamSource;
use varpix::regions::Region;
use varpix::vcf::gvcf::{DEFAULT_UNSEEN, Line, Weaver, with_unseen_allele};
use varpix::vcf::{ReferenceBlock, reference_blocks};

use crate::golden::{self, GoldenExample, Site, data};

/// DeepVariant's regions there: `chr20:10,000,000-10,010,000`, 1-based, cut every 1,000 bp from its start.
const START: u64 = 9_999_999;
const END: u64 = 10_010_000;

fn regions() -> impl Iterator<Item = Region> {
    (0..).zip((START..END).step_by(1000)).map(|(sequence, start)| Region {
        sequence,
        contig: ContigId(0),
        interval: Interval::new(start, (start + 1000).min(END)),
    })
}

/// Whose rules are followed, and where the outputs are that they gave. Those of 1.10 were post-processed with its program's default, the
/// minimum rule for several alleles.
pub struct Release {
    /// Before the names of the golden files.
    prefix: &'static str,
    min_allele_count: u32,
    /// Reference blocks, and lines of the gVCF.
    blocks: usize,
    gvcf_lines: usize,
}

pub const RELEASE_1_8: Release = Release { prefix: "", min_allele_count: 1, blocks: 233, gvcf_lines: 226 };
const RELEASE_1_10: Release = Release { prefix: "v1.10.0-beta-", min_allele_count: 2, blocks: 235, gvcf_lines: 228 };

impl Release {
    fn golden(&self, name: &str) -> std::path::PathBuf {
        data(&format!("golden/{}golden.{name}", self.prefix))
    }

    pub fn evidence(&self) -> Vec<Evidence> {
        let mut options = EvidenceOptions::default();
        if let Some(realign) = &mut options.realign {
            realign.windows.min_allele_count = self.min_allele_count;
        }
        gathered(options)
    }
}

fn gathered(options: EvidenceOptions) -> Vec<Evidence> {
    let reference = ReferenceFile::new(&data("reference/hg19.chr20-window.fa.gz")).unwrap();
    let reads = BamFile::new(&data("real/hg001-50x.chr20_10.0-10.1Mb.hg19.bam"), reference.path()).unwrap();
    let source = BamSource::open(&[reads], reference.contigs(), options.reads()).unwrap();
    let mut gatherer = Gatherer::new(Box::new(source), reference.open().unwrap(), options, ImageSpec::default());
    regions().map(|region| gatherer.gather(region).unwrap()).collect()
}

pub fn site(candidate: &Candidate) -> Site {
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

/// The names of the reads that support each alternative allele, as DeepVariant writes them.
fn support(evidence: &Evidence, candidate: &Candidate) -> BTreeMap<String, Vec<String>> {
    let name = |&i: &u32| {
        let read = &evidence.reads[i as usize];
        format!("{}/{}", String::from_utf8_lossy(&read.name), read.number)
    };
    let names = |support: &[u32]| {
        let mut names: Vec<_> = support.iter().map(name).collect();
        names.sort();
        // A record that stands twice in the file has one name.
        names.dedup();
        names
    };
    let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).unwrap();
    candidate.alts.iter().map(|alt| (text(&alt.bases), names(&alt.support))).collect()
}

pub fn same_alleles(a: &Site, b: &Site) -> bool {
    (a.position, &a.reference, &a.alts) == (b.position, &b.reference, &b.alts)
}

pub fn shown(site: &Site) -> String {
    format!("{} {}>{} DP {} AD {:?}", site.position + 1, site.reference, site.alts.join(","), site.depth, site.counts)
}

pub fn row(what: &str, ours: usize, all: usize) {
    #[allow(clippy::cast_precision_loss, reason = "counts of a small file")]
    let share = 100.0 * ours as f64 / all as f64;
    println!("| {what} | {ours} of {all} | {share:.2} % |");
}

#[test]
#[ignore = "needs ../shared/data"]
fn candidates_are_deepvariants() {
    candidates_are_those_of(&RELEASE_1_8);
}

#[test]
#[ignore = "needs ../shared/data"]
fn candidates_are_those_of_1_10() {
    candidates_are_those_of(&RELEASE_1_10);
}

fn candidates_are_those_of(release: &Release) {
    let golden = golden::candidates(&release.golden("calling_candidates.tfrecord.gz"));
    let all = release.evidence();
    let ours: Vec<(Site, _)> =
        all.iter().flat_map(|e| e.candidates.iter().map(move |c| (site(c), support(e, c)))).collect();
    let (mut alleles, mut counts, mut supports) = (0, 0, 0);
    for theirs in &golden {
        let Some((site, support)) = ours.iter().find(|(site, _)| same_alleles(site, &theirs.site)) else {
            println!("only DeepVariant: {}", shown(&theirs.site));
            continue;
        };
        alleles += 1;
        counts += usize::from(*site == theirs.site);
        let theirs_accepted = theirs.support.iter().filter(|(alt, _)| site.alts.contains(alt));
        let same = theirs_accepted.eq(support.iter());
        supports += usize::from(same);
        if *site != theirs.site || !same {
            println!("differs: DeepVariant {}, varpix {}", shown(&theirs.site), shown(site));
        }
    }
    let extra: Vec<_> =
        ours.iter().filter(|(ours, _)| !golden.iter().any(|theirs| same_alleles(ours, &theirs.site))).collect();
    for (site, _) in &extra {
        println!("only varpix: {}", shown(site));
    }
    row("candidate positions and alleles", alleles, golden.len());
    row("candidates that DeepVariant lacks", extra.len(), ours.len());
    row("DP and AD per candidate", counts, golden.len());
    row("names of supporting reads per candidate", supports, golden.len());
    assert_eq!((golden.len(), alleles, extra.len()), (78, 78, 0));
    assert_eq!((counts, supports), (golden.len(), golden.len()));
}

/// Our image of a golden example, and how many reads wanted a row in it.
pub fn image(all: &[Evidence], example: &GoldenExample, spec: &ImageSpec) -> Option<(Vec<u8>, usize)> {
    let set = match *example.alts.as_slice() {
        [a] => AltSet::One(a),
        [a, b] => AltSet::Two(a, b),
        _ => return None,
    };
    all.iter().find_map(|evidence| {
        let candidate = evidence.candidates.iter().find(|c| same_alleles(&site(c), &example.site))?;
        let image = evidence.render(spec, candidate, set);
        let around = candidate.interval().padded(READ_MARGIN, u64::MAX - READ_MARGIN);
        let reads = evidence.reads.iter().filter(|read| read.span.overlaps(around)).count();
        Some((image.bytes().to_vec(), reads))
    })
}

/// Rows of two images that are not the same.
pub fn differing_rows(ours: &[u8], theirs: &[u8], width: usize) -> Vec<usize> {
    let rows = ours.chunks(width).zip(theirs.chunks(width)).enumerate();
    rows.filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect()
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_are_deepvariants() {
    images_are_those_of(&RELEASE_1_8);
}

#[test]
#[ignore = "needs ../shared/data"]
fn images_are_those_of_1_10() {
    images_are_those_of(&RELEASE_1_10);
}

fn images_are_those_of(release: &Release) {
    let golden = golden::examples(&release.golden("calling_examples.tfrecord.gz"));
    let all = release.evidence();
    let rows = ImageSpec::default().read_rows();
    let (mut unsampled, mut whole, mut pixels, mut equal) = (0, 0, 0, 0);
    for example in &golden {
        let shape = ImageSpec::default().shape();
        assert_eq!(example.shape, [shape.height, shape.width, shape.channels]);
        pixels += shape.height * shape.width;
        let Some((ours, reads)) = image(&all, example, &ImageSpec::default()) else {
            println!("no image: {} {:?}", shown(&example.site), example.alts);
            continue;
        };
        let same_pixel = |(a, b): &(&[u8], &[u8])| a == b;
        equal += ours.chunks(shape.channels).zip(example.image.chunks(shape.channels)).filter(same_pixel).count();
        unsampled += usize::from(reads <= rows);
        whole += usize::from(reads <= rows && ours == example.image);
        if ours != example.image {
            let rows = differing_rows(&ours, &example.image, shape.width * shape.channels);
            println!("differs: {} {:?}, {reads} reads, rows {rows:?}", shown(&example.site), example.alts);
        }
    }
    row("image tensors byte-equal where no read is sampled away", whole, unsampled);
    row("pixels equal over all examples", equal, pixels);
    assert_eq!(golden.len(), 84);
    assert!(whole * 100 >= unsampled * 95, "{whole} of {unsampled} tensors");
    assert!(equal * 1000 >= pixels * 999, "{equal} of {pixels} pixels");
}

/// The sites of DeepVariant's network results, with what it said of each set of alleles.
fn classified_sites(release: &Release) -> Vec<(Candidate, BySet)> {
    let mut sites: Vec<(Candidate, BySet)> = Vec::new();
    for result in golden::classified(&release.golden("postprocess_single_site_input-00000-of-00001.tfrecord.gz")) {
        let counts: Vec<u32> = result.site.counts.iter().map(|&n| u32::try_from(n).unwrap()).collect();
        let alt = |(bases, &count): (&String, &u32)| AltAllele {
            bases: bases.clone().into(),
            count,
            reverse_count: 0,
            support: Vec::new(),
        };
        let candidate = Candidate {
            contig: ContigId(0),
            position: result.site.position,
            reference: result.site.reference.clone().into(),
            alts: result.site.alts.iter().zip(&counts[1..]).map(alt).collect(),
            reference_count: counts[0],
            reference_reverse_count: 0,
            reference_support: Vec::new(),
            depth: u32::try_from(result.site.depth).unwrap(),
            mapping_quality: 60.0,
            asked: None,
        };
        if sites.last().is_none_or(|(last, _)| *last != candidate) {
            sites.push((candidate, BySet::new()));
        }
        let set = set_of(&result.alts);
        sites.last_mut().unwrap().1.insert(set, Probabilities(result.probabilities));
    }
    sites
}

fn set_of(alts: &[usize]) -> AltSet {
    match *alts {
        [a] => AltSet::One(a),
        [a, b] => AltSet::Two(a, b),
        _ => unreachable!("one or two alleles"),
    }
}

/// POS, REF, ALT, QUAL, FILTER and GT:GQ:DP:AD:VAF:PL of a call, as VCF has them.
fn columns(call: &Call) -> Vec<String> {
    let text = |bases: &[u8]| String::from_utf8(bases.to_vec()).unwrap();
    let join = |numbers: Vec<String>| numbers.join(",");
    let genotype = call.genotype.map_or("./.".to_owned(), |genotype| genotype.to_string());
    let share = |n: &u32| varpix::vcf::values::fraction(*n, call.depth).to_string();
    let sample = [
        genotype,
        call.genotype_quality.to_string(),
        call.depth.to_string(),
        join(call.allele_depths.iter().map(ToString::to_string).collect()),
        join(call.allele_depths[1..].iter().map(share).collect()),
        join(call.phred_likelihoods.iter().map(ToString::to_string).collect()),
    ];
    vec![
        (call.position + 1).to_string(),
        text(&call.reference),
        join(call.alts.iter().map(|alt| text(alt)).collect()),
        call.quality.to_string(),
        call.filter.name().into(),
        sample.join(":"),
    ]
}

#[test]
#[ignore = "needs ../shared/data"]
fn calls_are_deepvariants() {
    let ours = calls_are_those_of(&RELEASE_1_8);
    let passed = golden::vcf(&data("golden/golden.postprocess_single_site_output.pass_only.vcf"));
    let ours_passed: Vec<_> = ours.iter().filter(|call| call.filter == Filter::Pass).map(columns).collect();
    let same = passed.iter().zip(&ours_passed).filter(|(a, b)| a[1] == b[0] && a[9] == b[5]).count();
    row("records that pass", same, passed.len());
    assert_eq!((same, ours_passed.len()), (passed.len(), passed.len()));
}

#[test]
#[ignore = "needs ../shared/data"]
fn calls_are_those_of_1_10() {
    calls_are_those_of(&RELEASE_1_10);
}

fn calls_are_those_of(release: &Release) -> Vec<Call> {
    let golden = golden::vcf(&release.golden("postprocess_single_site_output.vcf"));
    let mut resolver = Resolver::default();
    let mut ours = Vec::new();
    for (candidate, images) in classified_sites(release) {
        ours.extend(resolver.push(call(&candidate, &images, CallOptions::default())));
    }
    ours.extend(resolver.finish());
    let mut equal = 0;
    for theirs in &golden {
        let theirs: Vec<_> = [1, 3, 4, 5, 6, 9].iter().map(|&i| theirs[i].clone()).collect();
        let found = ours.iter().map(columns).find(|columns| columns[..3] == theirs[..3]);
        equal += usize::from(found.as_ref() == Some(&theirs));
        if found.as_ref() != Some(&theirs) {
            println!("differs: DeepVariant {theirs:?}, varpix {found:?}");
        }
    }
    row("records (POS, alleles, QUAL, FILTER, GT, GQ, DP, AD, VAF, PL)", equal, golden.len());
    assert_eq!((golden.len(), ours.len(), equal), (78, 78, 78));
    ours
}

/// POS, END, GT, GQ, `MIN_DP` and PL of a block, as VCF has them.
fn block_columns(block: &ReferenceBlock) -> Vec<String> {
    let likelihoods = block.phred_likelihoods().map(|pl| pl.to_string()).join(",");
    let genotype = if block.is_reference { "0/0" } else { "./." };
    vec![
        (block.interval.start() + 1).to_string(),
        format!("END={}", block.interval.end()),
        format!("{genotype}:{}:{}:{likelihoods}", block.genotype_quality, block.min_depth),
    ]
}

#[test]
#[ignore = "needs ../shared/data"]
fn reference_blocks_are_deepvariants() {
    reference_blocks_are_those_of(&RELEASE_1_8);
}

#[test]
#[ignore = "needs ../shared/data"]
fn reference_blocks_are_those_of_1_10() {
    reference_blocks_are_those_of(&RELEASE_1_10);
}

fn reference_blocks_are_those_of(release: &Release) {
    let golden = golden::blocks(&release.golden("postprocess_gvcf_input.tfrecord.gz"));
    let ours: Vec<ReferenceBlock> = release
        .evidence()
        .iter()
        .flat_map(|e| {
            let cut = reference_blocks::blocks(
                ContigId(0),
                &e.depths,
                &e.reference,
                &Ploidy::default(),
                reference_blocks::DEFAULT_QUALITY_BIN,
            );
            // varpix cuts at multiples of 10 kb, DeepVariant at the ends of its regions only.
            let mut joiner = reference_blocks::Joiner::new(reference_blocks::DEFAULT_QUALITY_BIN);
            let mut whole: Vec<_> = cut.into_iter().filter_map(|block| joiner.push(block)).collect();
            whole.extend(joiner.finish());
            whole
        })
        .collect();
    let near = |a: &[f64; 3], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1e-3));
    let mut equal = 0;
    for theirs in &golden {
        let same = ours.iter().any(|block| {
            (block.interval.start(), block.interval.end()) == (theirs.start, theirs.end)
                // Where nothing is read, varpix says so: `./.`.
                && (block.min_depth == 0 || block.is_reference == (theirs.genotype == [0, 0]))
                && i64::from(block.genotype_quality) == theirs.genotype_quality
                && i64::from(block.min_depth) == theirs.min_depth
                && near(&block.likelihoods, &theirs.likelihoods)
        });
        equal += usize::from(same);
        if !same {
            let there: Vec<_> = ours.iter().filter(|b| b.interval.contains(theirs.start)).map(block_columns).collect();
            println!(
                "differs: DeepVariant {}-{} GQ {}, varpix {there:?}",
                theirs.start + 1,
                theirs.end,
                theirs.genotype_quality
            );
        }
    }
    row("reference blocks of the reads", equal, golden.len());
    assert_eq!((golden.len(), ours.len(), equal), (release.blocks, release.blocks, release.blocks));
}

#[test]
#[ignore = "needs ../shared/data"]
fn gvcf_lines_are_deepvariants() {
    gvcf_lines_are_those_of(&RELEASE_1_8);
}

#[test]
#[ignore = "needs ../shared/data"]
fn gvcf_lines_are_those_of_1_10() {
    gvcf_lines_are_those_of(&RELEASE_1_10);
}

fn gvcf_lines_are_those_of(release: &Release) {
    let mut weaver = Weaver::default();
    let mut resolver = Resolver::default();
    for (candidate, images) in classified_sites(release) {
        let calls = resolver.push(call(&candidate, &images, CallOptions::default()));
        for call in calls {
            weaver.call(call);
        }
    }
    resolver.finish().into_iter().for_each(|call| weaver.call(call));
    for block in golden::blocks(&release.golden("postprocess_gvcf_input.tfrecord.gz")) {
        weaver.block(ReferenceBlock {
            contig: ContigId(0),
            interval: Interval::new(block.start, block.end),
            is_reference: block.genotype == [0, 0],
            genotype_quality: i32::try_from(block.genotype_quality).unwrap(),
            min_depth: u32::try_from(block.min_depth).unwrap(),
            likelihoods: block.likelihoods.try_into().unwrap(),
            haploid: false,
        });
    }
    let ours: Vec<Vec<String>> = weaver
        .lines(None)
        .into_iter()
        .map(|line| match line {
            Line::Block(block) => block_columns(&block),
            Line::Call(call) => columns(&with_unseen_allele(&call, DEFAULT_UNSEEN)),
        })
        .collect();
    let golden = golden::vcf(&release.golden("postprocess_gvcf_output.g.vcf"));
    let mut equal = 0;
    for (i, theirs) in golden.iter().enumerate() {
        let wanted: &[usize] = if theirs[4] == "<*>" { &[1, 7, 9] } else { &[1, 3, 4, 5, 6, 9] };
        let theirs: Vec<_> = wanted.iter().map(|&i| theirs[i].clone()).collect();
        equal += usize::from(ours.get(i) == Some(&theirs));
        if ours.get(i) != Some(&theirs) {
            println!("differs: DeepVariant {theirs:?}, varpix {:?}", ours.get(i));
        }
    }
    row("gVCF lines", equal, golden.len());
    let lines = release.gvcf_lines;
    assert_eq!((golden.len(), ours.len(), equal), (lines, lines, lines));
}

#[cfg(feature = "torch")]
#[test]
#[ignore = "needs ../shared/data"]
fn labels_are_deepvariants() {
    use varpix::pileup::alt_sets;
    use varpix::regions::Targets;
    use varpix::train::{class, label};
    use varpix::variant::Truth;

    let golden = golden::examples(&data("golden/golden.training_examples.tfrecord.gz"));
    let reference = ReferenceFile::new(&data("reference/hg19.chr20-window.fa.gz")).unwrap();
    let truth = Truth::read(&data("truth/hg001.hg19.chr20_10.0-10.1Mb.older.vcf.gz"), reference.contigs()).unwrap();
    let confident =
        Targets::from_bed(&data("truth/hg001.hg19.chr20_10.00-10.01Mb.older.confident.bed"), reference.contigs())
            .unwrap();
    let mut ours = Vec::new();
    for (region, evidence) in regions().zip(RELEASE_1_8.evidence()) {
        let labels = label(region, &evidence, &truth, &confident);
        for (candidate, copies) in evidence.candidates.iter().zip(labels) {
            let Some(copies) = copies else { continue };
            ours.extend(alt_sets(candidate.alts.len()).map(|set| (site(candidate), set, class(copies, set))));
        }
    }
    let mut same = 0;
    for example in &golden {
        let found =
            ours.iter().find(|(site, set, _)| same_alleles(site, &example.site) && *set == set_of(&example.alts));
        same += usize::from(found.map(|(_, _, class)| *class) == example.label);
        if found.map(|(_, _, class)| *class) != example.label {
            println!(
                "label of {} {:?}: DeepVariant {:?}, varpix {found:?}",
                shown(&example.site),
                example.alts,
                example.label
            );
        }
    }
    let extra: Vec<_> = ours
        .iter()
        .filter(|(site, set, _)| !golden.iter().any(|e| same_alleles(site, &e.site) && *set == set_of(&e.alts)))
        .collect();
    for (site, _, class) in &extra {
        println!("labelled {class} by varpix only: {}", shown(site));
    }
    row("labels of training examples", same, golden.len());
    assert_eq!((same, golden.len(), extra.len()), (49, 49, 0));
}
