//! Long reads through the library, with the settings of models for them: phased, cut to what a region needs, in regions of 25 kb.

use std::fmt::Write as _;

use varpix::alignment_file::BamFile;
use varpix::evidence::{Evidence, EvidenceOptions, Gatherer};
use varpix::genome::ReferenceFile;
use varpix::genotype::Call;
use varpix::inputs::Inputs;
use varpix::model::{Model, ModelConfig};
use varpix::phase::PhasingOptions;
use varpix::pileup::{Channel, ImageSpec, alt_sets};
use varpix::pipeline::{Outputs, RunInputs, RunOptions, run};
use varpix::predict::Decider;
use varpix::predict::cnn::fixed::SupportClassifier;
use varpix::reads::BamSource;
use varpix::regions::Targets;

use crate::made::{Made, random_bases};
use crate::world::model;

const READ: usize = 30_000;

/// A change of a haplotype: position (0-based), how many bases are replaced, and by what.
type Change = (usize, usize, String);

/// One base changed every 1,100 bp, and every fourth time also a deletion or an insertion.
fn changes(reference: &str, offset: usize) -> Vec<Change> {
    let other = |base: &str| if base == "A" { "C" } else { "A" };
    let mut changes = Vec::new();
    for (i, position) in (offset..reference.len() - 500).step_by(1100).enumerate() {
        changes.push((position, 1, other(&reference[position..=position]).to_owned()));
        let anchor = &reference[position + 300..=position + 300];
        match i % 4 {
            1 => changes.push((position + 300, 4, anchor.to_owned())),
            3 => changes.push((position + 300, 1, format!("{anchor}GATTACA"))),
            _ => {}
        }
    }
    changes
}

/// Adds reads of a haplotype, one every `step` bp of the reference, aligned as they came about.
fn add_reads(made: &mut Made, name: &str, changes: &[Change], step: usize) {
    let reference = made.reference.clone();
    for start in (0..reference.len() - READ / 2).step_by(step) {
        let end = (start + READ).min(reference.len());
        let (mut bases, mut cigar, mut at, mut matched) = (String::new(), String::new(), start, 0);
        for (position, from, to) in changes.iter().filter(|(p, ..)| *p > start + 20 && *p + 20 < end) {
            bases += &reference[at..*position];
            bases += to;
            matched += position - at + 1;
            if to.len() > *from {
                write!(cigar, "{matched}M{}I", to.len() - from).unwrap();
                matched = 0;
            } else if to.len() < *from {
                write!(cigar, "{matched}M{}D", from - to.len()).unwrap();
                matched = 0;
            }
            at = position + from;
        }
        bases += &reference[at..end];
        write!(cigar, "{}M", matched + end - at).unwrap();
        made.read(&format!("{name}{start}"), start % 3 == 0, start, &cigar, &bases);
    }
}

fn made() -> Made {
    let mut made = Made::new(&random_bases(60_000, 7));
    for (name, offset) in [("a", 700), ("b", 1250)] {
        let changes = changes(&made.reference, offset);
        add_reads(&mut made, name, &changes, 900);
    }
    made.finish();
    made
}

fn options() -> EvidenceOptions {
    let mut options = EvidenceOptions {
        realign: None,
        region_size: 25_000,
        max_reads: 600,
        read_margin: 0,
        cut_long_reads: true,
        track_reference_reads: true,
        phasing: Some(PhasingOptions::default()),
        ..EvidenceOptions::default()
    };
    options.read_filter.min_mapping_quality = 1;
    options
}

fn image() -> ImageSpec {
    let mut channels = ImageSpec::default().channels;
    channels.truncate(6);
    channels.extend([Channel::Haplotype, Channel::BaseDiffersFromAlt1, Channel::BaseDiffersFromAlt2]);
    ImageSpec { width: 147, channels, sort_by_haplotype: true, trim_reads: true, ..ImageSpec::default() }
}

fn evidence(made: &Made, options: EvidenceOptions) -> Vec<Evidence> {
    let reference = ReferenceFile::new(&made.path("ref.fa")).unwrap();
    let reads = BamFile::new(&made.path("reads.bam"), reference.path()).unwrap();
    let source = BamSource::open(std::slice::from_ref(&reads), reference.contigs(), options.reads()).unwrap();
    let mut gatherer = Gatherer::new(Box::new(source), reference.open().unwrap(), options, image());
    let regions = Targets::whole(reference.contigs()).regions(options.region_size);
    regions.iter().map(|region| gatherer.gather(region).unwrap()).collect()
}

