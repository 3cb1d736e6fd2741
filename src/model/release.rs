//! The version that a file of DeepVariant names -> the release whose rules hold for it ([`Release`]).

use serde::{Deserialize, Serialize};

/// A release of DeepVariant from which on some rule is another one; each stands for the releases up to the next one here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Release {
    /// 1.6 and 1.7.
    #[serde(rename = "deepvariant-1.6")]
    V1_6,
    /// 1.8: the parts of long reads that lie beside an image are cut off.
    #[serde(rename = "deepvariant-1.8")]
    V1_8,
    /// 1.9: an allele of one read makes no window to realign.
    #[serde(rename = "deepvariant-1.9")]
    V1_9,
    /// 1.10: the probabilities of a site's images are multiplied; other rules of phasing.
    #[serde(rename = "deepvariant-1.10")]
    V1_10,
}

impl Release {
    /// Its name in `model.json`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1_6 => "deepvariant-1.6",
            Self::V1_8 => "deepvariant-1.8",
            Self::V1_9 => "deepvariant-1.9",
            Self::V1_10 => "deepvariant-1.10",
        }
    }

    /// That of a version such as `1.9.0` or `1.10.0-beta`; `None` where the text does not begin with two numbers.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let of = (numbers.next()??, numbers.next()??);
        Some(match of {
            (1, 8) => Self::V1_8,
            (1, 9) => Self::V1_9,
            _ if of < (1, 8) => Self::V1_6,
            _ => Self::V1_10,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_the_rules_of_their_release() {
        let of = |version| Release::of_version(version);
        assert_eq!(
            (of("1.6.1"), of("1.7.0"), of("1.8.0")),
            (Some(Release::V1_6), Some(Release::V1_6), Some(Release::V1_8))
        );
        assert_eq!((of("1.9.0"), of("1.10.0-beta")), (Some(Release::V1_9), Some(Release::V1_10)));
        // What is not known yet is taken for the newest.
        assert_eq!((of("1.11.2"), of("2.0")), (Some(Release::V1_10), Some(Release::V1_10)));
        assert_eq!((of(""), of("UPDATE_ME"), of("1"), of("1.x")), (None, None, None, None));
    }

    #[test]
    fn names_are_those_of_the_file() {
        for release in [Release::V1_6, Release::V1_8, Release::V1_9, Release::V1_10] {
            assert_eq!(serde_json::to_value(release).unwrap(), release.name());
        }
    }
}
