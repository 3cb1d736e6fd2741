//! Models that cannot be used: refused before any read is looked at, by the file's name.

use std::fs;
use std::path::PathBuf;

use varpix::model::Model;

use crate::world::{World, model, text, tool, varpix};

/// A copy of the committed model in the world, whose files may be broken.
struct Broken {
    world: World,
    folder: PathBuf,
}

impl Broken {
    fn new() -> Self {
        let world = World::new();
        let folder = world.path("broken");
        fs::create_dir(&folder).unwrap();
        for name in ["model.json", "weights.safetensors", "small_model.json"] {
            fs::copy(model().join(name), folder.join(name)).unwrap();
        }
        Self { world, folder }
    }

    /// As models of earlier versions were, so that what the checksums would find first is found otherwise.
    fn without_checksums(self) -> Self {
        self.change("model.json", |text| {
            let mut description: serde_json::Value = serde_json::from_str(text).unwrap();
            description.as_object_mut().unwrap().remove("checksums").unwrap();
            description.to_string()
        });
        self
    }

    fn change(&self, name: &str, change: impl Fn(&str) -> String) {
        let path = self.folder.join(name);
        let changed = change(&fs::read_to_string(&path).unwrap());
        fs::write(path, changed).unwrap();
    }

    fn change_bytes(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let path = self.folder.join(name);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }

    /// Fails with 3 and these words, and leaves nothing behind.
    #[track_caller]
    fn is_refused(&self, words: &[&str]) {
        self.world.call(&["--model", &text(&self.folder)]).fails(3, words);
        assert_eq!(self.world.outputs(), Vec::<String>::new());
    }
}

/// How many features the committed small model names; the program may know more.
fn named() -> usize {
    let network: serde_json::Value =
        serde_json::from_slice(&fs::read(model().join("small_model.json")).unwrap()).unwrap();
    network["features"].as_array().unwrap().len()
}

#[test]
fn files_that_are_not_there() {
    let model = Broken::new();
    model.world.call(&["--model", "nonsense"]).fails(3, &["nonsense", "models"]);
    for name in ["small_model.json", "weights.safetensors", "model.json"] {
        fs::remove_file(model.folder.join(name)).unwrap();
        model.is_refused(&[name]);
    }
}

#[test]
fn pipes_and_folders_in_place_of_files() {
    for name in ["small_model.json", "weights.safetensors", "model.json"] {
        let model = Broken::new();
        fs::remove_file(model.folder.join(name)).unwrap();
        tool("mkfifo", &[&text(&model.folder.join(name))]);
        model.is_refused(&[name, "is a pipe"]);
        fs::remove_file(model.folder.join(name)).unwrap();
        fs::create_dir(model.folder.join(name)).unwrap();
        model.is_refused(&[name, "is a folder"]);
    }
}

#[test]
fn a_flipped_bit() {
    for name in ["small_model.json", "weights.safetensors"] {
        let model = Broken::new();
        model.change_bytes(name, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        });
        model.is_refused(&[name, "SHA-256", "copy the model again"]);
    }
}

