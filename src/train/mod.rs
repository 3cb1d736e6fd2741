//! Reads with known variants -> a model.
//!
//! Examples come from the very code that calls: evidence is gathered and rendered region by region, labelled by the
//! truth and fed to the optimiser. No example is ever stored.

mod augment;
mod checkpoint;
pub mod evaluate;
mod fast;
pub mod fit;
pub mod label;
mod optimizer;
pub mod stream;

pub use fit::{FitOptions, Rest, finish, fit};
pub use stream::DataSet;
