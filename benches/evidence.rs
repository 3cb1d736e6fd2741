//! Guards the two costs that every read and every candidate pays: allele counting (bound: 60 ns per aligned base) and
//! rendering (bound: 40 us per image), and shows beside each what a plain copy of as many bytes takes; and the cost that
//! regions with variants pay: realigning their reads, of which some fit nowhere without gaps.
//!
//! `cargo bench --features testing`; figures are in docs/results.md.

// Built from constants: an index that does not fit cannot happen.
#![allow(missing_docs, clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::expect_used)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use varpix::alleles::{self, CountOptions, Depths};
use varpix::candidates::{self, CandidateOptions};
use varpix::genome::{ContigId, Interval, ReferenceWindow};
use varpix::pileup::{AltSet, ImageSpec, render};
use varpix::reads::Read;
use varpix::realign::windows::windows;
use varpix::realign::{RealignOptions, realign};
use varpix::testing::ReadBuilder;

const REGION: u64 = 1000;
const READ: u64 = 150;
const DEPTH: u64 = 30;

/// 30x of 150 bp reads over 1 kb, a heterozygous SNP in the middle, one base in 200 wrong.
fn pileup() -> (ReferenceWindow, Vec<Read>, Interval) {
    let base = |i: u64| b"ACGT"[((i * 2_654_435_761) >> 7) as usize % 4];
    let reference: Vec<u8> = (0..2 * REGION).map(base).collect();
    let reads = (0..DEPTH * REGION / READ)
        .map(|i| {
            let start = REGION / 2 - READ / 2 + i * READ / DEPTH;
            let mut bases = reference[start as usize..(start + READ) as usize].to_vec();
            bases[(i * 37 % READ) as usize] = b'A';
            if i % 2 == 0
                && let Some(snp) = bases.get_mut((REGION - start.min(REGION)) as usize)
            {
                *snp = if *snp == b'C' { b'G' } else { b'C' };
            }
            let text = String::from_utf8(bases).expect("ASCII");
            ReadBuilder::new(start, &text).name(&format!("r{i:05}")).build()
        })
        .collect();
    (ReferenceWindow::new(0, reference), reads, Interval::new(REGION / 2, REGION / 2 + REGION))
}

fn counting(c: &mut Criterion) {
    let (reference, reads, interval) = pileup();
    let bases: u64 = reads.iter().map(|read| read.bases.len() as u64).sum();
    let mut group = c.benchmark_group("allele counting, per aligned base");
    group.throughput(Throughput::Elements(bases));
    group.bench_function("count", |b| {
        b.iter(|| alleles::count(interval, black_box(&reads), &reference, CountOptions::default()));
    });
    group.bench_function("copy of the bases and qualities", |b| {
        b.iter(|| {
            reads.iter().map(|read| (black_box(&read.bases).to_vec(), read.qualities.to_vec())).collect::<Vec<_>>()
        });
    });
    group.finish();
}

fn rendering(c: &mut Criterion) {
    let (reference, reads, interval) = pileup();
    let counts = alleles::count(interval, &reads, &reference, CountOptions::default());
    let mut depths = Depths::new(interval, Vec::new());
    depths.add(&reads, &counts, CountOptions::default());
    let found = candidates::find(ContigId(0), &counts, &depths, &reference, &CandidateOptions::default());
    let candidate = found.iter().max_by_key(|c| c.alts[0].count).expect("the SNP is a candidate");
    let spec = ImageSpec::default();
    let mut group = c.benchmark_group("rendering, per image");
    group.bench_function("render", |b| {
        b.iter(|| render(&spec, black_box(candidate), AltSet::One(0), &reads, &reference));
    });
    let image = render(&spec, candidate, AltSet::One(0), &reads, &reference);
    group.bench_function("copy of the image", |b| b.iter(|| black_box(&image).clone()));
    group.finish();
}

fn realigning(c: &mut Criterion) {
    let (reference, mut reads, interval) = pileup();
    // Every fourth read lacks four bases in the middle and is aligned without saying so: its tail mismatches.
    let deleted = REGION as usize + 100;
    for read in reads.iter_mut().step_by(4) {
        let Some(at) = deleted.checked_sub(read.span.start() as usize).filter(|&at| at > 10 && at + 30 < READ as usize)
        else {
            continue;
        };
        let tail = reference.slice(deleted as i64 + 4, deleted as i64 + 4 + (READ as usize - at) as i64);
        read.bases[at..].copy_from_slice(tail.expect("within the reference"));
    }
    let options = RealignOptions::default();
    let mut group = c.benchmark_group("realigning, per region of 1 kb at 30x with a SNP and a deletion");
    group.bench_function("realign", |b| {
        b.iter_batched(
            || reads.clone(),
            |mut reads| realign(interval, black_box(&mut reads), &reference, &options),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("windows only", |b| {
        b.iter(|| windows(interval, black_box(&reads), &reference, &options.windows));
    });
    group.finish();
}

criterion_group!(benches, counting, rendering, realigning);
criterion_main!(benches);
