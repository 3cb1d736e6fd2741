//! A model's files -> their SHA-256, as `model.json` holds them, so that a damaged file is found before it makes a wrong call.

use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::files::input::regular_file;

/// The small model's file in a model's folder.
pub(crate) const SMALL_MODEL: &str = "small_model.json";
/// The file of a small model of DeepVariant's in a model's folder.
pub(crate) const IMPORTED_SMALL_MODEL: &str = "deepvariant_small_model.safetensors";
/// The CNN's file in a model's folder.
pub(crate) const WEIGHTS: &str = "weights.safetensors";
/// Bytes read at once; SHA-256 takes longer than the reading from some 10 kB on.
const CHUNK: usize = 1 << 18;

/// SHA-256 of the files beside `model.json`, in hexadecimal. A model without them is used unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    /// Of the network's weights.
    #[serde(rename = "weights.safetensors", default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<String>,
    /// Of the small model.
    #[serde(rename = "small_model.json", default, skip_serializing_if = "Option::is_none")]
    pub small_model: Option<String>,
    /// Of a small model of DeepVariant's.
    #[serde(rename = "deepvariant_small_model.safetensors", default, skip_serializing_if = "Option::is_none")]
    pub imported_small_model: Option<String>,
}

impl Checksums {
    /// Of the files in a model's folder; `small_models` tells which of the two kinds of small models are there.
    ///
    /// # Errors
    /// [`Error::Input`] where one cannot be read.
    pub(super) fn of(folder: &Path, small_models: [bool; 2]) -> Result<Self> {
        let of = |is_there: bool, name: &str| is_there.then(|| of_file(&folder.join(name))).transpose();
        Ok(Self {
            weights: of(true, WEIGHTS)?,
            small_model: of(small_models[0], SMALL_MODEL)?,
            imported_small_model: of(small_models[1], IMPORTED_SMALL_MODEL)?,
        })
    }

    /// True where there is none.
    pub(in crate::model) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The SHA-256 of a file, in hexadecimal.
///
/// # Errors
/// [`Error::Input`] where it cannot be read.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    let mut file = regular_file(path)?;
    let mut digest = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(format!("{:x}", digest.finalize())),
            Ok(n) => digest.update(&chunk[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::input(path, format!("cannot be read: {e}"))),
        }
    }
}

/// Fails where a file's checksum is not the one that `model.json` gives.
///
/// # Errors
/// [`Error::Model`] naming the file.
pub(crate) fn check(path: &Path, found: &str, expected: Option<&str>) -> Result<()> {
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(found) => Err(Error::model(
            path,
            format!(
                "is damaged or of another model: its SHA-256 is {found}, model.json says {expected}; copy the model again"
            ),
        )),
        _ => Ok(()),
    }
}
