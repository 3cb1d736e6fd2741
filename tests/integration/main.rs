//! The program and the library as their users see them, on `testdata/`.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a test that cannot set itself up fails")]
#![allow(clippy::print_stdout, reason = "a test may say what it measured")]

mod call;
mod chunks;
mod cohort;
mod conformance;
mod conformance_long_reads;
mod depths;
mod explain;
mod faults;
mod golden;
#[cfg(feature = "torch")]
mod golden_calls;
#[cfg(feature = "torch")]
mod import;
mod indexes;
mod inputs;
mod library;
mod long_reads;
mod made;
mod manners;
#[cfg(feature = "torch")]
mod maps;
mod models;
mod outputs;
mod phasing;
mod placing;
mod reads;
mod reads_files;
mod realigned;
mod references;
mod regions;
mod resume;
mod show;
#[cfg(feature = "torch")]
mod slippage;
mod small_models;
mod summary;
#[cfg(feature = "torch")]
mod train;
mod world;
mod wrapper;
