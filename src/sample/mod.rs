//! A sample's files -> what its reads are like as a whole, drawn from some windows before the run.

pub(crate) mod survey;

pub use survey::{SampleProfile, survey, survey_with};
