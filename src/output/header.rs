//! A reads file and the reference's contigs -> the header of a BAM or CRAM whose contigs have the reference's order ([`OutputHeader`]), and
//! its index.

use std::path::{Path, PathBuf};

use rust_htslib::bam;

use crate::alignment_file::BamFile;
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs};

/// Contigs longer than this need a CSI index (SAM specification, section 5.2).
const LONGEST_BAI_CONTIG: u64 = 1 << 29;

/// A header with the numbers of its contigs.
pub(super) struct OutputHeader {
    pub(super) header: bam::Header,
    /// For each contig of the reference its tid in the source and in the output, where the source has it.
    tids: Vec<Option<(i32, i32)>>,
    /// Output tid of each tid of the source.
    renumbered: Vec<i32>,
}

impl OutputHeader {
    /// `description` says what the records are.
    pub(super) fn new(source: &BamFile, reference: &Contigs, description: &str) -> Self {
        let order = contig_order(source.contigs(), reference);
        let header = bam::Header::from_template(&bam::HeaderView::from_bytes(&header(source, &order, description)));
        let mut renumbered = vec![-1; order.len()];
        for (new, &old) in (0..).zip(&order) {
            renumbered[old] = new;
        }
        let tids = reference
            .iter()
            .map(|(_, contig)| {
                let old = source.contigs().id(&contig.name)?.0;
                Some((i32::try_from(old).ok()?, renumbered[old]))
            })
            .collect();
        Self { header, tids, renumbered }
    }

    /// A contig's tid in the source and in the output, where the source has it.
    pub(super) fn tids(&self, contig: ContigId) -> Option<(i32, i32)> {
        self.tids.get(contig.0).copied().flatten()
    }

    /// Gives a record of the source its tids in the output.
    pub(super) fn renumber(&self, record: &mut bam::Record) {
        let new = |tid: i32| usize::try_from(tid).ok().and_then(|tid| self.renumbered.get(tid)).copied().unwrap_or(-1);
        record.set_tid(new(record.tid()));
        record.set_mtid(new(record.mtid()));
    }
}

/// The kind of index that a BAM of these contigs needs.
pub(super) fn index_type(contigs: &Contigs) -> bam::index::Type {
    let is_long = contigs.iter().any(|(_, contig)| contig.length > LONGEST_BAI_CONTIG);
    if is_long { bam::index::Type::Csi(14) } else { bam::index::Type::Bai }
}

/// The index beside a BAM.
pub(super) fn index_path(path: &Path, index: &bam::index::Type) -> PathBuf {
    with_suffix(path, if matches!(index, bam::index::Type::Bai) { ".bai" } else { ".csi" })
}

/// The source's contigs by index: those of the reference in its order, then the others.
fn contig_order(source: &Contigs, reference: &Contigs) -> Vec<usize> {
    let known = reference.iter().filter_map(|(_, contig)| source.id(&contig.name)).map(|id| id.0);
    let others = source.iter().filter(|(_, contig)| reference.id(&contig.name).is_none()).map(|(id, _)| id.0);
    known.chain(others).collect()
}

/// The source's header with its contigs in another order, sorted by position, with a line of ours.
fn header(source: &BamFile, order: &[usize], description: &str) -> Vec<u8> {
    let (contigs, others): (Vec<&str>, Vec<&str>) =
        source.header().lines().filter(|line| !line.starts_with("@HD")).partition(|line| line.starts_with("@SQ"));
    let lines = std::iter::once("@HD\tVN:1.6\tSO:coordinate")
        .chain(order.iter().filter_map(|&i| contigs.get(i).copied()))
        .chain(others);
    let text: String = lines.flat_map(|line| [line, "\n"]).collect();
    // Runs of this program on its own output need another ID each.
    let runs = text.matches("@PG\tID:varpix").count();
    let suffix = if runs == 0 { String::new() } else { format!(".{runs}") };
    let version = env!("CARGO_PKG_VERSION");
    format!("{text}@PG\tID:varpix{suffix}\tPN:varpix\tVN:{version}\tDS:{description}\n").into_bytes()
}
