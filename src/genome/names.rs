//! A contig's name -> whether VCF allows it, and the known name that was probably meant.

use strsim::damerau_levenshtein;

/// Names of genome builds, which are not contigs.
const BUILDS: [&str; 13] = [
    "hg18",
    "hg19",
    "hg38",
    "grch36",
    "grch37",
    "grch38",
    "b37",
    "hs37d5",
    "hs38dh",
    "chm13",
    "t2t",
    "t2t-chm13",
    "mm10",
];
/// What users write for the whole genome.
const EVERYTHING: [&str; 5] = ["all", "*", ".", "genome", "wgs"];

/// Whether VCF 4.2 and 4.3 allow the name in CHROM (VCF 4.3 specification, section 1.4.7).
#[must_use]
pub fn is_valid_in_vcf(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&*+./:;=?@^_|~-".contains(c);
    !name.is_empty() && !name.starts_with(['*', '=']) && name.chars().all(plain)
}

/// The text that follows "contig 'NAME' is not in the reference".
#[must_use]
pub fn hint(name: &str, known: &[&str]) -> String {
    let lower = name.to_ascii_lowercase();
    if EVERYTHING.contains(&lower.as_str()) {
        return "; omit the option for the whole reference".into();
    }
    if let Some(likely) = likely(name, known) {
        return format!("; did you mean '{likely}'?");
    }
    let first = &known[..known.len().min(5)];
    let dots = if known.len() > 5 { ", ..." } else { "" };
    let build = if BUILDS.contains(&lower.as_str()) { ": that is a genome build, not a contig" } else { "" };
    format!("{build}; it has {}{dots}", first.join(", "))
}

/// The known name that differs in spelling only, or by one letter.
fn likely<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let names = || known.iter().copied();
    let plain = plain(name);
    if let Some(same) = names().find(|other| self::plain(other) == plain) {
        return Some(same);
    }
    // Names such as chr1 and chr2 are all one letter apart, so numbers and short names get no suggestion.
    let letters = name.chars().filter(char::is_ascii_alphabetic).count();
    let close = |other: &&str| {
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        digits(other) == digits(name) && damerau_levenshtein(name, other) == 1
    };
    names().find(|other| letters > 3 && close(other))
}

/// What is left of a name without what sources spell differently: case, `chr`, `M` for `MT`.
fn plain(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = ["chromosome", "chrom", "chr"].iter().find_map(|prefix| lower.strip_prefix(prefix)).unwrap_or(&lower);
    let bare = bare.trim_start_matches(['_', '-', '.']);
    match bare {
        "m" | "mt" | "mito" => "mt".into(),
        // 01 for 1.
        _ if bare.parse::<u32>().is_ok() => bare.trim_start_matches('0').into(),
        _ => bare.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_vcf_has() {
        for name in ["1", "chrX", "HLA-A*01:01:01:01", "NC_000001.11", "a=b", "gi|224384768|gb"] {
            assert!(is_valid_in_vcf(name), "{name}");
        }
        for name in
            ["", "*", "=a", "*a", "a,b", "chr,A>", "<a>", "a b", "a\"", "a(1)", "a\\b", "ä", "a\t", "[a]", "{a}"]
        {
            assert!(!is_valid_in_vcf(name), "{name}");
        }
    }

    #[test]
    fn other_spellings_are_found() {
        let human = ["chr1", "chr2", "chrX", "chrM"];
        for (name, meant) in
            [("1", "chr1"), ("CHR1", "chr1"), ("x", "chrX"), ("MT", "chrM"), ("M", "chrM"), ("chr01", "chr1")]
        {
            assert_eq!(hint(name, &human), format!("; did you mean '{meant}'?"), "{name}");
        }
        assert_eq!(hint("chrMT", &["1", "MT"]), "; did you mean 'MT'?");
        assert_eq!(hint("chra", &["chrA", "chrB"]), "; did you mean 'chrA'?");
        assert_eq!(hint("scafold_7", &["scaffold_6", "scaffold_7"]), "; did you mean 'scaffold_7'?");
    }

    #[test]
    fn what_is_no_slip_gets_the_first_names() {
        assert_eq!(hint("chr9", &["chr1", "chr2"]), "; it has chr1, chr2");
        assert!(hint("hg38", &["chr1"]).contains("genome build"));
        assert!(hint("all", &["chr1"]).contains("omit the option"));
    }
}
