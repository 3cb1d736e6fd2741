//! DeepVariant's own outputs, read: gzipped `TFRecord`s of protocol buffers, with the few fields that tests compare.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use prost::Message;

/// The folder of data that is used in place and never committed: `$VARPIX_DATA`, else `../shared/data`.
pub fn data(name: &str) -> PathBuf {
    let folder = std::env::var_os("VARPIX_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    assert!(path.exists(), "{} is not there; set VARPIX_DATA", path.display());
    path
}

/// A site with its allele counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Position of the first base of `reference`, 0-based.
    pub position: u64,
    pub reference: String,
    pub alts: Vec<String>,
    pub depth: i64,
    /// Of the reference, then of each alt.
    pub counts: Vec<i64>,
}

/// A candidate and the reads that support its alternative alleles.
pub struct GoldenCandidate {
    pub site: Site,
    /// Names, `template/number`, by the alt's bases; sorted.
    pub support: BTreeMap<String, Vec<String>>,
}

/// An image of a site for some of its alternative alleles.
pub struct GoldenExample {
    pub site: Site,
    pub alts: Vec<usize>,
    /// Phase of the reference and of each alternative allele, where reads were phased.
    pub phases: Vec<i64>,
    /// Copies of its alleles that the sample has, in a training example.
    #[cfg_attr(not(feature = "torch"), allow(dead_code, reason = "training needs libtorch"))]
    pub label: Option<u8>,
    /// Height, width, channels.
    pub shape: [usize; 3],
    pub image: Vec<u8>,
}

/// The candidates of a file of `DeepVariantCall`s, by position.
pub fn candidates(path: &Path) -> Vec<GoldenCandidate> {
    let mut all: Vec<_> = records(path)
        .iter()
        .map(|bytes| {
            let call = DeepVariantCall::decode(bytes.as_slice()).unwrap();
            let sorted = |reads: SupportingReads| {
                let mut names = reads.read_names;
                names.sort();
                names
            };
            let support = call.allele_support.into_iter().map(|(alt, reads)| (alt, sorted(reads))).collect();
            GoldenCandidate { site: site(call.variant.unwrap()), support }
        })
        .collect();
    all.sort_by_key(|candidate| candidate.site.position);
    all
}

/// What DeepVariant's network said of an image.
pub struct GoldenClassified {
    pub site: Site,
    pub alts: Vec<usize>,
    /// Hom-ref, het, hom-alt.
    pub probabilities: [f64; 3],
}

/// The network's results in a file of `CallVariantsOutput`s, by position.
pub fn classified(path: &Path) -> Vec<GoldenClassified> {
    let mut all: Vec<_> = records(path)
        .iter()
        .map(|bytes| {
            let output = CallVariantsOutput::decode(bytes.as_slice()).unwrap();
            GoldenClassified {
                site: site(output.variant.unwrap()),
                alts: output.alts.unwrap().indices.into_iter().map(|i| usize::try_from(i).unwrap()).collect(),
                probabilities: output.probabilities.try_into().unwrap(),
            }
        })
        .collect();
    all.sort_by_key(|result| result.site.position);
    all
}

/// Reference confidence as DeepVariant hands it to its last stage, one of each region's blocks after another.
pub struct GoldenBlock {
    /// 0-based, half-open.
    pub start: u64,
    pub end: u64,
    pub genotype: Vec<i32>,
    pub genotype_quality: i64,
    pub min_depth: i64,
    /// log10.
    pub likelihoods: Vec<f64>,
}

pub fn blocks(path: &Path) -> Vec<GoldenBlock> {
    let mut all: Vec<_> = records(path)
        .iter()
        .map(|bytes| {
            let variant = Variant::decode(bytes.as_slice()).unwrap();
            let call = &variant.calls[0];
            let integer = |name: &str| call.info[name].values[0].integer;
            GoldenBlock {
                start: u64::try_from(variant.start).unwrap(),
                end: u64::try_from(variant.end).unwrap(),
                genotype: call.genotype.clone(),
                genotype_quality: integer("GQ"),
                min_depth: integer("MIN_DP"),
                likelihoods: call.likelihoods.clone(),
            }
        })
        .collect();
    all.sort_by_key(|block| block.start);
    all
}

