//! A VCF or BCF file of one sample -> its calls, counted as those of a run are.

use std::io::{self, BufRead};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use noodles_bcf as bcf;
use noodles_vcf as vcf;
use noodles_vcf::Header;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::record::samples::series::value::genotype::Phasing;
use noodles_vcf::variant::record_buf::samples::sample::Value;
use noodles_vcf::variant::record_buf::samples::sample::value::Array;
use noodles_vcf::variant::record_buf::samples::sample::value::genotype::Allele;

use super::summary::ModelUsed;
use crate::error::{Error, Result};
use crate::files::input::{regular_file, unpacked};
use crate::genotype::Filter;
use crate::statistics::{CallStats, CountedCall};
use crate::variant::Genotype;

/// What a VCF tells of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFile {
    /// The sample's name.
    pub sample: String,
    /// The model, as varpix writes it to the header.
    pub model: Option<ModelUsed>,
    /// Names of the contigs in the header.
    pub contigs: Vec<String>,
    /// What is counted of its calls.
    pub calls: CallStats,
    /// Records with filters that varpix does not set, which are not counted.
    pub filtered: u64,
    /// Reference blocks of a gVCF, which are not counted.
    pub blocks: u64,
    /// Index of the contig of the last record.
    last: usize,
}

enum Records {
    Text(vcf::io::Reader<Box<dyn BufRead + Send>>),
    Binary(bcf::io::Reader<Box<dyn BufRead + Send>>),
}

impl Records {
    fn header(&mut self) -> io::Result<Header> {
        match self {
            Self::Text(reader) => reader.read_header(),
            Self::Binary(reader) => reader.read_header(),
        }
    }

    fn next(&mut self, header: &Header, record: &mut RecordBuf) -> io::Result<usize> {
        match self {
            Self::Text(reader) => reader.read_record_buf(header, record),
            Self::Binary(reader) => reader.read_record_buf(header, record),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`Error::Input`] where it cannot be read, is damaged, or is not of one sample.
pub fn read(path: &Path) -> Result<CallFile> {
    let cannot = |problem: String| Error::input(path, problem);
    let unreadable = |e: &dyn std::fmt::Display| cannot(format!("cannot be read: {e}"));
    let mut lines = unpacked(regular_file(path)?)
        .map_err(|e| unreadable(&e))?
        .ok_or_else(|| cannot("is cut short: its end-of-file block is missing; copy or make it again".into()))?;
    let head = lines.fill_buf().map_err(|e| unreadable(&e))?;
    let mut records = if head.starts_with(b"BCF\x02") {
        Records::Binary(bcf::io::Reader::from(lines))
    } else if head.starts_with(b"#") {
        Records::Text(vcf::io::Reader::new(lines))
    } else {
        return Err(cannot("is not a VCF or BCF file".into()));
    };
    let header = guarded(|| records.header()).map_err(|e| cannot(format!("has a damaged header: {e}")))?;
    let mut samples = header.sample_names().iter();
    let (Some(sample), None) = (samples.next(), samples.next()) else {
        let n = header.sample_names().len();
        let problem = format!("has {n} samples; give the calls of one, as 'bcftools view -s NAME' writes them");
        return Err(cannot(problem));
    };
    let line = |name: &str| match header.other_records().get(name)? {
        vcf::header::record::value::Collection::Unstructured(values) => values.first().cloned(),
        vcf::header::record::value::Collection::Structured(_) => None,
    };
    let mut found = CallFile {
        sample: sample.clone(),
        model: line("varpix_model").zip(line("varpix_model_sha256")).map(|(name, sha256)| ModelUsed { name, sha256 }),
        contigs: header.contigs().keys().cloned().collect(),
        ..CallFile::default()
    };
    let mut record = RecordBuf::default();
    for number in 1_u64.. {
        let read = guarded(|| records.next(&header, &mut record));
        if read.map_err(|e| cannot(format!("record {number}: {e}")))? == 0 {
            break;
        }
        found.add(&record).map_err(|problem| cannot(format!("record {number}: {problem}")))?;
    }
    Ok(found)
}

/// A damaged BCF record may make its parser panic.
fn guarded<T>(read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = catch_unwind(AssertUnwindSafe(read));
    std::panic::set_hook(hook);
    outcome.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "is damaged")))
}

