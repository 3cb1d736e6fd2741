//! Options that ask for a description of the calls -> files, checked before any work and written after it.

use std::path::{Path, PathBuf};

use clap::Args;

use super::common::REPORTS;
use crate::error::{Error, Result};
use crate::files::{self, Files, Whole};
use crate::report::page::{Picture, page};
use crate::report::{Summary, multiqc};

/// Files that describe the calls.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = REPORTS)]
pub(super) struct ReportArgs {
    /// Write a summary as JSON: counts, histograms, warnings and, of a run, times (docs/summary.schema.json)
    #[arg(long, alias = "stats", value_name = "JSON")]
    summary: Option<PathBuf>,
    #[arg(
        long,
        value_name = "DIR",
        help = "Write files for MultiQC to this folder, created if missing: SAMPLE.varpix_mqc.json and others"
    )]
    multiqc: Option<PathBuf>,
    /// Write a report as a single HTML file: charts, warnings, and the least certain calls
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    /// Title of the report [default: name of the sample]
    #[arg(long, value_name = "TEXT")]
    report_title: Option<String>,
}

impl ReportArgs {
    /// What is to be written, with more pages.
    pub(super) fn resolved(&self, more: Vec<(&'static str, PathBuf)>) -> Reports {
        let Self { summary, multiqc, report, report_title } = self;
        let pages = report.iter().map(|path| ("--report", path.clone())).chain(more).collect();
        Reports { summary: summary.clone(), multiqc: multiqc.clone(), pages, title: report_title.clone() }
    }
}

/// Files that are to be written.
#[derive(Debug)]
pub(super) struct Reports {
    summary: Option<PathBuf>,
    multiqc: Option<PathBuf>,
    /// Each with the flag that asks for it.
    pages: Vec<(&'static str, PathBuf)>,
    title: Option<String>,
}

impl Reports {
    /// Whether anything is asked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.summary.is_some() || self.multiqc.is_some() || self.has_page()
    }

    /// Whether a page is asked for.
    pub(super) fn has_page(&self) -> bool {
        !self.pages.is_empty()
    }

    /// The files, each with the flag that asks for it.
    fn single(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let summary = self.summary.iter().map(|path| ("--summary", path.as_path()));
        summary.chain(self.pages.iter().map(|(flag, path)| (*flag, path.as_path())))
    }

    /// Adds the files that are written.
    pub(super) fn files(&self, files: &mut Files) {
        self.single().for_each(|(flag, path)| files.output(flag, path));
        let names = self.multiqc.iter().flat_map(|folder| folder.read_dir().into_iter().flatten().flatten());
        // Names depend on the sample; any of MultiQC's in the folder counts as an output.
        for path in names.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains(".varpix_")) {
            files.output("--multiqc", &path);
        }
    }

    /// Checks, before any work, that the files can be written.
    pub(super) fn check(&self) -> Result<()> {
        for (flag, path) in self.single() {
            if path == Path::new("-") {
                return Err(Error::Usage(format!("{flag} -: give the name of a file")));
            }
            drop(files::temporary_beside(path)?);
        }
        if let Some(folder) = &self.multiqc {
            made(folder)?;
            drop(files::temporary_beside(&folder.join("varpix_mqc.json"))?);
        }
        Ok(())
    }

    /// The files, complete under temporary names.
    pub(super) fn written(&self, summary: &Summary, pictures: Vec<Picture>) -> Result<Vec<Whole>> {
        let mut whole = Vec::new();
        if let Some(path) = &self.summary {
            whole.push(Whole::of_bytes(path, &summary.json()?)?);
        }
        if let Some(folder) = &self.multiqc {
            for (name, content) in multiqc::files(summary)? {
                whole.push(Whole::of_bytes(&folder.join(name), &content)?);
            }
        }
        if self.has_page() {
            let content = page(summary, self.title.as_deref(), pictures)?;
            for (_, path) in &self.pages {
                whole.push(Whole::of_bytes(path, &content)?);
            }
        }
        Ok(whole)
    }
}

/// Makes a folder, unless it is there.
pub(super) fn made(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, format!("cannot be created: {e}")))
}
