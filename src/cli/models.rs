//! `varpix models`: what is installed; whether a model is whole.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::backend;
use super::stdout;
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::model::checksums::{SMALL_MODEL, WEIGHTS};
use crate::model::installed::{Installed, bytes, installed};
use crate::model::{Model, ModelConfig, search_path};
use crate::predict::small::SmallModel;

/// Digits of a checksum in the table.
const SHORT: usize = 12;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ModelsArgs {
    /// Print the list as JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<ModelsCommand>,
}

#[derive(Debug, Subcommand)]
enum ModelsCommand {
    /// Check a model: settings, checksums, small model, weights of the network
    Check(CheckArgs),
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Name or folder of the model
    #[arg(value_name = "NAME|DIR")]
    model: PathBuf,
}

pub(super) fn run(args: &ModelsArgs) -> Result<()> {
    match &args.command {
        Some(ModelsCommand::Check(args)) => check(&args.model),
        None => list(args.json),
    }
}

fn list(as_json: bool) -> Result<()> {
    let all = installed();
    if as_json {
        let models: Vec<Value> = all.iter().map(described).collect();
        let text = serde_json::to_string_pretty(&models).map_err(|e| Error::Internal(format!("models: {e}")))?;
        return stdout::line(&text).map(drop);
    }
    if all.is_empty() {
        let folders: Vec<String> = search_path().iter().map(|folder| folder.display().to_string()).collect();
        log::info!("no models in {}", folders.join(", "));
        return Ok(());
    }
    stdout::write(table(&all).as_bytes())?;
    for Installed { folder, model, .. } in &all {
        if let Err(problem) = model {
            log::warn!("{problem}");
        } else {
            log::debug!("{}: settings are valid", folder.display());
        }
    }
    Ok(())
}

/// A line for each model, in columns.
fn table(all: &[Installed]) -> String {
    let head = ["name", "network", "images", "channels", "rules", "size", "sha256", "license", "measured on", "folder"];
    let mut rows = vec![head.map(str::to_owned)];
    for of in all {
        let folder = of.folder.display().to_string();
        let folder = if of.is_hidden { format!("{folder} (another {} comes first)", of.name) } else { folder };
        let none = || "-".to_owned();
        rows.push(if let Ok(Model { config, .. }) = &of.model {
            [
                of.name.clone(),
                config.network.clone(),
                format!("{}x{}", config.image.height, config.image.width),
                config.image.channels.len().to_string(),
                config.rules.map_or("varpix", |rules| rules.name()).to_owned(),
                size(of.bytes()),
                config.checksums.weights.as_deref().map_or_else(none, |sum| sum.chars().take(SHORT).collect()),
                config.license.clone().unwrap_or_else(none),
                measured(config).unwrap_or_else(none),
                folder,
            ]
        } else {
            let mut row = head.map(|_| none());
            (row[0], row[1], row[5], row[9]) = (of.name.clone(), "unusable".into(), size(of.bytes()), folder);
            row
        });
    }
    let mut widths = head.map(|_| 0);
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let line = |row: &[String; 10]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn described(of: &Installed) -> Value {
    let mut all = json!({
        "name": of.name, "folder": of.folder.to_string_lossy(), "hidden": of.is_hidden, "bytes": of.bytes(),
        "problem": of.model.as_ref().err().map(ToString::to_string),
    });
    if let (Ok(Model { config, .. }), Some(all)) = (&of.model, all.as_object_mut()) {
        let more = json!({
            "network": config.network, "image": config.image, "features": config.image_features.len(),
            "small_model": config.small_model.is_some(), "rules": config.rules, "multi_allelic": config.multi_allelic,
            "license": config.license, "sha256": config.checksums, "measured": config.measured,
            "imported_from": config.training.get("imported_from"), "version": config.training.get("version"),
        });
        more.as_object().into_iter().flatten().for_each(|(name, value)| drop(all.insert(name.clone(), value.clone())));
    }
    all
}

/// What a model was measured on, and what it reached there.
fn measured(config: &ModelConfig) -> Option<String> {
    let images = config.measured.get("tune_images")?.as_u64()?;
    let f1 = config.measured.get("image_f1")?.as_f64()?;
    Some(format!("{images} images of its tune sets: F1 {f1:.4}"))
}

/// A size for readers.
fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
    let mega = bytes as f64 / 1e6;
    if mega >= 10.0 { format!("{mega:.0} MB") } else { format!("{mega:.1} MB") }
}

