//! The calls of the committed model on `testdata/`, byte for byte.
//!
//! A change of these bytes is a change of what users get: it is made knowingly, by writing the files anew with
//! `VARPIX_WRITE_GOLDEN=1 cargo test golden_calls`, and said in the CHANGELOG. Files are named by the SHA-256 of the
//! model's weights, so that another model brings files of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{Outcome, World, model, text};

/// libtorch picks its kernels by processor, and their last bits differ; these make it pick the same ones on all.
const SAME_KERNELS: [(&str, &str); 3] =
    [("ATEN_CPU_CAPABILITY", "default"), ("ONEDNN_MAX_CPU_ISA", "SSE41"), ("MKL_CBWR", "COMPATIBLE")];

fn golden(name: &str) -> PathBuf {
    let weights = std::fs::read(model().join("weights.safetensors")).unwrap();
    let checksum = format!("{:x}", <sha2::Sha256 as sha2::Digest>::digest(weights));
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}-{}.vcf", &checksum[..12]))
}

/// Calls all of testdata and compares the VCF with the golden file of that name.
#[track_caller]
fn compare(name: &str, extra: &[&str]) {
    let world = World::new();
    let vcf = world.path("out.vcf");
    let mut args = vec!["call", "--precision", "f32", "--device", "cpu"];
    let (reference, reads, out) = (text(&world.reference), text(&world.reads), text(&vcf));
    args.extend(["--ref", &reference, "--reads", &reads, "--output-vcf", &out]);
    args.extend(extra);
    let run = Command::new(env!("CARGO_BIN_EXE_varpix")).args(&args).envs(SAME_KERNELS).output().unwrap();
    Outcome::from(run).succeeds();
    let found = std::fs::read_to_string(&vcf).unwrap();
    let golden = golden(name);
    if std::env::var_os("VARPIX_WRITE_GOLDEN").is_some() {
        std::fs::write(&golden, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden)
        .unwrap_or_else(|e| panic!("{}: {e}; see the head of this test", golden.display()));
    let differing: Vec<_> = found.lines().zip(expected.lines()).filter(|(a, b)| a != b).take(3).collect();
    assert!(found == expected, "{name}: {differing:#?}");
}

#[test]
fn calls_of_testdata() {
    compare("calls", &[]);
}

#[test]
fn calls_of_the_network_alone() {
    compare("network", &["--no-small-model", "--regions", "chrA:1-60000"]);
}
