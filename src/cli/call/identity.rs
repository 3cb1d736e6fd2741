//! A run's inputs, model and options -> [`Identity`]: the name and value of everything that its outputs depend on.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::CallArgs;
use crate::cli::common;
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::genotype::Ploidy;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::model::checksums::{SMALL_MODEL, of_file};
use crate::predict::AnySmallModel;
use crate::predict::cnn::Classifier;
use crate::regions::Targets;

/// Pieces of a file that are hashed, and their length in bytes. A file of reads is too large to be hashed whole; its size and its time tell
/// about the rest.
const PIECES: u64 = 256;
const PIECE: u64 = 4096;

/// Names and values, in the order in which they are compared: what is most telling comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity(Vec<(String, String)>);

/// A value that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) name: String,
    pub(super) then: String,
    pub(super) now: String,
}

/// What a run works with, once all is opened.
#[derive(Clone, Copy)]
pub(super) struct Opened<'a> {
    pub(super) model: &'a Model,
    pub(super) small_model: Option<&'a AnySmallModel>,
    pub(super) classifier: &'a dyn Classifier,
    pub(super) inputs: &'a Inputs,
    pub(super) chunk: Option<&'a Targets>,
    pub(super) ploidy: &'a Ploidy,
    pub(super) sample: &'a str,
}

impl Identity {
    fn add(&mut self, name: impl Into<String>, value: impl Display) {
        self.0.push((name.into(), value.to_string()));
    }

    /// A file's size, time, and content as far as it is hashed.
    fn add_file(&mut self, called: &str, path: &Path) -> Result<()> {
        let failed = |e: std::io::Error| Error::input(path, format!("cannot be read: {e}"));
        let mut file = regular_file(path)?;
        let found = file.metadata().map_err(failed)?;
        self.add(format!("size of {called}"), format_args!("{} bytes", found.len()));
        self.add(format!("content of {called}"), content(&mut file, found.len()).map_err(failed)?);
        let time = format!("{}.{:09} s after 1970", found.mtime(), found.mtime_nsec());
        self.add(format!("time of the last change of {called}"), time);
        Ok(())
    }

    /// What a run of `args` depends on.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read.
    pub(super) fn of(args: &CallArgs, opened: Opened) -> Result<Self> {
        let Opened { model, small_model, classifier, inputs, chunk, ploidy, sample } = opened;
        let mut all = Self::default();
        let built = |what: Option<&'static str>| what.unwrap_or("none");
        let (commit, libtorch) = (built(option_env!("VARPIX_COMMIT")), built(option_env!("VARPIX_LIBTORCH")));
        all.add("version of varpix", format!("{} (commit {commit}, libtorch {libtorch})", env!("CARGO_PKG_VERSION")));
        all.add("number of --reads", inputs.reads().len());
        for (number, reads) in (1..).zip(inputs.reads()) {
            let which = if inputs.reads().len() == 1 { String::new() } else { format!(" (file {number})") };
            all.add_file(&format!("--reads{which}"), reads.path())?;
            let failed = |e: std::io::Error| Error::input(reads.index(), format!("cannot be read: {e}"));
            let mut index = regular_file(reads.index())?;
            let length = index.metadata().map_err(failed)?.len();
            all.add(format!("index of --reads{which}"), content(&mut index, length).map_err(failed)?);
        }
        all.add_file("--ref", inputs.reference().path())?;
        let contigs = inputs.reference().contigs();
        let names = contigs.iter().map(|(_, contig)| format!("{}\t{}\n", contig.name, contig.length));
        all.add("list of contigs of --ref", hashed(names));
        all.add("choice of --regions", places(inputs.targets()));
        all.add("--chunk", chunk.map_or_else(|| "none".into(), places));
        match &args.genotype_sites {
            Some(path) => all.add_file("--genotype-sites", path)?,
            None => all.add("size of --genotype-sites", "none"),
        }

        all.add("model", &model.config.name);
        all.add("SHA-256 of the model's weights", model.checksum()?);
        let small = match small_model {
            None => "none".into(),
            Some(AnySmallModel::Own(_)) => of_file(&model.folder.join(SMALL_MODEL))?,
            Some(AnySmallModel::Imported(given)) => given.checksum()?,
        };
        all.add("small model", small);
        all.add("filter of reads", json(&model.config.evidence.read_filter)?);
        all.add("realignment", if model.config.evidence.realign.is_some() { "on" } else { "off" });
        let settings = crate::model::ModelConfig {
            training: serde_json::Value::Null,
            measured: serde_json::Value::Null,
            rules: None,
            license: None,
            ..model.config.clone()
        };
        all.add("setting in model.json", hashed([json(&settings)?]));
        all.add("--device or --precision", classifier.arithmetic());

        all.add("--sample-name", sample);
        all.add("--haploid-contigs", args.ploidy.haploid_contigs.join(","));
        all.add("--par-regions", hashed([format!("{ploidy:?}")]));
        all.add("--haploid-gt", args.haploid_gt.as_deref().unwrap_or("none"));
        all.add("--emit-ref-calls", args.emit_ref_calls);
        all.add("--only-pass", args.only_pass);
        all.add("--min-qual", args.min_qual);
        all.add("--info", format!("{:?}", args.info));
        all.add("--model-id", args.model_id);
        let gvcf = args.output_gvcf.as_ref().map_or_else(|| "none".into(), |path| path.display().to_string());
        all.add("--output-gvcf", gvcf);
        all.add("--gvcf-ref-allele", &args.gvcf_ref_allele);
        all.add("--gvcf-gq-bin", args.gvcf_gq_bin);
        all.add("--phase or --join-mnps", args.phasing.described());
        all.add("--header-reference", args.header_reference(inputs));
        all.add("command line", if args.header_command { common::command_line() } else { "not written".into() });
        Ok(all)
    }