impl CallFile {
    fn add(&mut self, record: &RecordBuf) -> Result<(), String> {
        let name = record.reference_sequence_name();
        // Most records are on the contig of the one before.
        let same = self.contigs.get(self.last).is_some_and(|contig| contig == name);
        let known = if same { Some(self.last) } else { self.contigs.iter().position(|contig| contig == name) };
        let contig = known.unwrap_or(self.contigs.len());
        if known.is_none() {
            self.contigs.push(name.to_owned());
        }
        self.last = contig;
        let start = record.variant_start().ok_or("has no position")?;
        let of_bases = record.alternate_bases().as_ref().iter().filter(|alt| !alt.starts_with('<'));
        let alts: Vec<Vec<u8>> = of_bases.map(|alt| alt.to_ascii_uppercase().into_bytes()).collect();
        if alts.is_empty() {
            self.blocks += 1;
            return Ok(());
        }
        let filters: Vec<&str> = record.filters().as_ref().iter().map(String::as_str).collect();
        let filter = match filters[..] {
            [] | ["PASS"] => Filter::Pass,
            ["RefCall"] => Filter::RefCall,
            ["NoCall"] => Filter::NoCall,
            _ => {
                self.filtered += 1;
                return Ok(());
            }
        };
        let sample = record.samples().get_index(0);
        let value = |key: &str| sample.as_ref().and_then(|sample| sample.get(key)).flatten();
        let alleles: &[Allele] = match value("GT") {
            Some(Value::Genotype(genotype)) => genotype.as_ref(),
            _ => &[],
        };
        let phased = alleles.get(1).is_some_and(|second| second.phasing() == Phasing::Phased);
        let alleles: Vec<Option<usize>> = alleles.iter().map(Allele::position).collect();
        let genotype = match alleles[..] {
            [Some(allele)] => Some(Genotype::Haploid(allele)),
            [Some(a), Some(b)] => Some(Genotype::Diploid(a, b)),
            _ => None,
        };
        let filter = match genotype {
            Some(genotype) if filters.is_empty() && genotype.alternative_copies() == 0 => Filter::RefCall,
            _ => filter,
        };
        let mut depths = match value("AD") {
            Some(Value::Array(Array::Integer(depths))) => depths.iter().map(|n| whole(n.unwrap_or(0))).collect(),
            _ => Vec::new(),
        };
        depths.truncate(alts.len() + 1);
        let integer = |key| match value(key) {
            Some(&Value::Integer(n)) => n,
            _ => 0,
        };
        let call = CountedCall {
            contig,
            position: usize::from(start) as u64 - 1,
            reference: record.reference_bases().as_bytes(),
            alts: &alts,
            genotype,
            phased,
            haploid: alleles.len() == 1,
            genotype_quality: integer("GQ"),
            quality: (f64::from(record.quality_score().unwrap_or(0.0)) * 10.0).round() / 10.0,
            filter,
            depth: whole(integer("DP")),
            allele_depths: &depths,
        };
        self.calls.add(&call, true);
        Ok(())
    }
}

fn whole(n: i32) -> u32 {
    u32::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const HEADER: &str = "##fileformat=VCFv4.2\n##source=varpix 0.1.0\n##varpix_model=wgs\n##varpix_model_sha256=ab\n\
        ##FILTER=<ID=PASS,Description=\"x\">\n##FILTER=<ID=RefCall,Description=\"x\">\n##FILTER=<ID=Odd,Description=\"x\">\n\
        ##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"x\">\n\
        ##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"x\">\n\
        ##contig=<ID=chr1,length=5000>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\n";
    const RECORDS: &str = "chr1\t10\t.\tA\tC\t41.5\tPASS\t.\tGT:GQ:DP:AD\t0/1:38:30:16,14\n\
        chr1\t20\t.\tACGT\tA,<*>\t9\tRefCall\t.\tGT:GQ:DP:AD\t./.:8:20:18,2,0\n\
        chr1\t30\t.\tG\t<*>\t0\t.\t.\tGT:GQ\t0/0:50\nchr1\t40\t.\tG\tT\t9\tOdd\t.\tGT\t0/1\n\
        chr1\t50\t.\tG\tGTT\t60\tPASS\t.\tGT:GQ:DP:AD\t1:60:12:0,12\n\
        chr1\t60\t.\tG\tT\t60\tPASS\t.\tGT:GQ:DP:AD\t1|0:61:12:6,6\n";

    fn read_text(text: &str) -> Result<CallFile> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        read(file.path())
    }

    #[test]
    fn calls_are_counted_as_those_of_a_run() {
        let found = read_text(&format!("{HEADER}{RECORDS}")).unwrap();
        assert_eq!((found.sample.as_str(), found.model.as_ref().unwrap().name.as_str()), ("s1", "wgs"));
        assert_eq!((found.calls.filters, found.blocks, found.filtered), ([3, 1, 0], 1, 1));
        assert_eq!((found.calls.types, found.calls.genotypes[1]), ([2, 1, 0, 0, 0], [0, 0, 0, 1]));
        let genotypes: Vec<_> = found.calls.variants.calls().iter().map(|call| &call.alleles.genotype).collect();
        assert_eq!(genotypes, ["0/1", "1", "1|0"]);
        let least = &found.calls.variants.calls()[0];
        assert_eq!(
            (least.position, least.alleles.genotype.as_str(), least.allele_depths.clone()),
            (9, "0/1", vec![16, 14])
        );
        assert_eq!(found.calls.reference_calls.calls()[0].allele_depths, [18, 2]);
    }

    #[test]
    fn damage_is_named() {
        let said = |text: &str| read_text(text).unwrap_err().to_string();
        assert!(said("nothing").contains("is not a VCF"));
        assert!(said(&format!("{HEADER}chr1\tx\t.\tA\tC\n")).contains("record 1"));
        let two = format!("{}\ts2\n", HEADER.trim_end());
        assert!(said(&two).contains("has 2 samples"));
    }
}
