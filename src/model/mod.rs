//! A model's folder <-> its settings ([`ModelConfig`]), and where models are found ([`Model`]).

pub mod checksums;
pub mod config;
mod limits;
pub mod store;

pub use config::{ModelConfig, SmallModelOptions};
pub use store::Model;