#[test]
fn reads_of_a_haplotype_are_found_to_be_so() {
    let all = evidence(&made(), options());
    assert_eq!(all.len(), 3);
    for evidence in all {
        let of = |name: u8| {
            let mut found: Vec<u8> =
                evidence.reads.iter().filter(|read| read.name[0] == name).map(|read| read.haplotype).collect();
            found.sort_unstable();
            found.dedup();
            found
        };
        let (a, b) = (of(b'a'), of(b'b'));
        assert!(a.len() == 1 && b.len() == 1 && a != b && a[0] + b[0] == 3, "{:?}: {a:?} {b:?}", evidence.interval);
        assert_eq!(evidence.phases.len(), evidence.candidates.len());
        let is_phased = |alleles: &[u8]| alleles.contains(&1) && alleles.contains(&2);
        for (candidate, phase) in evidence.candidates.iter().zip(&evidence.phases).filter(|(c, _)| c.depth >= 20) {
            assert!(is_phased(&phase.alleles), "{}: {phase:?}", candidate.position + 1);
        }
    }
}

#[test]
fn what_is_cut_from_reads_is_not_missed() {
    let made = made();
    let cut = evidence(&made, options());
    let whole = evidence(&made, EvidenceOptions { cut_long_reads: false, ..options() });
    let mut shorter = 0;
    for (cut, whole) in cut.iter().zip(&whole) {
        assert!(cut.candidates.len() > 20);
        assert_eq!((&cut.candidates, &cut.phases, &cut.depths), (&whole.candidates, &whole.phases, &whole.depths));
        for candidate in &cut.candidates {
            for set in alt_sets(candidate.alts.len()) {
                let [ours, theirs] = [cut, whole].map(|evidence| evidence.render(&image(), candidate, set));
                assert_eq!(ours, theirs, "{}", candidate.position + 1);
            }
        }
        shorter += cut.reads.iter().zip(&whole.reads).filter(|(a, b)| a.bases.len() < b.bases.len()).count();
    }
    assert!(shorter > 10, "{shorter}");
}

#[test]
fn threads_change_nothing() {
    let made = made();
    let inputs = Inputs::open(&made.path("ref.fa"), &[made.path("reads.bam")], &[]).unwrap();
    let config = ModelConfig { image: image(), evidence: options(), ..Model::open(&model()).unwrap().config };
    config.validate().unwrap();
    let (decider, regions) = (Decider::default(), inputs.targets().regions(config.evidence.region_size));
    let called = |workers| {
        let mut calls: Vec<Call> = Vec::new();
        let classifier = Box::new(SupportClassifier::new(&config.image).unwrap());
        let options = RunOptions { workers, ..RunOptions::default() };
        run(RunInputs::new(&inputs, &decider, &regions, &config), classifier, Outputs::calls_only(&mut calls), options)
            .unwrap();
        calls
    };
    let calls = called(1);
    assert!(calls.len() > 100 && calls.is_sorted_by_key(|call| call.position), "{}", calls.len());
    assert_eq!(called(3), calls);
}

#[test]
fn bases_of_a_region_may_be_limited() {
    let made = made();
    let limited = EvidenceOptions { max_reads: 1_000_000, max_bases_per_position: Some(10), ..options() };
    let (all, some) = (evidence(&made, options()), evidence(&made, limited));
    let bases = |evidence: &Evidence| -> u64 {
        evidence.reads.iter().map(|read| read.span.intersect(evidence.interval).len()).sum()
    };
    for (all, some) in all.iter().zip(&some) {
        let limit = 10 * some.interval.len();
        assert!(bases(all) > limit + READ as u64, "the limit is too high to show anything");
        // Less where a shorter read took the place of a longer one in the end.
        assert!(bases(some).abs_diff(limit) < READ as u64, "{} of {limit}", bases(some));
        assert_eq!(some.fetched.sampled_out, (all.reads.len() - some.reads.len()) as u64);
        // All reads are counted nevertheless.
        assert_eq!(some.depths, all.depths);
    }
}

#[test]
fn a_read_of_two_million_bases_takes_no_more_memory_than_its_region() {
    // More than 65,535 operations: BAM has them in the tag CG.
    let operations = 70_000;
    let reference = random_bases(29 * operations + 50_000, 5);
    let mut made = Made::new(&reference);
    let bases: Vec<&str> = (0..operations).map(|i| &reference[29 * i..29 * i + 29]).collect();
    let last = &reference[29 * operations..][..29];
    made.read("long", false, 0, &format!("{}29M", "29M1I".repeat(operations)), &[&bases.join("A"), "A", last].concat());
    made.finish();
    let all = evidence(&made, options());
    let middle = &all[40];
    assert_eq!(middle.reads.len(), 1);
    let read = &middle.reads[0];
    assert!((47_000..52_000).contains(&read.bases.len()), "{} bases", read.bases.len());
    assert!(read.span.start() < middle.interval.start() && middle.interval.end() < read.span.end());
    assert!(middle.depths.positions.iter().all(|depth| depth.depth() == 1));
}
