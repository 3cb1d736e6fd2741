//! A sample's files -> what its reads are like as a whole ([`SampleProfile`]), surveyed before the run.

mod profile;
mod survey;

pub use profile::SampleProfile;
pub use survey::{SurveyOptions, survey, survey_with};
