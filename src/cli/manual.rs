//! `varpix completions` and `varpix man`: made from the command line's own definition.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use super::stdout;
use crate::error::{Error, Result};
use crate::files::{self, Whole};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Shell to generate the script for
    shell: Shell,
}

#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Write varpix.1, varpix-call.1 and so on into this folder [default: varpix.1 to stdout]
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
}

pub(super) fn completions(mut command: Command, args: &CompletionsArgs) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "varpix", &mut script);
    stdout::write(&script).map(drop)
}

pub(super) fn man(command: Command, args: &ManArgs) -> Result<()> {
    if let Some(folder) = &args.out_dir {
        std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, format!("cannot be created: {e}")))?;
        let mut command = command.disable_help_subcommand(true);
        command.build();
        return files::place(pages(&command, folder)?).map(drop);
    }
    stdout::write(&page(command)?).map(drop)
}

/// The pages of a command and of those below it.
fn pages(command: &Command, folder: &Path) -> Result<Vec<Whole>> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut all = vec![Whole::of_bytes(&folder.join(format!("{name}.1")), &page(command.clone())?)?];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        all.extend(pages(below, folder)?);
    }
    Ok(all)
}

fn page(command: Command) -> Result<Vec<u8>> {
    let mut page = Vec::new();
    // The page puts a `v` before the number, where `--version` has the word "version".
    let page_of = clap_mangen::Man::new(command.version(env!("CARGO_PKG_VERSION")));
    page_of.render(&mut page).map_err(|e| Error::Internal(format!("the manual page cannot be rendered: {e}")))?;
    Ok(page)
}
