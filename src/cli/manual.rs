//! `varpix completions` and `varpix man`: made from the command line's own definition.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;

use super::stdout;
use crate::error::{Error, Result};

#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell that is to complete
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
        let failed = |e: std::io::Error| Error::output(folder, format!("cannot be written: {e}"));
        std::fs::create_dir_all(folder).map_err(failed)?;
        return clap_mangen::generate_to(command, folder).map_err(failed);
    }
    let mut page = Vec::new();
    let made = clap_mangen::Man::new(command).render(&mut page);
    made.map_err(|e| Error::Internal(format!("the manual cannot be made: {e}")))?;
    stdout::write(&page).map(drop)
}
