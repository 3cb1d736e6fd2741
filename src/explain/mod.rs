//! Why calls are what they are.
//!
//! * Known variants and a region's evidence -> for each allele whether it is a candidate, and if not, why ([`explain`]).
//! * A site -> its [`Story`]: all that a run does there, in order, from the records in the file to the filter of the call.

mod drawings;
mod known;
mod narrator;
pub mod relevance;
pub mod story;
mod text;

pub use drawings::Drawing;
pub use known::{Explanation, Verdict, explain};
pub use narrator::{Narrator, Settings, called};
pub use relevance::Relevance;
pub use story::Story;
