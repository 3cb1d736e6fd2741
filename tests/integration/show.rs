//! `varpix show`.

use crate::made::{Change, Made, random_bases};
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
        assert_eq!(opened.dimensions(), (8 + 4 * 450, 52 + 2 * 252 + 46));
        // Not one colour: reads are drawn in it.
        let middle = opened.get_pixel(8 + 221, 52 + 22 + 30);
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

/// Haplotypes by their marks left of the second panel, from top to bottom; the first one also marks support.
fn haplotype_marks(picture: &image::RgbImage) -> Vec<u8> {
    let of = |y: u32| match picture.get_pixel(450 + 5, y).0 {
        [0, 158, 115] => Some(1),
        [204, 121, 167] => Some(2),
        _ => None,
    };
    // The height of its rows; below it lies another panel.
    (56..256).filter_map(of).collect()
}

#[test]
fn rows_may_be_sorted_by_haplotype() {
    let bases = random_bases(2000, 3);
    let mut made = Made::new(&bases);
    made.reads_of("most", &[Change(900, &bases[900..901], if &bases[900..901] == "G" { "T" } else { "G" })], 10, 1);
    made.finish();
    let bam = text(&made.path("reads.bam"));
    // Reads get the tag of haplotype 1 or 2, every third none.
    let tagged: String = tool("samtools", &["view", "-h", &bam])
        .lines()
        .enumerate()
        .map(|(i, line)| match i % 3 {
            0 => format!("{line}\n"),
            _ if line.starts_with('@') => format!("{line}\n"),
            haplotype => format!("{line}\tHP:i:{haplotype}\n"),
        })
        .collect();
    std::fs::write(made.path("tagged.sam"), tagged).unwrap();
    tool("samtools", &["view", "-b", "-o", &bam, &text(&made.path("tagged.sam"))]);
    tool("samtools", &["index", &bam]);
    let (reference, out) = (text(&made.path("ref.fa")), text(&made.path("out")));
    let shown = |more: &[&str]| {
        let args = ["show", "--ref", &reference, "--reads", &bam, "--region", "c1:901", "--out", &out];
        let shown = varpix(&[&args, more].concat()).succeeds();
        let path = shown.stdout.lines().next().unwrap().to_owned();
        (haplotype_marks(&image::open(path).unwrap().to_rgb8()), shown.stderr)
    };
    let (marks, _) = shown(&["--by-haplotype"]);
    assert!(marks.is_sorted() && marks.contains(&1) && marks.contains(&2), "{marks:?}");
    assert!(shown(&[]).0.is_empty(), "the image of a model without haplotypes");
}

#[test]
fn a_sheet_holds_all_images_of_a_candidate() {
    let world = World::new();
    let (reference, reads, out) = (text(&world.reference), text(&world.reads), world.path("sheets"));
    let list = ["query", "-i", "N_ALT=2", "-f", "%CHROM:%POS\n"];
    let several = tool("bcftools", &[&list[..], &[&text(&testdata("truth.vcf.gz"))]].concat());
    let place = several.lines().next().unwrap();
    let folder = text(&out);
    let args =
        ["show", "--ref", &reference, "--reads", &reads, "--region", place, "--out", &folder, "--sheet", "--classify"];
    let shown = varpix(&args).succeeds();
    let lines: Vec<&str> = shown.stdout.lines().collect();
    let at = place.replace(':', "_");
    let of_place: Vec<&&str> = lines.iter().filter(|line| line.contains(&at)).collect();
    assert_eq!(of_place.len(), 3, "both alleles, and both together: {lines:?}");
    let path = of_place[0].split('\t').next().unwrap();
    assert!(of_place.iter().all(|line| line.split('\t').next() == Some(path)));
    assert_eq!(image::open(path).unwrap().height() % 3, 0);
    assert_eq!(
        out.read_dir().unwrap().count(),
        lines.iter().map(|l| l.split('\t').next()).collect::<std::collections::BTreeSet<_>>().len()
    );
}