    /// The first value that is another one here than `then`.
    pub(super) fn difference(&self, then: &Self) -> Option<Difference> {
        let value = |of: &Self, name: &str| {
            of.0.iter().find(|(other, _)| other == name).map_or_else(|| "none".into(), |(_, value)| value.clone())
        };
        let names = self.0.iter().chain(&then.0).map(|(name, _)| name);
        let all = names.map(|name| Difference { name: name.clone(), then: value(then, name), now: value(self, name) });
        all.into_iter().find(|Difference { then, now, .. }| then != now)
    }
}

fn json(of: &impl Serialize) -> Result<String> {
    serde_json::to_string(of).map_err(|e| Error::Internal(format!("settings as JSON: {e}")))
}

/// SHA-256 of texts, shortened: to compare, not to defend against forgery.
fn hashed(texts: impl IntoIterator<Item = String>) -> String {
    let mut digest = Sha256::new();
    texts.into_iter().for_each(|text| digest.update(text));
    format!("{:x}", digest.finalize())[..16].to_owned()
}

/// Intervals in a few words.
fn places(targets: &Targets) -> String {
    let all = targets.iter().map(|(contig, at)| format!("{} {} {}\n", contig.0, at.start(), at.end()));
    format!("{} bp in {} intervals, {}", targets.bases(), targets.iter().count(), hashed(all))
}

/// A hash of pieces of a file, of all of it if it is small.
fn content(file: &mut File, length: u64) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut piece = Vec::new();
    let mut start = 0;
    let step = length.saturating_sub(PIECE).div_ceil(PIECES - 1).max(PIECE);
    while start < length {
        // The last piece ends with the file.
        let at = start.min(length.saturating_sub(PIECE));
        piece.clear();
        file.seek(SeekFrom::Start(at))?;
        file.take(PIECE).read_to_end(&mut piece)?;
        digest.update(&piece);
        start += step;
    }
    Ok(format!("{:x}", digest.finalize())[..16].to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_difference_is_named() {
        let of = |values: &[(&str, &str)]| {
            Identity(values.iter().map(|&(name, value)| (name.into(), value.into())).collect())
        };
        let then = of(&[("a", "1"), ("b", "2")]);
        assert_eq!(then.difference(&then), None);
        let differs = |now: &Identity| now.difference(&then).map(|d| (d.name, d.then, d.now)).unwrap();
        assert_eq!(differs(&of(&[("a", "1"), ("b", "3")])), ("b".into(), "2".into(), "3".into()));
        assert_eq!(differs(&of(&[("a", "1")])), ("b".into(), "2".into(), "none".into()));
        assert_eq!(differs(&of(&[("a", "1"), ("b", "2"), ("c", "x")])), ("c".into(), "none".into(), "x".into()));
    }

    #[test]
    fn head_and_tail_and_what_is_small_are_hashed() {
        let hash = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            content(&mut file, bytes.len() as u64).unwrap()
        };
        for length in [1_usize, 4096, 100_000, 1_048_576, 3_000_000] {
            let mut bytes = vec![7; length];
            let before = hash(&bytes);
            for at in [0, length - 1].into_iter().chain((length < 1_000_000).then_some(length / 2)) {
                bytes[at] = 8;
                assert_ne!(hash(&bytes), before, "{at} of {length}");
                bytes[at] = 7;
            }
            assert_eq!(hash(&bytes), before);
        }
        assert_eq!(hash(b"").len(), 16);
    }
}
