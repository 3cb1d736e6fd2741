//! Reads with known variants -> a model.
//!
//! ```text
//! Manifest -> Sets -> [ per region: evidence as in calling, of augmented reads -> labels ] -> images   -> CNN
//!                                                                                         -> features -> small model
//! ```
//!
//! Examples come from the code that calls, region by region, and are never stored.

mod augment;
mod calibrate;
mod cnn;
mod confusion;
mod data;
mod examples;
mod failed;
pub(crate) mod label;
pub(crate) mod manifest;
mod moments;
mod optimizer;
mod options;
mod run;
mod sets;
mod small;

pub use confusion::Confusion;
pub use data::DataSet;
pub use label::{class, label};
pub use manifest::Manifest;
pub use options::{Learn, TrainOptions};
pub use run::train;
pub use sets::Sets;