#[test]
fn descriptions_out_of_range() {
    let model = Broken::new();
    fs::write(model.folder.join("model.json"), "{").unwrap();
    model.is_refused(&["model.json", "is not a model description"]);
    for (from, to) in [
        ("\"margin\": 80", "\"margin\": 9223372036854775808"),
        ("\"height\": 64", "\"height\": 1000000000"),
        ("\"temperature\": 1.041", "\"temperature\": 0"),
        ("\"max_k\": 101", "\"max_k\": 5"),
        ("\"strand\"", "\"read_base\""),
    ] {
        let model = Broken::new();
        model.change("model.json", |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        let name = from.trim_matches(['"']).split('"').next().unwrap();
        model.is_refused(&["model.json", if name == "strand" { "twice" } else { name }]);
    }
}

#[test]
fn small_models_that_do_not_fit() {
    let model = Broken::new().without_checksums();
    let more = |text: &str| text.replacen("\"mean\":[", "\"mean\":[0.0,", 1);
    model.change("small_model.json", more);
    model.is_refused(&["small_model.json", &format!("{} numbers", named() + 1)]);
    model.change_bytes("small_model.json", |bytes| bytes.truncate(bytes.len() / 2));
    model.is_refused(&["small_model.json", "is not a small model"]);
    // What is not used is not looked at.
    let world = &model.world;
    world.call(&["--model", &text(&model.folder), "--no-small-model", "--regions", "chrZ"]).fails(2, &["chrZ"]);
}

#[test]
fn small_models_with_other_features() {
    let model = Broken::new().without_checksums();
    model.change("small_model.json", |text| text.replacen("\"gc_content\"", "\"moon_phase\"", 1));
    model.is_refused(&["small_model.json", "feature 'moon_phase' is not known"]);
    model.change("small_model.json", |text| text.replacen("\"moon_phase\"", "\"is_snp\"", 1));
    model.is_refused(&["small_model.json", "names the feature 'is_snp' twice"]);
    model.change("small_model.json", |text| text.replacen("\"is_snp\",", "", 1));
    model.is_refused(&["small_model.json", &format!("names {} features", named() - 1)]);
    model.change("small_model.json", |text| format!("{{{}", &text[text.find("\"mean\"").unwrap()..]));
    model.is_refused(&["small_model.json", "missing field `features`"]);
}

/// Small models did not name their features at first; these are the ones of `models/wgs`, in its order. To name those of another model, and
/// renew its checksum: `VARPIX_NAME_FEATURES=FOLDER cargo test --test integration features_of_a_model_without_names`.
#[test]
fn features_of_a_model_without_names() {
    let committed = fs::read_to_string(model().join("small_model.json")).unwrap();
    let (names, rest) = committed.split_at(committed.find("\"mean\"").unwrap());
    let name = |folder: &std::path::Path| {
        let path = folder.join("small_model.json");
        let nameless = fs::read_to_string(&path).unwrap();
        assert!(nameless.starts_with("{\"mean\""), "{} begins otherwise", path.display());
        fs::write(path, format!("{names}{}", &nameless[1..])).unwrap();
        Model::write(&Model::open(folder).unwrap().config, folder).unwrap();
    };
    if let Some(folder) = std::env::var_os("VARPIX_NAME_FEATURES") {
        return name(folder.as_ref());
    }
    let copy = Broken::new();
    copy.change("small_model.json", |_| format!("{{{rest}"));
    copy.is_refused(&["small_model.json", "SHA-256"]);
    name(&copy.folder);
    for file in ["small_model.json", "model.json"] {
        let same = fs::read(copy.folder.join(file)).unwrap() == fs::read(model().join(file)).unwrap();
        assert!(same, "{file} is not the committed one");
    }
}

#[test]
fn small_models_with_numbers_that_are_none() {
    for (list, number, said) in
        [("\"bias\":[", "1e39", "not finite"), ("\"scale\":[", "0.0", "scale"), ("\"mean\":[", "-1e39", "mean")]
    {
        let model = Broken::new().without_checksums();
        model.change("small_model.json", |text| {
            let at = text.find(list).unwrap() + list.len();
            let end = at + text[at..].find([',', ']']).unwrap();
            format!("{}{number}{}", &text[..at], &text[end..])
        });
        model.is_refused(&["small_model.json", said]);
    }
}

#[cfg(feature = "torch")]
#[test]
fn weights_that_do_not_fit() {
    let model = Broken::new().without_checksums();
    model.change_bytes("weights.safetensors", |bytes| bytes.truncate(bytes.len() / 2));
    model.is_refused(&["weights.safetensors", "does not fit"]);
    // Weights of images with another number of channels.
    let model = Broken::new();
    model.change("model.json", |text| text.replace("\"insert_size\"", "\"insert_size\",\n\"haplotype\""));
    model.is_refused(&["weights.safetensors", "does not fit"]);
}

#[cfg(feature = "torch")]
#[test]
fn weights_that_are_no_numbers() {
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let model = Broken::new().without_checksums();
        model.change_bytes("weights.safetensors", |bytes| {
            let end = bytes.len();
            bytes[end - 4..].copy_from_slice(&number.to_le_bytes());
        });
        model.is_refused(&["weights.safetensors", "is damaged", "not finite"]);
    }
}

