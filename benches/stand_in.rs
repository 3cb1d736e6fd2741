//! Writes a `SavedModel` with random weights where one of DeepVariant's would be: for `tests/system/deepvariant-commands`, and to measure speed,
//! which does not depend on weights.
//!
//! ```text
//! cargo run --release --features testing --example stand_in -- FOLDER VERSION
//! ```

use std::path::Path;

use varpix::testing::inception::write_saved_model;

fn main() -> Result<(), String> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, version] = args.as_slice() else { return Err("usage: stand_in FOLDER VERSION".into()) };
    write_saved_model(Path::new(folder), version);
    Ok(())
}
