//! The pipeline in process, with a classifier that needs no network.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use varpix::alignment_file::BamFile;
use varpix::error::{Error, Result};
use varpix::evidence::EvidenceOptions;
use varpix::genome::{Interval, ReferenceFile};
use varpix::genotype::{Call, Filter};
use varpix::inputs::Inputs;
use varpix::model::Model;
use varpix::pipeline::{CallFilter, Outputs, RunInputs, RunOptions, run};
use varpix::predict::cnn::fixed::SupportClassifier;
use varpix::predict::cnn::{Batch, Classifier};
use varpix::predict::{Decider, Probabilities};
use varpix::reads::{MemorySource, OpenReads, ReadOptions};
use varpix::regions::{Region, Regions};
use varpix::sample::{SampleProfile, survey};
use varpix::variant::Genotype;

use crate::world::{model, testdata, text, tool};

struct Setup {
    inputs: Inputs,
    decider: Decider,
    regions: Regions,
    model: Model,
}

fn setup(regions: &str) -> Setup {
    let inputs = Inputs::open(&testdata("ref.fa"), &[testdata("reads.bam")], &[regions.to_owned()]).unwrap();
    Setup {
        regions: inputs.targets().regions(1000),
        model: Model::open(&model()).unwrap(),
        decider: Decider::default(),
        inputs,
    }
}

impl Setup {
    fn inputs(&self) -> RunInputs<'_> {
        RunInputs {
            reference: self.inputs.reference(),
            reads: &self.inputs,
            decider: &self.decider,
            regions: &self.regions,
            sites: None,
            model: &self.model.config,
        }
    }

    fn support(&self) -> Box<dyn Classifier> {
        Box::new(SupportClassifier::new(&self.model.config.image).unwrap())
    }
}

#[test]
fn the_median_depth_is_that_of_most_windows() {
    let reference = ReferenceFile::new(&testdata("ref.fa")).unwrap();
    let of = |names: &[&str]| {
        let files: Vec<_> = names.iter().map(|name| BamFile::new(&testdata(name), reference.path()).unwrap()).collect();
        survey(&files, &reference, EvidenceOptions::default()).unwrap()
    };
    let SampleProfile { median_depth, depth_cv, artefact_rate, slippage, .. } = of(&["reads.bam"]);
    assert!((0.0..0.5).contains(&artefact_rate), "{artefact_rate}");
    let [short, long] = [8, 14].map(|copies| slippage.rates(1, copies).total());
    assert!(short <= long && long < 0.005, "the simulated molecules do not slip: {slippage:?}");
    assert!((0.0..0.2).contains(&depth_cv), "of a simulated genome: {depth_cv}");
    assert!((20.0..60.0).contains(&median_depth), "{median_depth}");
    assert!(
        (of(&["reads.bam", "reads.bam"]).median_depth - 2.0 * median_depth).abs() < 0.05 * median_depth,
        "the files of a sample are pooled"
    );
}

#[test]
fn reads_of_targets_have_the_depth_of_targets_or_none() {
    // Targets of 300 bp, one in 4 kb.
    let folder = tempfile::tempdir().unwrap();
    let (bed, bam) = (folder.path().join("targets.bed"), folder.path().join("targets.bam"));
    let lines: Vec<String> = (0..32).map(|i| format!("chrA\t{}\t{}\n", i * 4000 + 1500, i * 4000 + 1800)).collect();
    std::fs::write(&bed, lines.concat()).unwrap();
    tool("samtools", &["view", "-b", "-L", &text(&bed), "-o", &text(&bam), &text(&testdata("reads.bam"))]);
    tool("samtools", &["index", &text(&bam)]);
    let reference = ReferenceFile::new(&testdata("ref.fa")).unwrap();
    let depth = |path: &Path| {
        let files = [BamFile::new(path, reference.path()).unwrap()];
        survey(&files, &reference, EvidenceOptions::default()).unwrap().median_depth
    };
    let (all, targets) = (depth(&testdata("reads.bam")), depth(&bam));
    assert!(targets < 1e-9 || (0.75..1.25).contains(&(targets / all)), "{targets} of {all}");
}

fn options<'a>(workers: usize, stop: &'a AtomicBool, progress: &'a (dyn Fn(Region) + Sync)) -> RunOptions<'a> {
    RunOptions { workers, stop, progress, ..RunOptions::default() }
}

#[test]
fn reads_in_memory_are_called_as_those_of_a_file() {
    let setup = setup("chrA:1-20000");
    let contigs = setup.inputs.reference().contigs();
    let options = ReadOptions { max_reads: 1_000_000, ..setup.model.config.evidence.reads() };
    let mut source = OpenReads::open(&setup.inputs, contigs, options).unwrap();
    let contig = contigs.id("chrA").unwrap();
    let (reads, _) = source.fetch(contig, Interval::new(0, 30_000)).unwrap();
    assert!(reads.len() > 1000);
    let called = |reads: &dyn OpenReads| {
        let mut calls: Vec<Call> = Vec::new();
        let inputs = RunInputs { reads, ..setup.inputs() };
        run(inputs, setup.support(), Outputs::calls_only(&mut calls), RunOptions::default()).unwrap();
        calls
    };
    let of_file = called(&setup.inputs);
    assert!(of_file.len() > 20);
    let in_memory = MemorySource::new(contig, reads);
    assert_eq!(called(&in_memory), of_file);
}

