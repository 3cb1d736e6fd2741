//! Writes TensorFlow checkpoints (see [`import::bundle`](crate::keras::bundle)), so that tests need no TensorFlow.

use std::path::Path;

use prost::Message;

use crate::keras::bundle::{
    Attribute, BundleEntry, BundleHeader, Dim, FLOAT, OBJECT_GRAPH, Object, ObjectGraph, STRING, TensorShape,
};

/// Entries of a block, and entries between two whole keys.
const BLOCK: usize = 10;
const RESTART: usize = 4;

/// A variable of a checkpoint.
#[derive(Clone, Debug)]
pub struct Variable {
    key: String,
    name: String,
    shape: Vec<i64>,
    numbers: Vec<f32>,
}

impl Variable {
    /// With its key, its name in Keras, its shape and its numbers.
    #[must_use]
    pub fn new(key: &str, name: &str, shape: &[i64], numbers: &[f32]) -> Self {
        Self { key: key.into(), name: name.into(), shape: shape.into(), numbers: numbers.into() }
    }
}

/// A checkpoint to be written.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    variables: Vec<Variable>,
    shards: i32,
    graph: bool,
}

impl Default for Checkpoint {
    fn default() -> Self {
        Self { variables: Vec::new(), shards: 1, graph: true }
    }
}

impl Checkpoint {
    /// Without variables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a variable.
    #[must_use]
    pub fn with(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// Takes the variable of that name in Keras out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.variables.retain(|variable| variable.name != name);
        self
    }

    /// In that many data files.
    #[must_use]
    pub fn shards(mut self, shards: i32) -> Self {
        self.shards = shards;
        self
    }

    /// Without the graph of objects, as TensorFlow 1 did.
    #[must_use]
    pub fn without_graph(mut self) -> Self {
        self.graph = false;
        self
    }

    /// Writes `prefix.index` and the data files.
    pub fn write(mut self, prefix: &Path) {
        self.variables.sort_by(|a, b| a.key.cmp(&b.key));
        let mut data: Vec<Vec<u8>> = (0..self.shards).map(|_| Vec::new()).collect();
        let mut entries = Vec::new();
        let mut put = |key: &str, dtype: i32, shape: &[i64], bytes: &[u8], crc: u32| {
            let shard = entries.len() % data.len();
            let dim = shape.iter().map(|&size| Dim { size }).collect();
            let entry = BundleEntry {
                dtype,
                shape: Some(TensorShape { dim }),
                shard_id: i32::try_from(shard).expect("few files"),
                offset: i64::try_from(data[shard].len()).expect("small"),
                size: i64::try_from(bytes.len()).expect("small"),
                crc32c: masked(crc),
                slices: Vec::new(),
            };
            data[shard].extend_from_slice(bytes);
            entries.push((key.as_bytes().to_vec(), entry.encode_to_vec()));
        };
        if self.graph {
            let (bytes, crc) = string(&self.graph().encode_to_vec());
            put(OBJECT_GRAPH, STRING, &[], &bytes, crc);
        }
        for variable in &self.variables {
            let bytes: Vec<u8> = variable.numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            put(&variable.key, FLOAT, &variable.shape, &bytes, crc32c::crc32c(&bytes));
        }
        let header = BundleHeader { num_shards: self.shards, endianness: 0 };
        entries.insert(0, (Vec::new(), header.encode_to_vec()));
        let path = |ending: &str| format!("{}.{ending}", prefix.display());
        std::fs::write(path("index"), table(&entries)).expect("the index can be written");
        for (i, bytes) in data.iter().enumerate() {
            std::fs::write(path(&format!("data-{i:05}-of-{:05}", self.shards)), bytes).expect("data can be written");
        }
    }

    fn graph(&self) -> ObjectGraph {
        let attribute = |v: &Variable| Attribute { full_name: v.name.clone(), checkpoint_key: v.key.clone() };
        ObjectGraph { nodes: self.variables.iter().map(|v| Object { attributes: vec![attribute(v)] }).collect() }
    }
}

/// Keras's names of the variables of DeepVariant's Inception v3, layer by layer as they are made, the first convolution having
/// that number.
#[must_use]
pub fn inception_v3_names(first: usize) -> Vec<String> {
    let suffix = |i: usize| if i == 0 { String::new() } else { format!("_{i}") };
    let layer = |i: usize| {
        let norm = format!("batch_normalization{}", suffix(i));
        [
            format!("conv2d{}/kernel", suffix(i)),
            format!("{norm}/beta"),
            format!("{norm}/moving_mean"),
            format!("{norm}/moving_variance"),
        ]
    };
    let head = ["classification/kernel", "classification/bias"].map(str::to_owned);
    (first..first + 94).flat_map(layer).chain(head).collect()
}

/// A table of these keys, ascending, with their values.
#[must_use]
pub fn table(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut index = Vec::new();
    for pairs in pairs.chunks(BLOCK) {
        let place = block(&mut file, pairs);
        index.push((pairs.last().expect("a chunk holds something").0.clone(), place));
    }
    let filters = block(&mut file, &[]);
    let index = block(&mut file, &index);
    let mut footer = [filters, index].concat();
    footer.resize(40, 0);
    footer.extend_from_slice(&0xdb47_7524_8b80_fb57_u64.to_le_bytes());
    file.extend_from_slice(&footer);
    file
}

/// Appends a block; returns its place as an index has it.
fn block(file: &mut Vec<u8>, pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut content = Vec::new();
    let mut restarts = Vec::new();
    for (i, (key, value)) in pairs.iter().enumerate() {
        let mut shared = 0;
        if i % RESTART == 0 {
            restarts.push(u32::try_from(content.len()).expect("small"));
        } else {
            shared = key.iter().zip(&pairs[i - 1].0).take_while(|(a, b)| a == b).count();
        }
        for length in [shared, key.len() - shared, value.len()] {
            prost::encoding::encode_varint(length as u64, &mut content);
        }
        content.extend_from_slice(&key[shared..]);
        content.extend_from_slice(value);
    }
    let count = u32::try_from(restarts.len()).expect("few");
    restarts.push(count);
    content.extend(restarts.iter().flat_map(|restart| restart.to_le_bytes()));
    let mut place = Vec::new();
    prost::encoding::encode_varint(file.len() as u64, &mut place);
    prost::encoding::encode_varint(content.len() as u64, &mut place);
    content.push(0);
    let crc = masked(crc32c::crc32c(&content));
    file.extend_from_slice(&content);
    file.extend_from_slice(&crc.to_le_bytes());
    place
}

/// A tensor of one string, and its checksum.
fn string(text: &[u8]) -> (Vec<u8>, u32) {
    let length = u32::try_from(text.len()).expect("small").to_le_bytes();
    let of_length = masked(crc32c::crc32c(&length)).to_le_bytes();
    let mut bytes = Vec::new();
    prost::encoding::encode_varint(text.len() as u64, &mut bytes);
    bytes.extend_from_slice(&of_length);
    bytes.extend_from_slice(text);
    let crc = [&length[..], &of_length, text].iter().fold(0, |crc, part| crc32c::crc32c_append(crc, part));
    (bytes, crc)
}

fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
