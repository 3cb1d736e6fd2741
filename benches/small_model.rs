//! What a small model of DeepVariant's, as Keras saved it, says of given inputs once it is imported.
//!
//! ```text
//! cargo run --example small_model -- MODEL INPUTS PROBABILITIES
//! ```
//!
//! `MODEL` is a Keras archive or a `SavedModel`'s folder, `INPUTS` holds f32 `[n, inputs]`, `PROBABILITIES` gets f64 `[n, 3]`, little-endian. Prints
//! the layers and the time of a row.

#![allow(clippy::cast_precision_loss, reason = "small numbers")]
#![allow(clippy::print_stdout, reason = "its results")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use varpix::keras;
use varpix::predict::imported::dense::DenseNetwork;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, inputs, out] = args.as_slice() else {
        return Err("usage: small_model MODEL INPUTS PROBABILITIES".into());
    };
    // By way of the file that an imported model has.
    let stored = format!("{out}.safetensors");
    std::fs::write(&stored, keras::read(Path::new(model))?.to_bytes()?)?;
    let network = DenseNetwork::read(Path::new(&stored), None)?;
    let floats: Vec<f32> =
        std::fs::read(inputs)?.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let width = network.layout().inputs();
    let begun = Instant::now();
    let mut bytes = Vec::new();
    for row in floats.chunks_exact(width) {
        let found = network.probabilities(row).ok_or("a row gives no probabilities")?;
        bytes.extend(found.0.into_iter().flat_map(f64::to_le_bytes));
    }
    let microseconds = begun.elapsed().as_secs_f64() * 1e6 / (floats.len() / width) as f64;
    let layers: Vec<String> = network.widths().map(|width| width.to_string()).collect();
    println!("{width} inputs, layers of {}, {microseconds:.0} us a row", layers.join(", "));
    Ok(std::fs::write(out, bytes)?)
}
