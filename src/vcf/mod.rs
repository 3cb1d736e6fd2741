//! [`Call`](crate::genotype::Call)s -> a VCF file with its index, under its final name only when whole.

pub mod gvcf;
pub(crate) mod header;
mod index;
pub(crate) mod info;
pub(crate) mod record;
pub mod reference_blocks;
mod replay;
mod sink;
pub mod values;
pub(crate) mod writer;

pub use gvcf::GvcfWriter;
pub use info::{InfoField, InfoFields};
pub use record::CallStyle;
pub use reference_blocks::ReferenceBlock;
pub use writer::{CallSink, VcfWriter};
