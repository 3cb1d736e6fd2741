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
                    if let Some((e, c)) = all.iter().find_map(|e| Some((e, e.candidates.iter().find(|c| same_alleles(&self::site(c), site))?))) {
                        for alt in &c.alts {
                            let mut names: Vec<_> = alt.support.iter().map(|&i| &e.reads[i as usize]).map(|r| format!("{}/{}", String::from_utf8_lossy(&r.name), r.number)).collect();
                            names.sort();
                            let t = &candidate.support[std::str::from_utf8(&alt.bases).unwrap()];
                            for n in &names { if !t.contains(n) { 
                                let r = e.reads.iter().find(|r| format!("{}/{}", String::from_utf8_lossy(&r.name), r.number) == *n).unwrap();
                                println!("   ours only {n} {} {} mq {} was {:?}", r.span.start() + 1, varpix::testing::cigar_text(&r.cigar), r.mapping_quality, r.moved_from.as_ref().map(|m| (m.start, varpix::testing::cigar_text(&m.cigar)))) } }
                            for n in t { if !names.contains(n) { println!("   theirs only {n}") } }
                        }
                    }
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
        let around = candidate.interval().padded(5, u64::MAX - 5);
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
            if std::env::var("DBG").is_ok() {
                debug(&all, example, &ours);
            }
            println!("{} {:?} reads {reads}: {} bytes differ, rows {rows:?}", shown(&example.site), example.alts, ours.len() - same);
        }
    }
    println!("byte-equal {whole} of {unsampled} without sampling; pixels {equal_pixels} of {pixels}");
    assert!(whole * 100 >= unsampled * 95 && equal_pixels * 1000 >= pixels * 999);
}

fn debug(all: &[Evidence], example: &GoldenExample, ours: &[u8]) {
    let (evidence, candidate) = all.iter().find_map(|e| Some((e, e.candidates.iter().find(|c| same_alleles(&site(c), &example.site))?))).unwrap();
    let rows = varpix::pileup::render::chosen_reads(&ImageSpec::default(), candidate, &evidence.reads);
    for (row, &i) in rows.iter().enumerate() {
        let at = (row + 5) * 1547;
        let diff: Vec<_> = (0..1547).filter(|k| ours[at + k] != example.image[at + k]).map(|k| (k / 7 + candidate.position as usize - 110 + 1, k % 7, ours[at + k], example.image[at + k])).collect();
        if diff.is_empty() { continue; }
        let r = &evidence.reads[i];
        println!("  row {} {} {} {} mq{} was {:?} {}", row + 5, String::from_utf8_lossy(&r.name), r.span.start() + 1, varpix::testing::cigar_text(&r.cigar), r.mapping_quality, r.moved_from.as_ref().map(|m| (m.start + 1, varpix::testing::cigar_text(&m.cigar))), if diff.len() < 20 { format!("{diff:?}") } else { format!("{} diffs", diff.len()) });
        if diff.len() > 20 { 
            let line = |im: &[u8]| -> String { (0..221).map(|c| match (im[at + c * 7], im[at + c * 7 + 5]) { (0, 0) => ' ', (0, _) => '*', (250, 50) => 'a', (30, 50) => 'c', (180, 50) => 'g', (100, 50) => 't', (250, _) => 'A', (30, _) => 'C', (180, _) => 'G', _ => 'T' }).collect() };
            println!("O {}\nT {}", line(ours), line(&example.image));
            println!("     first {:?}", &diff[..6]); }
    }
}

#[test]
#[ignore = "debug"]
fn dbg_clips() {
    let golden = golden::examples(&data("golden/golden.calling_examples.tfrecord.gz"));
    let all = evidence(EvidenceOptions::default());
    for example in &golden {
        let Some((evidence, candidate)) = all.iter().find_map(|e| Some((e, e.candidates.iter().find(|c| same_alleles(&site(c), &example.site))?))) else { continue };
        let rows = varpix::pileup::render::chosen_reads(&ImageSpec::default(), candidate, &evidence.reads);
        for (row, &i) in rows.iter().enumerate() {
            let at = (row + 5) * 1547;
            let r = &evidence.reads[i];
            let mut pos = r.span.start() as i64;
            for (k, op) in r.cigar.iter().enumerate() {
                if op.kind == varpix::reads::CigarKind::SoftClip {
                    let col = pos - 1 - candidate.position as i64 + 110;
                    if (0..221).contains(&col) {
                        let p = &example.image[at + col as usize * 7..at + col as usize * 7 + 7];
                        println!("clip {} theirs {} len {} row {} site {} cigar {} was {:?} {:?}", if k == 0 {"lead"} else {"trail"}, if p[5] == 254 && p[0] == 0 {"painted"} else {"NOT"}, op.length, row + 5, candidate.position + 1, varpix::testing::cigar_text(&r.cigar), r.moved_from.as_ref().map(|m| varpix::testing::cigar_text(&m.cigar)), String::from_utf8_lossy(&r.name));
                    }
                }
                pos += if op.kind.consumes_reference() { op.length as i64 } else { 0 };
            }
        }
    }
}

