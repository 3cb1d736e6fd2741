//! A TensorFlow checkpoint on disk (`PREFIX.index`, `PREFIX.data-00000-of-0000N`) -> variables by key, with their names.
//!
//! The format is TensorFlow's `TensorBundle` (`tensorflow/core/util/tensor_bundle/`, `tensorflow/core/protobuf/tensor_bundle.proto`):
//! the index maps a key to a variable's kind, shape, place in a data file and checksum. Under one key lies the graph of the
//! objects that were saved (`trackable_object_graph.proto`); it tells each key's name in Keras. The messages below hold those
//! fields only that are needed here. A `SavedModel`'s `variables/variables` is such a checkpoint.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use prost::Message;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::keras::table::{self, Reader};
use crate::model::store;

/// The key of the graph of objects.
pub const OBJECT_GRAPH: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";
/// `DataType` of a 32-bit float.
pub const FLOAT: i32 = 1;
/// Most bytes of an index, and of the graph of objects: some 50,000 and 500,000 in DeepVariant's models.
const MOST_INDEX_BYTES: u64 = 64 << 20;
const MOST_GRAPH_BYTES: i64 = 16 << 20;
/// `DataType` of text.
pub const STRING: i32 = 7;

/// First words of keys that belong to training, not to the network: the optimiser with its moments and averages, counters and
/// figures.
const OF_TRAINING: [&str; 9] = [
    "optimizer",
    "save_counter",
    "global_step",
    "step",
    "early_stopping",
    "best_checkpoint_value",
    "train_metrics",
    "tune_metrics",
    "keras_api",
];

/// The index's first value, under the empty key.
#[derive(Clone, PartialEq, Message)]
pub struct BundleHeader {
    /// Data files.
    #[prost(int32, tag = "1")]
    pub num_shards: i32,
    /// 0 little, 1 big.
    #[prost(int32, tag = "2")]
    pub endianness: i32,
}

/// Where and what a variable is.
#[derive(Clone, PartialEq, Message)]
pub struct BundleEntry {
    /// Kind of number.
    #[prost(int32, tag = "1")]
    pub dtype: i32,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShape>,
    /// The data file it lies in.
    #[prost(int32, tag = "3")]
    pub shard_id: i32,
    /// Where it begins there.
    #[prost(int64, tag = "4")]
    pub offset: i64,
    /// Its bytes.
    #[prost(int64, tag = "5")]
    pub size: i64,
    /// Their masked CRC-32C.
    #[prost(fixed32, tag = "6")]
    pub crc32c: u32,
    /// Parts of a variable that is cut up; their content does not matter here.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub slices: Vec<Vec<u8>>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShape {
    /// Sizes, outermost first.
    #[prost(message, repeated, tag = "2")]
    pub dim: Vec<Dim>,
}

/// One size of a shape.
#[derive(Clone, PartialEq, Message)]
pub struct Dim {
    /// The size.
    #[prost(int64, tag = "1")]
    pub size: i64,
}

/// The objects that were saved.
#[derive(Clone, PartialEq, Message)]
pub struct ObjectGraph {
    /// The objects.
    #[prost(message, repeated, tag = "1")]
    pub nodes: Vec<Object>,
}

/// An object that was saved.
#[derive(Clone, PartialEq, Message)]
pub struct Object {
    /// Its variables.
    #[prost(message, repeated, tag = "2")]
    pub attributes: Vec<Attribute>,
}

/// A variable of an object.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    /// What the layer calls it: `conv2d_5/kernel`.
    #[prost(string, tag = "2")]
    pub full_name: String,
    /// Its key in the index.
    #[prost(string, tag = "3")]
    pub checkpoint_key: String,
}

/// An open checkpoint.
#[derive(Debug)]
pub struct Bundle {
    prefix: PathBuf,
    shards: i32,
    entries: BTreeMap<String, BundleEntry>,
    checksum: String,
}

