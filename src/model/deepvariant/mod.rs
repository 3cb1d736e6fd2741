//! DeepVariant's settings, as its files and flags name them -> varpix's settings of images and evidence ([`Settings`]).

pub(crate) mod example_info;
pub(crate) mod model_type;
mod small_model;

pub use example_info::ExampleInfo;
pub use model_type::{ModelType, Settings};
pub use small_model::SmallModelFlags;