/// `varpix models` with another folder that is searched first.
fn models(folder: &std::path::Path, args: &[&str]) -> crate::world::Outcome {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_varpix"));
    command.env("VARPIX_MODELS", folder).arg("models").args(args).output().unwrap().into()
}

#[test]
fn installed_models_are_listed() {
    let broken = Broken::new();
    let place = broken.world.path("models");
    fs::create_dir(&place).unwrap();
    fs::rename(&broken.folder, place.join("wgs")).unwrap();
    fs::create_dir(place.join("damaged")).unwrap();
    fs::write(place.join("damaged/model.json"), "{").unwrap();
    let outcome = models(&place, &[]).succeeds();
    let lines: Vec<Vec<&str>> = outcome.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], ["name", "network", "images", "channels"]);
    assert_eq!(lines[1][..2], ["damaged", "unusable"]);
    assert!(outcome.stderr.contains("damaged/model.json"), "{}", outcome.stderr);
    assert_eq!(lines[2][..5], ["wgs", "rows_net", "64x147", "7", "varpix"]);
    let hidden = lines[3..].iter().find(|line| line[0] == "wgs").unwrap();
    assert!(hidden.ends_with(&["(another", "wgs", "comes", "first)"]), "{hidden:?}");
    let json: serde_json::Value = serde_json::from_str(&models(&place, &["--json"]).succeeds().stdout).unwrap();
    let names = json.as_array().unwrap().iter().map(|of| (&of["name"], &of["hidden"]));
    let others: Vec<_> = names.filter(|(name, _)| **name != "hifi").collect();
    assert_eq!(
        others,
        [(&"damaged".into(), &false.into()), (&"wgs".into(), &false.into()), (&"wgs".into(), &true.into())]
    );
    assert_eq!(json[1]["image"]["channels"][0], "read_base");
    assert!(json[0]["problem"].as_str().unwrap().contains("is not a model description"));
}

#[test]
fn models_are_checked() {
    let fine = varpix(&["models", "check", &text(&model())]).succeeds();
    assert!(
        fine.stdout.ends_with("no problem was found\n") && fine.stdout.contains("as in model.json"),
        "{}",
        fine.stdout
    );
    let loaded = fine.stdout.contains("network: takes its weights");
    assert_eq!(loaded, cfg!(feature = "torch"), "{}", fine.stdout);
    varpix(&["models", "check", "no-such-model"]).fails(3, &["no-such-model"]);
    let check = |broken: &Broken| varpix(&["models", "check", &text(&broken.folder)]);
    let broken = Broken::new();
    for name in ["weights.safetensors", "small_model.json"] {
        broken.change_bytes(name, |bytes| bytes[5] ^= 1);
    }
    // Both are said, the last one as the message.
    let outcome = check(&broken).fails(3, &["small_model.json", "SHA-256"]);
    assert!(outcome.stderr.contains("weights.safetensors: is damaged"), "{}", outcome.stderr);
    let broken = Broken::new().without_checksums();
    assert!(check(&broken).succeeds().stdout.contains("model.json has none to compare"));
    broken.change_bytes("weights.safetensors", |bytes| bytes.truncate(100));
    if cfg!(feature = "torch") {
        check(&broken).fails(3, &["weights.safetensors", "does not fit the network"]);
    }
    let broken = Broken::new();
    broken.change("model.json", |text| text.replacen("\"temperature\": 1.041", "\"temperature\": 0", 1));
    check(&broken).fails(3, &["model.json", "temperature"]);
    let broken = Broken::new();
    broken.change("model.json", |text| {
        let mut description: serde_json::Value = serde_json::from_str(text).unwrap();
        description.as_object_mut().unwrap().remove("small_model").unwrap();
        description.to_string()
    });
    check(&broken).fails(3, &["small_model.json", "is not used"]);
}

#[test]
fn a_model_without_checksums_is_taken() {
    let model = Broken::new().without_checksums();
    model.world.call(&["--model", &text(&model.folder)]).succeeds();
}