#[test]
#[ignore = "debug"]
fn dbg_clips2() {
    use varpix::realign::*;
    let golden = golden::examples(&data("golden/golden.calling_examples.tfrecord.gz"));
    let all = evidence(EvidenceOptions::default());
    let plain = evidence(EvidenceOptions { realign: None, ..EvidenceOptions::default() });
    let o = RealignOptions::default();
    for ((evidence, plain), region) in all.iter().zip(&plain).zip(regions()) {
        let ws = windows::windows(region.interval, &plain.reads, &plain.reference, &o.windows);
        println!("region {region:?} windows {ws:?}");
        let haps: Vec<_> = ws.iter().map(|w| graph::haplotypes(plain.reference.slice(w.start() as i64, w.end() as i64).unwrap(), plain.reads.iter().filter(|r| r.span.overlaps(*w)), &o.graph).map(|h| h.len())).collect();
        println!("   haplotypes {haps:?}");
        for example in &golden {
            let Some(candidate) = evidence.candidates.iter().find(|c| same_alleles(&site(c), &example.site)) else { continue };
            let rows = varpix::pileup::render::chosen_reads(&ImageSpec::default(), candidate, &evidence.reads);
            for (row, &i) in rows.iter().enumerate() {
                let at = (row + 5) * 1547;
                let r = &evidence.reads[i];
                let inw = ws.iter().zip(&haps).any(|(w, h)| w.overlaps(r.span) && h.is_some());
                if inw { continue; }
                let mut pos = r.span.start() as i64;
                for (k, op) in r.cigar.iter().enumerate() {
                    if op.kind == varpix::reads::CigarKind::SoftClip {
                        let col = pos - 1 - candidate.position as i64 + 110;
                        if (0..221).contains(&col) {
                            let p = &example.image[at + col as usize * 7..at + col as usize * 7 + 7];
                            println!("clip {} theirs {p:?} len {} row {} site {} cigar {} {:?}", if k == 0 {"lead"} else {"trail"}, op.length, row + 5, candidate.position + 1, varpix::testing::cigar_text(&r.cigar), String::from_utf8_lossy(&r.name));
                        }
                    }
                    pos += if op.kind.consumes_reference() { op.length as i64 } else { 0 };
                }
            }
        }
    }
}

#[test]
#[ignore = "debug"]
fn dbg_dump() {
    use std::io::Write as _;
    let all = evidence(EvidenceOptions::default());
    let mut f = std::fs::File::create("/tmp/w/reads.jsonl").unwrap();
    for (k, e) in all.iter().enumerate() {
        for r in &e.reads {
            let (os, oc) = r.moved_from.as_ref().map_or((r.span.start(), &r.cigar), |m| (m.start, &m.cigar));
            writeln!(f, "{{\"region\":{k},\"name\":\"{}/{}\",\"start\":{},\"cigar\":\"{}\",\"ostart\":{os},\"ocigar\":\"{}\",\"bases\":\"{}\",\"quals\":{:?},\"mapq\":{},\"rev\":{},\"tlen\":{}}}",
                String::from_utf8_lossy(&r.name), r.number, r.span.start(), varpix::testing::cigar_text(&r.cigar), varpix::testing::cigar_text(oc), String::from_utf8_lossy(&r.bases), r.qualities, r.mapping_quality, r.reverse, r.template_length).unwrap();
        }
    }
}

#[test]
#[ignore = "debug"]
fn dbg_haps() {
    use varpix::realign::*;
    use varpix::testing::cigar_text;
    let plain = evidence(EvidenceOptions { realign: None, ..EvidenceOptions::default() });
    let o = RealignOptions::default();
    let mut al = local::LocalAligner::new(local::Scores { matching: 4, mismatch: 6, gap_open: 8, gap_extend: 2 });
    for (k, w, name) in [(9, (10009638, 10009974), "1302:19001:115123"), (8, (10008637, 10009063), "1308:13656:63784")] {
        let e = &plain[k];
        let region = regions().nth(k).unwrap();
        println!("{:?}", windows::windows(region.interval, &e.reads, &e.reference, &o.windows));
        let w = Interval::new(w.0, w.1);
        let inside = e.reference.slice(w.start() as i64, w.end() as i64).unwrap();
        let read = e.reads.iter().find(|r| String::from_utf8_lossy(&r.name).contains(name) && r.span.overlaps(w)).unwrap();
        println!("{} {} {}", read.span.start() + 1, cigar_text(&read.cigar), String::from_utf8_lossy(&read.bases));
        println!("{:?}", read.qualities);
        let s = w.start() as i64 - 100;
        let all = e.reference.slice(s, w.end() as i64 + 100).unwrap();
        for h in graph::haplotypes(inside, e.reads.iter().filter(|r| r.span.overlaps(w)), &o.graph).unwrap() {
            let hap = [&all[..100], &h, &all[all.len() - 100..]].concat();
            let a = al.align(&hap, all).unwrap();
            println!("hap {} {}", hap.len(), cigar_text(&a.cigar));
            let r = al.align(&read.bases, &hap).unwrap();
            println!("   score {} q {:?} t {:?} {}", r.score, r.query, r.target, cigar_text(&r.cigar));
            println!("   {}", String::from_utf8_lossy(&h));
        }
    }
}
