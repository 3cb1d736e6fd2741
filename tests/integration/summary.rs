//! `--summary`, `--multiqc` and `varpix report`.

use std::path::Path;

use serde_json::Value;

use crate::world::{World, text, tool, varpix};

/// A summary that keeps to its schema.
#[track_caller]
pub fn summary(path: &Path) -> Value {
    let read = |path: &Path| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let schema = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/summary.schema.json"));
    let found = read(path);
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("summary.schema.json", schema).unwrap();
    let index = compiler.compile("summary.schema.json", &mut schemas).unwrap();
    if let Err(problem) = schemas.validate(&found, index) {
        panic!("{problem:#}");
    }
    found
}

fn call(world: &World, name: &str, extra: &[&str]) -> Value {
    let path = world.path(name);
    world.call(&[&["--summary", &text(&path)], extra].concat()).succeeds();
    summary(&path)
}

#[test]
fn a_summary_keeps_to_its_schema_and_to_the_calls() {
    let world = World::new();
    let found = call(&world, "s.json", &["--regions", "chrA:1-60000", "chrB:20000-40000"]);
    assert_eq!((&found["sample"], &found["command"]), (&"testdata".into(), &"call".into()));
    assert_eq!(found["inputs"]["regions"]["bases"], 80_001);
    assert_eq!(found["inputs"]["reads"][0]["bytes"], std::fs::metadata(&world.reads).unwrap().len());
    assert_eq!(found["coverage"]["positions"], 80_001);
    let vcf = text(&world.vcf);
    let listed = |expression: &str| tool("bcftools", &["view", "-H", "-i", expression, &vcf]).lines().count();
    let types = &found["calls"]["types"];
    assert_eq!(found["calls"]["filters"]["PASS"], listed("FILTER=\"PASS\""));
    assert_eq!(found["calls"]["written"], listed("POS>0"));
    assert_eq!(types["snp"], listed("TYPE=\"snp\""));
    let number = |value: &Value| value.as_u64().unwrap();
    let indels = number(&types["insertion"]) + number(&types["deletion"]);
    assert!(indels == listed("TYPE=\"indel\"") as u64 && indels > 5, "{indels} indels");
    let sum = |of: &Value| of["counts"].as_array().unwrap().iter().map(number).sum::<u64>();
    for name in ["qual", "gq", "dp"] {
        let histogram = &found["calls"]["histograms"][name];
        assert_eq!(
            sum(&histogram["snp"]) + sum(&histogram["indel"]),
            number(&found["calls"]["filters"]["PASS"]),
            "{name}"
        );
    }
    assert_eq!(sum(&found["coverage"]["histogram"]), 80_001);
    let least = &found["calls"]["least_certain"]["variants"][0];
    let lowest = tool("bcftools", &["query", "-f", "[%GQ]\n", &vcf]);
    let lowest: i64 = lowest.lines().map(|gq| gq.parse().unwrap()).min().unwrap();
    assert_eq!(least["gq"], lowest);
    assert!(found["run"]["stages"].as_array().unwrap().len() > 5 && found["run"]["cpu_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn threads_do_not_change_it() {
    let of = |threads: &str| {
        let world = World::new();
        let mut found =
            call(&world, "s.json", &["--threads", threads, "--regions", "chrA:1-60000", "--emit-ref-calls"]);
        found["run"].take();
        // The folder of the inputs.
        found["inputs"].take();
        serde_json::to_string(&found).unwrap()
    };
    let one = of("1");
    assert_eq!(one, of("2"));
    assert_eq!(one, of("5"));
}

#[test]
fn a_vcf_gives_the_counts_of_its_run() {
    let world = World::new();
    let run = call(&world, "run.json", &["--emit-ref-calls"]);
    let path = world.path("vcf.json");
    varpix(&["report", &text(&world.vcf), "--summary", &text(&path)]).succeeds();
    let of_vcf = summary(&path);
    assert_eq!(run["calls"], of_vcf["calls"]);
    assert_eq!((&of_vcf["model"], &of_vcf["sample"]), (&run["model"], &run["sample"]));
    // As BCF, too.
    let bcf = text(&world.path("other.bcf"));
    tool("bcftools", &["view", "-Ob", "-o", &bcf, &text(&world.vcf)]);
    varpix(&["report", &bcf, "--summary", &text(&path), "--sample-name", "other"]).succeeds();
    assert_eq!(summary(&path)["sample"], "other");
    assert_eq!(summary(&path)["calls"], run["calls"]);
}

#[test]
fn warnings_are_in_it_even_if_they_are_not_shown() {
    let world = World::new();
    let found = call(&world, "s.json", &["--quiet", "--par-regions", "GRCh38"]);
    let warnings: Vec<&str> = found["warnings"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    assert!(warnings.iter().any(|warning| warning.contains("--par-regions")), "{warnings:?}");
}

#[test]
fn depths_are_those_of_other_tools() {
    let world = World::new();
    let found = call(&world, "s.json", &["--no-realign"]);
    let depths = tool("samtools", &["depth", "-a", "-q", "10", "-Q", "5", "-r", "chrA:1-20000", &text(&world.reads)]);
    let depths: Vec<f64> = depths.lines().map(|line| line.rsplit('\t').next().unwrap().parse().unwrap()).collect();
    let mean = depths.iter().sum::<f64>() / 20_000.0;
    let of_summary = found["coverage"]["mean"].as_f64().unwrap();
    // Trimmed ends and soft clips are counted differently.
    assert!((of_summary / mean - 1.0).abs() < 0.03, "{of_summary} and {mean}");
}

#[test]
fn files_for_multiqc_are_written() {
    let world = World::new();
    let folder = world.path("multiqc");
    world.call(&["--multiqc", &text(&folder), "--sample-name", "A/B 1"]).succeeds();
    let mut names: Vec<String> =
        folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let expected = ["varpix_gq_mqc.json", "varpix_mqc.json", "varpix_mqc_versions.yml", "varpix_variants_mqc.json"];
    assert_eq!(names, expected.map(|name| format!("A_B_1.{name}")));
    let content = std::fs::read(folder.join("A_B_1.varpix_mqc.json")).unwrap();
    let general: Value = serde_json::from_slice(&content).unwrap();
    assert!(general["data"]["A/B 1"]["varpix_snps"].as_u64().unwrap() > 10, "{general}");
    let versions = std::fs::read_to_string(folder.join("A_B_1.varpix_mqc_versions.yml")).unwrap();
    assert_eq!(versions, format!("varpix:\n  varpix: \"{}\"\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn reports_may_have_a_name_of_their_own() {
    let world = World::new();
    let (folder, page) = (world.path("multiqc"), world.path("page.html"));
    let outputs = ["--multiqc", &text(&folder), "--report", &text(&page), "--report-sample-name", "second"];
    let found = call(&world, "s.json", &outputs);
    assert_eq!(found["sample"], "second");
    assert!(folder.join("second.varpix_mqc.json").exists());
    assert!(std::fs::read_to_string(&page).unwrap().contains("<title>varpix: second"));
    assert_eq!(tool("bcftools", &["query", "-l", &text(&world.vcf)]).trim(), "testdata");
}

#[test]
fn what_cannot_be_written_is_said_before_any_work() {
    let world = World::new();
    world.call(&["--summary", "/no/such/folder/s.json"]).fails(4, &["/no/such/folder"]);
    world.call(&["--summary", &text(&world.reads)]).fails(2, &["would overwrite", "--summary"]);
    world.call(&["--summary", "-"]).fails(2, &["name of a file"]);
    let file = world.write("file", b"x");
    world.call(&["--multiqc", &text(&file)]).fails(4, &["cannot be created"]);
    assert!(world.outputs().is_empty(), "{:?}", world.outputs());
    varpix(&["report", &text(&world.reference), "--summary", &text(&world.path("s.json"))]).fails(3, &["is not a VCF"]);
    varpix(&["report", &text(&world.vcf)]).fails(2, &["--summary"]);
}

/// The pictures in a page.
fn pictures(page: &str) -> usize {
    page.matches("src=\"data:image/png;base64,").count()
}

#[test]
fn a_page_needs_nothing_else() {
    let world = World::new();
    let path = world.path("page.html");
    let title = "Trio <1> & more";
    let args = ["--report", &text(&path), "--report-title", title, "--emit-ref-calls", "--regions", "chrA", "chrB"];
    world.call(&args).succeeds();
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.contains("<title>Trio &#60;1&#62; &#38; more</title>"), "{}", &page[..2000]);
    assert!(page.len() < 2_000_000 && (5..=18).contains(&pictures(&page)), "{} bytes", page.len());
    for other in ["http://", "https://", "<script", "<link", "@import", "url("] {
        assert!(!page.contains(other), "{other}");
    }
    assert!(
        page.contains("Time by stage") && page.contains("Slowest regions") && page.contains("Decided by"),
        "sections"
    );
    assert_eq!(page.matches("<svg").count(), page.matches("role=\"img\"").count());
    // Of the calls alone: no depths, times or pictures.
    let of_vcf = world.path("vcf.html");
    varpix(&["report", &text(&world.vcf), "--report", &text(&of_vcf)]).succeeds();
    let page = std::fs::read_to_string(&of_vcf).unwrap();
    assert!(page.contains("Least certain calls") && !page.contains("Time by stage") && pictures(&page) == 0);
}

#[test]
fn warnings_are_on_top_of_a_page() {
    let world = World::new();
    let path = world.path("page.html");
    world.call(&["--report", &text(&path), "--par-regions", "GRCh38", "-q"]).succeeds();
    let page = std::fs::read_to_string(&path).unwrap();
    let warning = page.find("--par-regions: has no effect").unwrap();
    assert!(warning < page.find("Variants by type").unwrap());
}

#[test]
fn flags_of_deepvariant_write_pages() {
    let world = World::new();
    let logs = world.path("logs");
    world
        .call(&["--vcf_stats_report=true", "--runtime_report", "--logging_dir", &text(&logs), "--report_title=T1"])
        .succeeds();
    for path in [world.path("out.visual_report.html"), logs.join("make_examples_runtime_by_region_report.html")] {
        assert!(std::fs::read_to_string(&path).unwrap().contains("<title>T1</title>"), "{}", path.display());
    }
    world.call(&["--runtime_report"]).succeeds();
    assert!(world.path("out.runtime_by_region_report.html").exists());
    let [reference, reads] = [&world.reference, &world.reads].map(|path| text(path));
    let line = ["call", "--ref", &reference, "--reads", &reads, "--output-vcf", "-", "--vcf-stats-report"];
    varpix(&line).fails(2, &["stdout", "--report"]);
}