/// Prints what is right about a model; fails with what is not.
fn check(given: &Path) -> Result<()> {
    let model = Model::find(given)?;
    let Model { folder, config, .. } = &model;
    let channels: Vec<&str> = config.image.channels.iter().map(|channel| channel.name()).collect();
    let rules = config.rules.map_or("varpix", |rules| rules.name());
    let mut lines = vec![
        format!("model {}, {} in {}", config.name, size(bytes(folder)), folder.display()),
        format!("model.json: settings are valid; network {}, rules of {rules}", config.network),
        format!("images: {} x {}, channels {}", config.image.height, config.image.width, channels.join(", ")),
        format!("license: {}", config.license.as_deref().unwrap_or("not given")),
        format!("measured on: {}", measured(config).as_deref().unwrap_or("nothing that its model.json has")),
    ];
    let mut problems = Vec::new();
    let mut note = |outcome: Result<String>| match outcome {
        Ok(line) => lines.push(line),
        Err(problem) => problems.push(problem),
    };
    let weights = weights(&model);
    let is_whole = weights.is_ok();
    note(weights);
    note(small_model(&model));
    if is_whole {
        note(network(&model));
    }
    stdout::write((lines.join("\n") + "\n").as_bytes())?;
    // The last is the program's message.
    let last = problems.pop();
    for problem in problems {
        log::error!("{problem}");
    }
    last.map_or_else(|| stdout::line("no problem was found").map(drop), Err)
}

fn weights(model: &Model) -> Result<String> {
    let sum = model.checksum()?;
    Ok(match model.config.checksums.weights {
        Some(_) => format!("{WEIGHTS}: SHA-256 is {sum}, as in model.json"),
        None => format!("{WEIGHTS}: SHA-256 is {sum}; model.json has none to compare"),
    })
}

fn small_model(model: &Model) -> Result<String> {
    Ok(match SmallModel::of(model)? {
        Some(_) if model.config.checksums.small_model.is_some() => format!("{SMALL_MODEL}: as in model.json"),
        Some(_) => format!("{SMALL_MODEL}: can be used; model.json has no checksum to compare"),
        None => {
            let path = model.folder.join(SMALL_MODEL);
            if regular_file(&path).is_ok() {
                return Err(Error::model(
                    path,
                    "is not used, since model.json has no small_model; copy the model again",
                ));
            }
            "no small model: the network classifies every candidate".into()
        }
    })
}

fn network(model: &Model) -> Result<String> {
    Ok(match backend::tried(model)? {
        Some(p) => format!(
            "network: takes its weights and an empty image, of which it says {:.3} {:.3} {:.3}",
            p.0[0], p.0[1], p.0[2]
        ),
        None => "network: its weights were not loaded, since this program was built without libtorch".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_readers() {
        assert_eq!((size(1_530_000), size(87_300_000)), ("1.5 MB".into(), "87 MB".into()));
    }

    #[test]
    fn columns_are_aligned() {
        let models = || installed().into_iter().filter(|of| of.name == "wgs").take(1);
        let all: Vec<Installed> = models().chain(models()).collect();
        let text = table(&all);
        let lines: Vec<&str> = text.lines().collect();
        let at = |line: usize, word: &str| lines[line].find(word);
        assert!(lines.len() == 3 && lines[1] == lines[2], "{text}");
        assert_eq!(at(0, "network"), at(1, "rows_net"));
        assert_eq!(at(0, "rules"), at(1, "varpix "));
        assert_eq!(at(0, "measured on"), at(1, "9772 images"));
    }

    #[test]
    fn the_list_is_described_for_programs() {
        let all = installed();
        let wgs = described(all.iter().find(|of| of.name == "wgs").unwrap());
        assert_eq!((&wgs["network"], &wgs["problem"], &wgs["rules"]), (&"rows_net".into(), &Value::Null, &Value::Null));
        assert_eq!(wgs["image"]["channels"].as_array().unwrap().len(), 7);
        assert_eq!(wgs["sha256"]["weights.safetensors"].as_str().unwrap().len(), 64);
        assert!(wgs["bytes"].as_u64().unwrap() > 100_000 && wgs["small_model"] == true);
    }
}