impl Bundle {
    /// Reads the index of the checkpoint at `prefix`.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read or is not an index.
    pub fn open(prefix: &Path) -> Result<Self> {
        let mut bundle =
            Self { prefix: prefix.to_owned(), shards: 0, entries: BTreeMap::new(), checksum: String::new() };
        let path = bundle.index_path();
        let bytes = store::bytes(&path, MOST_INDEX_BYTES)?;
        let wrong = |problem: String| Error::model(&path, problem);
        let not_proto = |e: prost::DecodeError| wrong(format!("is damaged: {e}"));
        let mut pairs = table::read(&bytes).map_err(wrong)?.into_iter();
        let header = pairs.next().filter(|(key, _)| key.is_empty()).ok_or_else(|| wrong("has no header".into()))?;
        let header = BundleHeader::decode(header.1.as_slice()).map_err(not_proto)?;
        if header.endianness != 0 {
            return Err(wrong("was written by a big-endian machine, which cannot be read here".into()));
        }
        bundle.shards = header.num_shards;
        bundle.checksum = format!("{:x}", Sha256::digest(&bytes));
        for (key, value) in pairs {
            let key = String::from_utf8(key).map_err(|_| wrong("is damaged: a key is not text".into()))?;
            bundle.entries.insert(key, BundleEntry::decode(value.as_slice()).map_err(not_proto)?);
        }
        Ok(bundle)
    }

    /// The index file.
    #[must_use]
    pub fn index_path(&self) -> PathBuf {
        self.beside("index")
    }

    /// The SHA-256 of the index file, in hexadecimal; the index holds a checksum of each variable.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// A variable's shape.
    ///
    /// # Errors
    /// [`Error::Model`] where there is no such variable.
    pub fn shape(&self, key: &str) -> Result<Vec<i64>> {
        let entry = self.entry(key)?;
        Ok(entry.shape.iter().flat_map(|shape| &shape.dim).map(|dim| dim.size).collect())
    }