/// The records of a VCF, each as its columns.
pub fn vcf(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// The images of a file of `tf.Example`s, by position.
pub fn examples(path: &Path) -> Vec<GoldenExample> {
    let mut all: Vec<_> = records(path)
        .iter()
        .map(|bytes| {
            let features = Example::decode(bytes.as_slice()).unwrap().features.unwrap().feature;
            let bytes = |name: &str| features[name].bytes.as_ref().unwrap().value[0].as_slice();
            let shape = &features["image/shape"].integers.as_ref().unwrap().value;
            let alts = AltAlleleIndices::decode(bytes("alt_allele_indices/encoded")).unwrap().indices;
            let variant = Variant::decode(bytes("variant/encoded")).unwrap();
            let phases = variant.info.get("ALT_PS").map_or_else(Vec::new, integers);
            GoldenExample {
                site: site(variant),
                phases,
                alts: alts.into_iter().map(|i| usize::try_from(i).unwrap()).collect(),
                label: features
                    .get("label")
                    .map(|label| u8::try_from(label.integers.as_ref().unwrap().value[0]).unwrap()),
                shape: [0, 1, 2].map(|i| usize::try_from(shape[i]).unwrap()),
                image: bytes("image/encoded").to_vec(),
            }
        })
        .collect();
    all.sort_by(|a, b| (a.site.position, &a.alts).cmp(&(b.site.position, &b.alts)));
    all
}

/// The payloads of a gzipped `TFRecord` file: an 8-byte length, 4 bytes of its checksum, the payload, 4 of its checksum.
/// The checksums are not looked at: gzip has its own.
fn records(path: &Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    flate2::read::MultiGzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut all).unwrap();
    let mut rest = all.as_slice();
    let mut found = Vec::new();
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        let length = usize::try_from(u64::from_le_bytes(*head)).unwrap();
        found.push(tail[4..4 + length].to_vec());
        rest = &tail[length + 8..];
    }
    found
}

fn site(variant: Variant) -> Site {
    let info = &variant.calls[0].info;
    Site {
        position: u64::try_from(variant.start).unwrap(),
        reference: variant.reference_bases,
        alts: variant.alternate_bases,
        depth: integers(&info["DP"])[0],
        counts: integers(&info["AD"]),
    }
}

fn integers(list: &ListValue) -> Vec<i64> {
    list.values.iter().map(|value| value.integer).collect()
}

#[derive(Clone, PartialEq, Message)]
struct DeepVariantCall {
    #[prost(message, optional, tag = "1")]
    variant: Option<Variant>,
    #[prost(map = "string, message", tag = "2")]
    allele_support: HashMap<String, SupportingReads>,
}

#[derive(Clone, PartialEq, Message)]
struct CallVariantsOutput {
    #[prost(message, optional, tag = "1")]
    variant: Option<Variant>,
    #[prost(message, optional, tag = "2")]
    alts: Option<AltAlleleIndices>,
    #[prost(double, repeated, tag = "3")]
    probabilities: Vec<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct SupportingReads {
    #[prost(string, repeated, tag = "1")]
    read_names: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Variant {
    #[prost(int64, tag = "16")]
    start: i64,
    #[prost(int64, tag = "13")]
    end: i64,
    #[prost(string, tag = "6")]
    reference_bases: String,
    #[prost(string, repeated, tag = "7")]
    alternate_bases: Vec<String>,
    #[prost(message, repeated, tag = "11")]
    calls: Vec<VariantCall>,
    #[prost(map = "string, message", tag = "10")]
    info: HashMap<String, ListValue>,
}

#[derive(Clone, PartialEq, Message)]
struct VariantCall {
    #[prost(int32, repeated, tag = "7")]
    genotype: Vec<i32>,
    #[prost(double, repeated, tag = "6")]
    likelihoods: Vec<f64>,
    #[prost(map = "string, message", tag = "2")]
    info: HashMap<String, ListValue>,
}

#[derive(Clone, PartialEq, Message)]
struct ListValue {
    #[prost(message, repeated, tag = "1")]
    values: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(int64, tag = "7")]
    integer: i64,
}

#[derive(Clone, PartialEq, Message)]
struct AltAlleleIndices {
    #[prost(int32, repeated, tag = "1")]
    indices: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Example {
    #[prost(message, optional, tag = "1")]
    features: Option<Features>,
}

#[derive(Clone, PartialEq, Message)]
struct Features {
    #[prost(map = "string, message", tag = "1")]
    feature: HashMap<String, Feature>,
}

#[derive(Clone, PartialEq, Message)]
struct Feature {
    #[prost(message, optional, tag = "1")]
    bytes: Option<BytesList>,
    #[prost(message, optional, tag = "3")]
    integers: Option<Int64List>,
}

#[derive(Clone, PartialEq, Message)]
struct BytesList {
    #[prost(bytes = "vec", repeated, tag = "1")]
    value: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Int64List {
    #[prost(int64, repeated, tag = "1")]
    value: Vec<i64>,
}
