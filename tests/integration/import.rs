//! `varpix import-deepvariant`, and the precision of the network. The importer's own tests stand beside its code.

use crate::world::{World, text, varpix};

#[test]
fn what_is_no_model_is_refused() {
    let world = World::new();
    let out = text(&world.path("out.model"));
    let import = |model: &str| varpix(&["import-deepvariant", model, "--out", &out]);
    import(&text(&world.path("nowhere"))).fails(3, &["nowhere", "neither a folder nor a checkpoint"]);
    import(&text(world.reads.parent().unwrap())).fails(3, &["variables/variables.index", "checkpoint"]);
    world.write("model.ckpt.index", b"not a table, but longer than the footer that tables have at their end");
    import(&text(world.reads.parent().unwrap())).fails(3, &["model.ckpt.index", "not a checkpoint's index"]);
    world.write("out.model", b"");
    import(&text(&world.path("model.ckpt"))).fails(4, &["out.model", "exists already"]);
    assert_eq!(world.outputs(), ["out.model"]);
}

#[test]
fn precision_changes_no_genotype() {
    let genotypes = |precision: &str| {
        let world = World::new();
        let said = world.call(&["--precision", precision, "--device", "cpu"]).succeeds().stderr;
        assert_eq!(said.contains("bf16"), precision == "bf16", "{said}");
        crate::world::tool("bcftools", &["query", "-f", "%CHROM %POS %ALT [%GT]\n", &text(&world.vcf)])
    };
    let calls = genotypes("f32");
    assert!(calls.lines().count() > 10);
    assert_eq!(genotypes("bf16"), calls);
    World::new().call(&["--precision", "fp8"]).fails(2, &["--precision fp8", "f32 or bf16"]);
}