#[test]
fn calls_come_in_genome_order_and_progress_covers_all() {
    let setup = setup("chrA:1-50000 chrB");
    let seen = Mutex::new(Vec::new());
    let progress = |region: Region| seen.lock().unwrap().push(region.sequence);
    let mut calls: Vec<Call> = Vec::new();
    let stats = run(
        setup.inputs(),
        setup.support(),
        Outputs::calls_only(&mut calls),
        options(3, &AtomicBool::new(false), &progress),
    )
    .unwrap();
    assert!(calls.is_sorted_by_key(|c| (c.contig, c.position)) && calls.len() > 100, "{} calls", calls.len());
    assert_eq!(*seen.lock().unwrap(), (0..setup.regions.len()).collect::<Vec<_>>());
    assert_eq!(stats.calls.filters[0], calls.len() as u64);
    assert!(stats.images >= stats.candidates && stats.candidates >= stats.calls.filters.iter().sum());
}

#[test]
fn a_stop_from_outside_ends_the_run() {
    let setup = setup("chrA chrB");
    let stop = AtomicBool::new(false);
    let progress = |region: Region| stop.store(region.sequence >= 3, Ordering::Relaxed);
    let mut calls: Vec<Call> = Vec::new();
    let outcome = run(setup.inputs(), setup.support(), Outputs::calls_only(&mut calls), options(2, &stop, &progress));
    // All regions may be in before the flag is looked at; then the run is whole.
    match outcome {
        Err(Error::Stopped) => {}
        Ok(stats) => assert_eq!(stats.regions, setup.regions.len() as u64),
        Err(other) => panic!("{other}"),
    }
    stop.store(true, Ordering::Relaxed);
    let outcome =
        run(setup.inputs(), setup.support(), Outputs::calls_only(&mut Vec::<Call>::new()), options(2, &stop, &|_| {}));
    assert!(matches!(outcome, Err(Error::Stopped)));
}

/// Believes in no variant.
struct Doubter;

impl Classifier for Doubter {
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>> {
        Ok(vec![Probabilities([0.999, 0.001, 0.0]); batch.len()])
    }

    fn device(&self) -> String {
        "none".into()
    }
}

#[test]
fn reference_calls_come_on_request() {
    let setup = setup("chrA:1-20000");
    for emit_reference_calls in [false, true] {
        let mut calls: Vec<Call> = Vec::new();
        let stop = AtomicBool::new(false);
        let filter = CallFilter { reference_calls: emit_reference_calls, ..CallFilter::default() };
        let options = RunOptions { filter, ..options(2, &stop, &|_| {}) };
        let stats = run(setup.inputs(), Box::new(Doubter), Outputs::calls_only(&mut calls), options).unwrap();
        assert!(stats.candidates > 10 && stats.calls.filters[1] == stats.candidates, "{stats}");
        assert_eq!(calls.len() as u64, if emit_reference_calls { stats.candidates } else { 0 });
        assert!(calls.iter().all(|call| call.genotype == Some(Genotype::HOM_REF) && call.filter == Filter::RefCall));
    }
}

/// Fails on its second batch.
struct Failing(u32);

impl Classifier for Failing {
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>> {
        self.0 += 1;
        if self.0 == 2 {
            return Err(Error::Internal("out of memory".into()));
        }
        Ok(vec![Probabilities([0.0, 1.0, 0.0]); batch.len()])
    }

    fn device(&self) -> String {
        "none".into()
    }
}

#[test]
fn a_failing_network_is_reported_and_nothing_hangs() {
    let setup = setup("chrA chrB");
    let outcome = run(
        setup.inputs(),
        Box::new(Failing(0)),
        Outputs::calls_only(&mut Vec::<Call>::new()),
        options(3, &AtomicBool::new(false), &|_| {}),
    );
    assert!(outcome.unwrap_err().to_string().contains("out of memory"));
}

/// Breaks in a way that no `Result` tells of.
struct Panicking;

impl Classifier for Panicking {
    fn classify(&mut self, _: &Batch) -> Result<Vec<Probabilities>> {
        panic!("on purpose");
    }

    fn device(&self) -> String {
        "none".into()
    }
}

#[test]
fn a_panic_in_a_stage_is_an_error_and_nothing_hangs() {
    let setup = setup("chrA chrB");
    let outcome = run(
        setup.inputs(),
        Box::new(Panicking),
        Outputs::calls_only(&mut Vec::<Call>::new()),
        options(3, &AtomicBool::new(false), &|_| {}),
    );
    assert!(matches!(outcome, Err(Error::Internal(_))));
}

#[cfg(feature = "torch")]
#[test]
fn an_images_probabilities_do_not_depend_on_its_batch() {
    use varpix::pileup::PileupImage;
    use varpix::predict::cnn::torch::{Precision, TorchClassifier};

    let model = Model::open(&model()).unwrap();
    let shape = model.config.image.shape();
    let image = |seed: usize| {
        let bytes = (0..shape.bytes()).map(|i| u8::try_from((i * (seed + 3) / 7 + i / 11) % 255).unwrap()).collect();
        PileupImage::from_bytes(shape, bytes).unwrap()
    };
    let classify = |seeds: &[usize], threads: usize| {
        let mut classifier = TorchClassifier::load(&model, tch::Device::Cpu, Precision::F32, threads).unwrap();
        let mut batch = Batch::new(shape);
        for &seed in seeds {
            batch.push(&image(seed), None).unwrap();
        }
        classifier.classify(&batch).unwrap()
    };
    let alone = classify(&[5], 1);
    let among: Vec<usize> = (0..32).map(|i| (i + 20) % 32).collect();
    let place = among.iter().position(|&seed| seed == 5).unwrap();
    for threads in [1, 2, 3, 4] {
        assert_eq!(classify(&among, threads)[place], alone[0], "{threads} threads");
    }
    let sum: f64 = alone[0].0.iter().sum();
    assert!((sum - 1.0).abs() < 1e-9);
}
