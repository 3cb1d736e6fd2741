//! `varpix show`.

use crate::world::{World, testdata, text, tool, varpix};

#[test]
fn one_picture_for_each_candidate() {
    let world = World::new();
    let out = world.path("pictures");
    let first = tool("bcftools", &["query", "-f", "%CHROM:%POS\n", &text(&testdata("truth.vcf.gz"))]);
    let locus = first.lines().next().unwrap();
    let (reference, reads, folder) = (text(&world.reference), text(&world.reads), text(&out));
    let shown =
        varpix(&["show", "--ref", &reference, "--reads", &reads, "--region", locus, "--out", &folder]).succeeds();
    let pictures: Vec<_> = shown.stdout.lines().collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        let opened = image::open(picture).unwrap().to_rgb8();
        assert_eq!(opened.dimensions(), (8 + 4 * 450, 40 + 2 * 238 + 16));
        // Not one colour: reads are drawn in it.
        let middle = opened.get_pixel(8 + 221, 40 + 16 + 30);
        assert!(opened.pixels().filter(|p| *p != middle).count() > 1000, "{picture}");
    }
}

#[test]
fn an_empty_place_is_said_to_be_empty() {
    let world = World::new();
    let (reference, reads, folder) = (text(&world.reference), text(&world.reads), text(&world.path("pictures")));
    let shown =
        varpix(&["show", "--ref", &reference, "--reads", &reads, "--region", "chrA:1-1", "--out", &folder]).succeeds();
    assert_eq!(shown.stdout, "");
    assert!(shown.stderr.contains("no candidate"), "{}", shown.stderr);
}

#[test]
fn predictions_can_be_printed() {
    let world = World::new();
    let out = text(&world.path("pictures"));
    let (reference, reads) = (text(&world.reference), text(&world.reads));
    let args =
        ["show", "--ref", &reference, "--reads", &reads, "--region", "chrA:1-20000", "--out", &out, "--classify"];
    let shown = varpix(&args).succeeds();
    assert!(shown.stdout.lines().count() > 5);
    let predictor = |name: &str| shown.stdout.lines().filter(|line| line.ends_with(&format!("\t{name}"))).count();
    assert!(predictor("small_model") > 2, "{}", shown.stdout);
    for line in shown.stdout.lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let sum: f64 = columns[1..4].iter().map(|p| p.parse::<f64>().unwrap()).sum();
        assert!(columns.len() == 5 && columns[0].contains(".png") && (sum - 1.0).abs() < 1e-4, "{line}");
    }
}
