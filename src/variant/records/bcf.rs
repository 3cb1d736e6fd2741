//! BCF's bytes, unpacked -> records (VCF specification, section 6).

use std::io::{BufRead, Read as _};

use crate::variant::records::{MOST_BYTES, Parsed, Variant, unreadable};

/// The magic number and the version.
const MAGIC_BYTES: usize = 5;
/// Fixed fields of a record: contig, position, length, QUAL, counts.
const FIXED_BYTES: usize = 24;
const CUT: &str = "is cut short";
const DAMAGED: &str = "is damaged: a length leads beyond its end";

/// The records of a file.
pub(super) struct Records {
    stream: Box<dyn BufRead + Send>,
    contigs: Vec<Option<String>>,
    /// Number of the key GT.
    genotypes: Option<i64>,
    pub(super) samples: usize,
}

impl Records {
    /// Reads the header.
    pub(super) fn new(mut stream: Box<dyn BufRead + Send>) -> Parsed<Self> {
        let start = exactly(&mut stream, MAGIC_BYTES as u64 + 4)?;
        let length = u32::from_le_bytes([start[5], start[6], start[7], start[8]]);
        let text = String::from_utf8_lossy(&exactly(&mut stream, length.into())?).into_owned();
        let mut contigs = Vec::new();
        let mut keys: Vec<&str> = vec!["PASS"];
        let mut genotypes = None;
        let mut samples = 0;
        for line in text.lines() {
            if line.starts_with("#CHROM") {
                samples = line.trim_end_matches('\0').split('\t').count().saturating_sub(9);
            }
            let Some((kind, rest)) = line.split_once("=<ID=") else { continue };
            let id = rest.split([',', '>']).next().unwrap_or_default();
            let number = rest.rsplit_once(",IDX=").and_then(|(_, n)| n.trim_end_matches('>').parse::<usize>().ok());
            match kind {
                "##contig" => {
                    let number = number.unwrap_or(contigs.len());
                    if number > text.len() {
                        return Err(DAMAGED.into());
                    }
                    contigs.resize(contigs.len().max(number + 1), None);
                    contigs[number] = Some(id.to_owned());
                }
                "##FILTER" | "##INFO" | "##FORMAT" => {
                    let known = keys.iter().position(|key| *key == id);
                    if known.is_none() {
                        keys.push(id);
                    }
                    if kind == "##FORMAT" && id == "GT" {
                        genotypes = number.or(known).or(Some(keys.len() - 1)).and_then(|n| i64::try_from(n).ok());
                    }
                }
                _ => {}
            }
        }
        Ok(Self { stream, contigs, genotypes, samples })
    }

    pub(super) fn next(&mut self) -> Parsed<Option<Variant>> {
        if self.stream.fill_buf().map_err(|e| unreadable(&e))?.is_empty() {
            return Ok(None);
        }
        let lengths = exactly(&mut self.stream, 8)?;
        let [shared, of_samples] = [0, 4]
            .map(|at| u64::from(u32::from_le_bytes([lengths[at], lengths[at + 1], lengths[at + 2], lengths[at + 3]])));
        let site = exactly(&mut self.stream, shared)?;
        let samples = exactly(&mut self.stream, of_samples)?;
        self.record(&site, &samples).map(Some)
    }

    fn record(&self, site: &[u8], samples: &[u8]) -> Parsed<Variant> {
        let (fixed, rest) = site.split_at_checked(FIXED_BYTES).ok_or(DAMAGED)?;
        let number = |at: usize| i32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let contig = usize::try_from(number(0)).ok().and_then(|n| self.contigs.get(n)?.clone());
        let mut at = Bytes(rest);
        at.value()?; // the ID
        let alleles = usize::from(u16::from_le_bytes([fixed[18], fixed[19]]));
        let alleles = (0..alleles).map(|_| Ok(at.value()?.bytes.to_ascii_uppercase())).collect::<Parsed<Vec<_>>>()?;
        if alleles.is_empty() {
            return Err("has no reference allele".into());
        }
        let counted = usize::from(fixed[20]) | usize::from(fixed[21]) << 8 | usize::from(fixed[22]) << 16;
        Ok(Variant {
            contig: contig.ok_or("is on a contig that the header does not name")?,
            position: u64::try_from(number(4)).ok(),
            alleles,
            genotype: self.genotype(samples, fixed[23], counted)?,
        })
    }

