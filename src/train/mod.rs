//! Reads with known variants -> a model.
//!
//! Examples come from the very code that calls: evidence is gathered and rendered region by region, labelled by the
//! truth and fed to the optimiser. No example is ever stored.

pub mod evaluate;
pub mod fit;
pub mod label;
pub mod stream;

pub use fit::{FitOptions, fit};
pub use stream::DataSet;