    /// A variable's numbers, last index fastest.
    ///
    /// # Errors
    /// [`Error::Model`] where it is not of 32-bit floats, or its data file is missing, cut short or damaged.
    pub fn floats(&self, key: &str) -> Result<Vec<f32>> {
        let entry = self.entry(key)?;
        let wrong = |problem: &str| Error::model(self.index_path(), format!("variable {key} {problem}"));
        if entry.dtype != FLOAT {
            return Err(wrong("is not of 32-bit floats"));
        }
        // Before its bytes take any memory.
        let count = self.shape(key)?.iter().try_fold(1_i64, |product, size| product.checked_mul(*size));
        if count.and_then(|n| n.checked_mul(4)) != Some(entry.size) {
            return Err(wrong("has more or fewer numbers than its shape"));
        }
        let bytes = self.bytes(key, entry)?;
        self.verify(key, entry, &[&bytes])?;
        Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// The variables that Keras knows, by what their layers call them, with their keys.
    ///
    /// # Errors
    /// [`Error::Model`] where the checkpoint has no graph of objects (TensorFlow 1), or it is damaged.
    pub fn names(&self) -> Result<Vec<(String, String)>> {
        let wrong = |problem: &str| Error::model(self.index_path(), problem);
        if !self.entries.contains_key(OBJECT_GRAPH) {
            return Err(wrong(
                "has no graph of objects: it is of TensorFlow 1, as models up to DeepVariant 1.5 are; take one of 1.6 or newer",
            ));
        }
        let entry = self.entry(OBJECT_GRAPH)?;
        let damaged = |_| wrong("is damaged: its graph of objects cannot be read");
        if entry.dtype != STRING {
            return Err(damaged(String::new()));
        }
        if entry.size > MOST_GRAPH_BYTES {
            return Err(wrong("is damaged: its graph of objects is too large to be one"));
        }
        let bytes = self.bytes(OBJECT_GRAPH, entry)?;
        // One string: its length, the length's checksum, its bytes.
        let mut at = Reader(&bytes);
        let length = at.length().map_err(damaged)?;
        let checksum = at.take(4).map_err(damaged)?;
        let text = at.take(length).map_err(damaged)?;
        let length = u32::try_from(length).map_err(|_| damaged(String::new()))?.to_le_bytes();
        if table::masked(crc32c::crc32c(&length)).to_le_bytes() != checksum {
            return Err(damaged(String::new()));
        }
        self.verify(OBJECT_GRAPH, entry, &[&length, checksum, text])?;
        let graph = ObjectGraph::decode(text).map_err(|_| damaged(String::new()))?;
        let attributes = graph.nodes.into_iter().flat_map(|node| node.attributes);
        Ok(attributes.map(|attribute| (attribute.full_name, attribute.checkpoint_key)).collect())
    }

    fn entry(&self, key: &str) -> Result<&BundleEntry> {
        self.entries.get(key).ok_or_else(|| Error::model(self.index_path(), format!("has no variable {key}")))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.prefix.as_os_str().to_owned();
        path.push(".");
        path.push(ending);
        path.into()
    }

    fn data_path(&self, shard: i32) -> PathBuf {
        self.beside(&format!("data-{shard:05}-of-{:05}", self.shards))
    }

    /// The bytes of a variable, unchecked.
    fn bytes(&self, key: &str, entry: &BundleEntry) -> Result<Vec<u8>> {
        if !entry.slices.is_empty() {
            return Err(Error::model(
                self.index_path(),
                format!("variable {key} is cut in slices, which cannot be read"),
            ));
        }
        let path = self.data_path(entry.shard_id);
        if !path.exists() {
            return Err(Error::model(&path, "is missing; the model needs all its .data files"));
        }
        let file = regular_file(&path)?;
        let length = file.metadata().map_err(|e| Error::model(&path, format!("cannot be read: {e}")))?.len();
        let place = u64::try_from(entry.offset).ok().zip(u64::try_from(entry.size).ok());
        let inside = place.filter(|(offset, size)| offset.checked_add(*size).is_some_and(|end| end <= length));
        let Some((offset, size)) = inside else {
            return Err(Error::model(
                &path,
                format!("is cut short: its {length} bytes do not hold variable {key}; download it again"),
            ));
        };
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        file.read_exact_at(&mut bytes, offset).map_err(|e| Error::model(&path, format!("cannot be read: {e}")))?;
        Ok(bytes)
    }

    fn verify(&self, key: &str, entry: &BundleEntry, parts: &[&[u8]]) -> Result<()> {
        let crc = parts.iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
        if table::masked(crc) == entry.crc32c {
            return Ok(());
        }
        Err(Error::model(
            self.data_path(entry.shard_id),
            format!("is damaged: the checksum of variable {key} is wrong; download it again"),
        ))
    }
}

/// Whether a key is of what training left.
#[must_use]
pub fn of_training(key: &str) -> bool {
    let first = key.split('/').next().unwrap_or_default();
    OF_TRAINING.contains(&first) || key.contains("/.OPTIMIZER_SLOT/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::checkpoint::{Checkpoint, Variable};

    fn two() -> Checkpoint {
        Checkpoint::new()
            .with(Variable::new(
                "a/.ATTRIBUTES/VARIABLE_VALUE",
                "conv2d/kernel",
                &[2, 3],
                &[1.0, 2.0, 3.0, 4.0, 5.0, -6.5],
            ))
            .with(Variable::new("b/.ATTRIBUTES/VARIABLE_VALUE", "conv2d/bias", &[1], &[0.25]))
    }

    #[test]
    fn variables_are_read_from_one_file_and_from_several() {
        for shards in [1, 3] {
            let folder = tempfile::tempdir().unwrap();
            let prefix = folder.path().join("variables");
            two().shards(shards).write(&prefix);
            let bundle = Bundle::open(&prefix).unwrap();
            let names = bundle.names().unwrap();
            assert_eq!(names[0], ("conv2d/kernel".into(), "a/.ATTRIBUTES/VARIABLE_VALUE".into()));
            assert_eq!(bundle.keys().count(), 3);
            assert_eq!(bundle.shape(&names[0].1).unwrap(), [2, 3]);
            assert_eq!(bundle.floats(&names[0].1).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, -6.5]);
            assert_eq!(bundle.floats(&names[1].1).unwrap(), [0.25]);
        }
    }

    /// The sentence that reading all of a checkpoint ends with.
    fn problem(prefix: &Path) -> String {
        let read = || {
            let bundle = Bundle::open(prefix)?;
            for (_, key) in bundle.names()? {
                bundle.floats(&key)?;
            }
            Ok(())
        };
        let found: Result<()> = read();
        found.unwrap_err().to_string()
    }

    #[test]
    fn missing_cut_and_damaged_files_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().join("ckpt-7");
        assert!(problem(&prefix).contains("ckpt-7.index: cannot be opened"));
        two().write(&prefix);
        let data = folder.path().join("ckpt-7.data-00000-of-00001");
        let good = std::fs::read(&data).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(&data, bad).unwrap();
            let said = problem(&prefix);
            assert!(said.contains("damaged") || said.contains("cut short"), "{said}");
        }
        for length in 0..good.len() {
            std::fs::write(&data, &good[..length]).unwrap();
            let said = problem(&prefix);
            assert!(said.contains("data-00000-of-00001") && said.contains("cut short"), "{said}");
        }
        std::fs::remove_file(&data).unwrap();
        assert!(problem(&prefix).contains("needs all its .data files"));
    }

    #[test]
    fn a_checkpoint_of_tensorflow_1_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let prefix = folder.path().join("model.ckpt");
        two().without_graph().write(&prefix);
        assert!(problem(&prefix).contains("1.6 or newer"));
    }
}