    /// The first sample's genotype.
    fn genotype(&self, samples: &[u8], keys: u8, count: usize) -> Parsed<Vec<Option<usize>>> {
        let mut at = Bytes(samples);
        for _ in 0..keys {
            let key = at.value()?.integers().first().copied();
            let (kind, length) = at.kind()?;
            let size = length.checked_mul(size_of_kind(kind)?).ok_or(DAMAGED)?;
            let all = at.take(size.checked_mul(count).ok_or(DAMAGED)?)?;
            if key.is_some() && key == self.genotypes && count > 0 {
                let first = Value { kind, bytes: &all[..size] };
                // Twice the allele's number and one more, and a bit for phase; 0 for missing, what is below ends a shorter one.
                let alleles = first.integers().into_iter().take_while(|&n| n >= 0);
                return Ok(alleles.map(|n| usize::try_from((n >> 1) - 1).ok()).collect());
            }
        }
        Ok(Vec::new())
    }
}

/// A typed value.
struct Value<'a> {
    kind: u8,
    bytes: &'a [u8],
}

impl Value<'_> {
    /// Its integers; empty for other types.
    fn integers(&self) -> Vec<i64> {
        match self.kind {
            1 => self.bytes.iter().map(|&byte| i64::from(byte.cast_signed())).collect(),
            2 => self.bytes.chunks_exact(2).map(|b| i64::from(i16::from_le_bytes([b[0], b[1]]))).collect(),
            3 => self.bytes.chunks_exact(4).map(|b| i64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect(),
            _ => Vec::new(),
        }
    }
}

/// Reads from the front of bytes.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, n: usize) -> Parsed<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(n).ok_or(DAMAGED)?;
        self.0 = rest;
        Ok(front)
    }

    /// A value's type and length.
    fn kind(&mut self) -> Parsed<(u8, usize)> {
        let head = self.take(1)?[0];
        let (kind, length) = (head & 15, usize::from(head >> 4));
        if length < 15 {
            return Ok((kind, length));
        }
        // Its length is a value of its own, which is a single one.
        let of_length = self.take(1)?[0];
        if of_length >> 4 != 1 {
            return Err(DAMAGED.into());
        }
        let bytes = self.take(size_of_kind(of_length & 15)?)?;
        let length = Value { kind: of_length & 15, bytes }.integers().first().copied();
        let length = length.and_then(|n| usize::try_from(n).ok()).ok_or(DAMAGED)?;
        Ok((kind, length))
    }

    fn value(&mut self) -> Parsed<Value<'a>> {
        let (kind, length) = self.kind()?;
        let bytes = self.take(length.checked_mul(size_of_kind(kind)?).ok_or(DAMAGED)?)?;
        Ok(Value { kind, bytes })
    }
}

/// Bytes of a value of that type.
fn size_of_kind(kind: u8) -> Parsed<usize> {
    match kind {
        0 => Ok(0),
        1 | 7 => Ok(1),
        2 => Ok(2),
        3 | 5 => Ok(4),
        _ => Err("is damaged: it holds a value of no known kind".into()),
    }
}

/// `length` bytes; memory grows as they are read.
fn exactly(stream: &mut Box<dyn BufRead + Send>, length: u64) -> Parsed<Vec<u8>> {
    if length > MOST_BYTES {
        return Err("is damaged: a record of more than 64 MiB".into());
    }
    let mut bytes = Vec::new();
    stream.by_ref().take(length).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    if (bytes.len() as u64) < length { Err(CUT.into()) } else { Ok(bytes) }
}
