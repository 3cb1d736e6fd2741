//! A site and the files -> its [`Story`].

use std::collections::BTreeMap;

use super::drawings::{Drawing, drawings};
use super::relevance::Relevance;
use super::story::{
    AlleleStory, AllelesStory, CallStory, CandidateStory, DecidedStory, FeatureStory, GENOTYPES, ImageStory,
    MergingStory, OverlapStory, ReadsStory, RealignmentStory, SmallModelStory, Story,
};
use crate::alleles::{self, AlleleKind, CountOptions, ObservedAllele};
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::genome::{ContigId, Contigs, Interval, Reference, ReferenceWindow};
use crate::genotype::overlaps::Resolver;
use crate::genotype::{BySet, Call, CallOptions, Filter, Ploidy, call, of_copies};
use crate::inputs::Inputs;
use crate::model::MultiAllelic;
use crate::pileup::{AltSet, ImageSpec};
use crate::predict::small::{Silence, SmallModelAccount};
use crate::predict::{Account, Models, Prediction, Predictor, account};
use crate::reads::source::ReadOptions;
use crate::reads::{BamSource, FilterReason, Read, ReadSource};
use crate::realign::Plan;
use crate::regions::{Region, Targets};
use crate::variant::Genotype;
use crate::variant::allele::{shared_prefix, shared_suffix};

/// Records over a site that are looked at, at most.
const MOST_RECORDS: usize = 1_000_000;

/// What evidence and images are made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Shape and channels of images.
    pub image: ImageSpec,
    /// How the probabilities of a site's images are joined.
    pub multi_allelic: MultiAllelic,
    /// Where the sample has one copy.
    pub ploidy: Ploidy,
}

impl Settings {
    fn options(&self, candidate: &Candidate) -> CallOptions {
        let haploid = self.ploidy.is_haploid(candidate.contig, candidate.position);
        CallOptions { haploid, multi_allelic: self.multi_allelic }
    }
}

/// Tells the stories of sites.
pub struct Narrator<'a> {
    inputs: &'a Inputs,
    settings: Settings,
    gatherer: Gatherer,
    /// Whether images are drawn.
    drawing: bool,
    /// Reads the records over single sites.
    source: BamSource,
    reference: Reference,
    models: Models,
}

/// A region's evidence and what it rests on.
struct Gathered {
    region: Region,
    evidence: Evidence,
    plan: Option<Plan>,
}

impl<'a> Narrator<'a> {
    /// Opens the files.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where one cannot be opened.
    pub fn new(inputs: &'a Inputs, settings: Settings, models: Models) -> Result<Self> {
        let contigs = inputs.reference().contigs();
        let open = |options| BamSource::open(inputs.reads(), contigs, options);
        let source = open(settings.evidence.reads())?;
        let gatherer =
            Gatherer::new(Box::new(source), inputs.reference().open()?, settings.evidence, settings.image.clone())
                .counting_empty_regions(true);
        let all = ReadOptions { max_reads: MOST_RECORDS, ..settings.evidence.reads() };
        let reference = inputs.reference().open()?;
        Ok(Self { inputs, settings, gatherer, drawing: false, source: open(all)?, reference, models })
    }

    /// Draws images, too.
    #[must_use]
    pub fn drawing(mut self, yes: bool) -> Self {
        self.drawing = yes;
        self
    }

    /// The stories of the sites in `targets`: their candidates, within `margin` bp, and other positions where two reads or more
    /// show something else; a target of a single position without any of these, too.
    ///
    /// # Errors
    /// As [`Gatherer::gather`], and those of the models.
    pub fn stories(
        &mut self,
        targets: &Targets,
        margin: u64,
        tell: &mut dyn FnMut(&Story, &[Drawing]) -> Result<bool>,
    ) -> Result<()> {
        let contigs = self.inputs.reference().contigs();
        let padded = targets.padded(margin, contigs);
        for region in &padded.whole_regions(self.settings.evidence.region_size, contigs) {
            let gathered = self.gather(region)?;
            for position in sites(&gathered, targets, &padded, self.settings.evidence.candidates.min_count_snps) {
                let (story, drawings) = self.story(&gathered, position)?;
                if !tell(&story, &drawings)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn gather(&mut self, region: Region) -> Result<Gathered> {
        let fetched = self.gatherer.fetch(region)?;
        let aligned = self.gatherer.realign(fetched)?;
        let plan = aligned.plan().cloned();
        Ok(Gathered { region, evidence: self.gatherer.count(aligned)?, plan })
    }

    fn story(&mut self, gathered: &Gathered, position: u64) -> Result<(Story, Vec<Drawing>)> {
        let Gathered { region, evidence, .. } = gathered;
        let contig = self.inputs.reference().contigs().get(region.contig).name.clone();
        let base = self.reference.window(region.contig, position.cast_signed(), position.cast_signed() + 1)?;
        let candidate = evidence.candidates.iter().find(|candidate| candidate.position == position);
        let alleles = self.alleles(gathered, position, candidate);
        let mut story = Story {
            chrom: contig,
            pos: position + 1,
            reference: text(&base),
            reads: self.reads(gathered, position)?,
            realignment: self.realignment(gathered, position),
            alleles,
            candidate: candidate.map(candidate_story),
            small_model: None,
            decided: Vec::new(),
            images: Vec::new(),
            merging: None,
            overlaps: None,
            call: None,
            outcome: String::new(),
        };
        let mut drawings = Vec::new();
        if let Some(candidate) = candidate {
            drawings = self.tell_models(&mut story, candidate, evidence)?;
        }
        story.outcome = outcome(&story);
        Ok((story, drawings))
    }

    fn reads(&mut self, gathered: &Gathered, position: u64) -> Result<ReadsStory> {
        let Gathered { region, evidence, .. } = gathered;
        let site = Interval::new(position, position + 1);
        let (_, at) = self.source.fetch(region.contig, site)?;
        let left_out = FilterReason::ALL.map(|reason| (reason.name().to_owned(), at.left_out[reason as usize]));
        Ok(ReadsStory {
            region: place(self.inputs.reference().contigs(), region.contig, region.interval),
            of_region: evidence.fetched.records,
            sampled_out_of_region: evidence.fetched.sampled_out,
            over_site: at.records,
            left_out: left_out.into_iter().filter(|(_, n)| *n > 0).collect(),
            unusable: at.unusable,
            used: over(&evidence.reads, position).count(),
        })
    }

    fn realignment(&self, gathered: &Gathered, position: u64) -> RealignmentStory {
        let Gathered { region, evidence, plan } = gathered;
        let over_site = plan.iter().flat_map(Plan::windows).find(|(interval, _)| interval.contains(position));
        RealignmentStory {
            enabled: self.settings.evidence.realign.is_some(),
            window: over_site.map(|(interval, _)| place(self.inputs.reference().contigs(), region.contig, interval)),
            haplotypes: over_site.map_or_else(Vec::new, |(interval, haplotypes)| {
                haplotypes.iter().map(|bases| differences(bases, interval, &evidence.reference)).collect()
            }),
            moved: over(&evidence.reads, position).filter(|read| read.moved_from.is_some()).count(),
        }
    }

    fn alleles(&self, gathered: &Gathered, position: u64, candidate: Option<&Candidate>) -> AllelesStory {
        let evidence = &gathered.evidence;
        let options =
            CountOptions { min_base_quality: self.settings.image.min_base_quality, ..CountOptions::default() };
        let counts =
            alleles::count(Interval::new(position, position + 1), &evidence.reads, &evidence.reference, options);
        let mut uncounted: BTreeMap<&ObservedAllele, u32> = BTreeMap::new();
        let at = counts.counts.first();
        for seen in at.iter().flat_map(|count| &count.observations).filter(|seen| !seen.counts) {
            *uncounted.entry(&seen.allele).or_default() += 1;
        }
        let Some(depths) = evidence.depths.position(position) else { return AllelesStory::default() };
        let depth = depths.depth();
        let mut seen: BTreeMap<&ObservedAllele, (u32, u32)> =
            uncounted.keys().map(|allele| (*allele, (0, 0))).collect();
        seen.extend(depths.alleles().map(|(allele, depth)| (allele, (depth.all, depth.reverse))));
        let others = seen.into_iter().map(|(allele, (reads, reverse))| {
            let normal = allele.allele(position, &evidence.reference);
            let spelled =
                normal.zip(candidate).map(|(allele, candidate)| allele.spelled_over(position, &candidate.reference));
            let is_candidate = spelled
                .zip(candidate)
                .is_some_and(|(bases, candidate)| candidate.alts.iter().any(|alt| alt.bases == bases));
            AlleleStory {
                allele: allele_text(allele, evidence.reference.base(position.cast_signed())),
                reads,
                reverse,
                share: share(reads, depth),
                low_quality: uncounted.get(allele).copied().unwrap_or(0),
                is_candidate,
                reason: self.reason(allele.kind, reads, depth, is_candidate),
            }
        });
        let mut others: Vec<AlleleStory> = others.collect();
        others.sort_by_key(|allele| std::cmp::Reverse((allele.reads, allele.low_quality)));
        AllelesStory {
            depth,
            reference: depths.reference.all,
            reference_reverse: depths.reference.reverse,
            low_quality_reference: at.map_or(0, |count| count.low_quality_reference),
            others,
        }
    }

    /// Why an allele is, or is not, one of a candidate.
    fn reason(&self, kind: AlleleKind, reads: u32, depth: u32, is_candidate: bool) -> String {
        let options = &self.settings.evidence.candidates;
        let (least, fraction) = match kind {
            AlleleKind::Substitution => (options.min_count_snps, options.min_fraction_snps),
            AlleleKind::Insertion | AlleleKind::Deletion => (options.min_count_indels, options.min_fraction_indels),
            AlleleKind::SoftClip => return "clipped ends are no alleles; they are in the depth".into(),
        };
        let needed = format!("{least} reads and {:.0} % of the depth are needed", fraction * 100.0);
        if is_candidate {
            format!("candidate: {needed}")
        } else if reads < least {
            format!("too few reads: {needed}")
        } else if f64::from(reads) < fraction * f64::from(depth) {
            format!("too small a share: {needed}")
        } else {
            "not a candidate: the reference is unknown here, or the reads at hand are a sample that shows it less often"
                .into()
        }
    }

    fn tell_models(&mut self, story: &mut Story, candidate: &Candidate, evidence: &Evidence) -> Result<Vec<Drawing>> {
        let own = account(candidate, evidence, &mut self.models, true)?;
        story.small_model = own.small_model.as_ref().map(small_model_story);
        story.decided = decided(candidate, &own);
        story.images = images(candidate, evidence, &own, &self.settings.image);
        let called = called(candidate, &own.predictions, self.settings.options(candidate));
        let kept = |bases: &[u8]| {
            let shared = candidate.reference.len() - called.reference.len();
            called.alts.iter().any(|alt| *alt == bases[..bases.len().saturating_sub(shared)])
        };
        let (kept, dropped): (Vec<_>, Vec<_>) = candidate.alts.iter().partition(|alt| kept(&alt.bases));
        let names = |alts: Vec<&crate::candidates::AltAllele>| alts.into_iter().map(|alt| text(&alt.bases)).collect();
        let genotypes = Genotype::all(called.alts.len() + 1).zip(called.probabilities.values());
        story.merging = Some(MergingStory {
            decided_by: decided_by(&own.predictions),
            kept: names(kept),
            dropped: names(dropped),
            genotypes: genotypes
                .filter(|(genotype, _)| !called.haploid || genotype.is_homozygous())
                .map(|(genotype, p)| (spelled(genotype, called.haploid), rounded(*p)))
                .collect(),
        });
        let (overlaps, resolved) = self.resolved(called, candidate, evidence)?;
        story.overlaps = Some(overlaps);
        story.call = Some(call_story(&resolved));
        Ok(if self.drawing {
            drawings(&self.settings.image, &story.chrom, candidate, evidence, &own)
        } else {
            Vec::new()
        })
    }

    /// The call, after those of the candidates of its region that overlap it, or each other.
    fn resolved(&mut self, own: Call, candidate: &Candidate, evidence: &Evidence) -> Result<(OverlapStory, Call)> {
        let (mut start, mut end) = (candidate.position, candidate.interval().end());
        // Groups grow by what overlaps their members.
        loop {
            let touching = evidence.candidates.iter().filter(|c| c.position < end && c.interval().end() > start);
            let (from, to) =
                touching.fold((start, end), |(from, to), c| (from.min(c.position), to.max(c.interval().end())));
            if (from, to) == (start, end) {
                break;
            }
            (start, end) = (from, to);
        }
        let mut resolver = Resolver::default();
        let (mut done, mut others) = (Vec::new(), Vec::new());
        let before = own.genotype;
        for other in evidence.candidates.iter().filter(|c| c.position >= start && c.position < end) {
            if other.position == candidate.position {
                done.extend(resolver.push(own.clone()));
                continue;
            }
            let predicted = account(other, evidence, &mut self.models, false)?;
            let called = called(other, &predicted.predictions, self.settings.options(other));
            others.push(format!(
                "{} {}>{} {}",
                called.position + 1,
                text(&called.reference),
                called.alts.iter().map(|alt| text(alt)).collect::<Vec<_>>().join(","),
                genotype_text(&called)
            ));
            done.extend(resolver.push(called));
        }
        done.extend(resolver.finish());
        let own = done.into_iter().find(|call| call.position == own.position).unwrap_or(own);
        let changed = own.genotype != before;
        let before = changed.then(|| genotype_text(&Call { genotype: before, ..own.clone() }));
        Ok((OverlapStory { others, before }, own))
    }
}

/// The positions of a region whose stories are told.
fn sites(gathered: &Gathered, targets: &Targets, padded: &Targets, least: u32) -> Vec<u64> {
    let Gathered { region, evidence, .. } = gathered;
    let mut sites: Vec<u64> = evidence
        .candidates
        .iter()
        .map(|candidate| candidate.position)
        .filter(|&position| padded.contains(region.contig, position))
        .collect();
    let (from, to) = (region.interval.start(), region.interval.end());
    for (_, target) in targets.iter().filter(|(contig, _)| *contig == region.contig) {
        let here = target.intersect(Interval::new(from, to));
        let near = |&site: &u64| site + 5 >= target.start() && site < target.end() + 5;
        let is_single = target.len() == 1;
        if is_single && !here.is_empty() && !sites.iter().any(near) {
            sites.push(target.start());
        }
        if !is_single {
            let odd = (here.start()..here.end()).filter(|&position| {
                let at = evidence.depths.position(position);
                let most = at.into_iter().flat_map(|at| {
                    at.alleles().filter(|(allele, _)| allele.kind != AlleleKind::SoftClip).map(|(_, depth)| depth.all)
                });
                most.max().is_some_and(|most| most >= least)
            });
            sites.extend(odd.collect::<Vec<_>>());
        }
    }
    sites.sort_unstable();
    sites.dedup();
    sites
}

fn over(reads: &[Read], position: u64) -> impl Iterator<Item = &Read> {
    reads.iter().filter(move |read| read.span.contains(position))
}

fn text(bases: &[u8]) -> String {
    String::from_utf8_lossy(bases).into_owned()
}

fn share(part: u32, all: u32) -> f64 {
    rounded(f64::from(part) / f64::from(all.max(1)))
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

fn place(contigs: &Contigs, contig: ContigId, interval: Interval) -> String {
    format!("{}:{}-{}", contigs.get(contig).name, interval.start() + 1, interval.end())
}

fn allele_text(allele: &ObservedAllele, base: u8) -> String {
    let rest = text(&allele.bases[1..]);
    match allele.kind {
        AlleleKind::Substitution => format!("{}>{}", char::from(base), text(&allele.bases)),
        AlleleKind::Insertion => format!("+{rest}"),
        AlleleKind::Deletion => format!("-{rest}"),
        AlleleKind::SoftClip => format!("clip of {} bp", rest.len()),
    }
}

/// How a haplotype differs from the reference: the part between what both begin and end with.
fn differences(haplotype: &[u8], window: Interval, reference: &ReferenceWindow) -> String {
    let Some(expected) = reference.slice(window.start().cast_signed(), window.end().cast_signed()) else {
        return text(haplotype);
    };
    if haplotype == expected {
        return "reference".into();
    }
    let prefix = shared_prefix(haplotype, expected);
    let suffix = shared_suffix(&haplotype[prefix..], [&expected[prefix..]]);
    let part = |bases: &[u8]| match &bases[prefix..bases.len() - suffix] {
        [] => "-".into(),
        bases => text(bases),
    };
    format!("{} {}>{}", window.start() + prefix as u64 + 1, part(expected), part(haplotype))
}

fn candidate_story(candidate: &Candidate) -> CandidateStory {
    let counts = candidate.alts.iter().map(|alt| alt.count);
    CandidateStory {
        pos: candidate.position + 1,
        reference: text(&candidate.reference),
        alternatives: candidate.alts.iter().map(|alt| text(&alt.bases)).collect(),
        allele_depths: std::iter::once(candidate.reference_count).chain(counts).collect(),
        depth: candidate.depth,
    }
}

fn small_model_story(own: &SmallModelAccount) -> SmallModelStory {
    let mut features: Vec<FeatureStory> = own
        .features
        .iter()
        .map(|feature| FeatureStory {
            name: feature.id.name(),
            about: feature.id.about(),
            value: rounded(f64::from(feature.value)),
            deviations: rounded(f64::from(feature.deviations)),
            contribution: rounded(feature.contribution),
            if_replaced: rounded(feature.if_replaced),
        })
        .collect();
    features.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
    let verdict = match own.silence {
        None if own.is_certain => "it is certain and decides alone; no image is rendered".to_owned(),
        None if own.features.is_empty() => "it is not sure enough: the CNN decides".to_owned(),
        None => "it is not certain: the CNN classifies the image, too".to_owned(),
        Some(Silence::Beyond(feature)) => format!(
            "{} is beyond all values of the training data; the likelihoods of the reads decide, and no image is rendered",
            feature.name()
        ),
        Some(Silence::SeveralAlleles) => "it takes candidates of one alternative allele; the CNN decides".to_owned(),
        Some(Silence::OnEachImage) => {
            "of several alternative alleles it speaks on those of each image; where it is not certain, the CNN classifies the image, too".to_owned()
        }
        Some(Silence::TooDeep) => "the depth is over that of its training data; the CNN decides".to_owned(),
        Some(Silence::ThirdAllele) => {
            "no read shows the allele, or a third allele or a deletion has a haplotype's share of the reads: it has learned nothing of such; the CNN decides".to_owned()
        }
        Some(Silence::NotTaken) => "it does not take alleles that are asked for; the CNN decides".to_owned(),
        Some(Silence::Strange(feature)) => {
            format!("{} is far from all values of the training data; the CNN decides", feature.name())
        }
    };
    SmallModelStory {
        verdict,
        probabilities: own.probabilities.map(|p| p.0.map(rounded)),
        certainty: own.certainty.map(rounded),
        needed: own.needed,
        between: own.between.map(|[best, second]| [GENOTYPES[best], GENOTYPES[second]]),
        difference: own.difference.map(rounded),
        at_the_mean: own.at_the_mean.map(rounded),
        features,
    }
}

/// The model that decided; where only some of a site's images were needed, that of these.
fn decided_by(predictions: &[(AltSet, Prediction)]) -> String {
    let mut predictors = predictions.iter().map(|(_, prediction)| prediction.predictor);
    let of_images = predictors.clone().find(|predictor| predictor.is_of_images());
    of_images.or_else(|| predictors.next()).map_or_else(String::new, |predictor| predictor.to_string())
}

/// Of a site of several alternative alleles, what the small model decides alone.
fn decided(candidate: &Candidate, own: &Account) -> Vec<DecidedStory> {
    let several = own.predictions.iter().filter(|_| candidate.alts.len() > 1);
    let alone = several.filter(|(_, prediction)| prediction.predictor == Predictor::SmallModel);
    alone
        .map(|(set, prediction)| DecidedStory {
            alleles: alleles_of(candidate, *set),
            probabilities: prediction.probabilities.0.map(rounded),
        })
        .collect()
}

fn alleles_of(candidate: &Candidate, set: AltSet) -> Vec<String> {
    set.of(candidate).map(|alt| text(&alt.bases)).collect()
}

fn images(candidate: &Candidate, evidence: &Evidence, own: &Account, spec: &ImageSpec) -> Vec<ImageStory> {
    let of = own.images.iter();
    of.map(|image| ImageStory {
        alleles: alleles_of(candidate, image.set),
        rows: image.rows,
        cnn: image.cnn.0.map(rounded),
        small_model: image.small_model.map(|(own, _)| own.0.map(rounded)),
        weight: image.small_model.map(|(_, weight)| weight),
        joint: image.joint.0.map(rounded),
        one_copy: image.one_copy,
        relevance: image.gradient.as_ref().map(|gradient| {
            let rendered = evidence.render(spec, candidate, image.set);
            Relevance::of(spec, &rendered, gradient, image.between.map(|genotype| GENOTYPES[genotype]))
        }),
    })
    .collect()
}

/// The call of a candidate; calls of overlapping sites do not change it.
#[must_use]
pub fn called(candidate: &Candidate, predictions: &[(AltSet, Prediction)], options: CallOptions) -> Call {
    let by_set: BySet = predictions.iter().map(|(set, prediction)| (*set, prediction.probabilities)).collect();
    call(candidate, &by_set, options)
}

/// GT as the VCF of a run has it.
fn genotype_text(call: &Call) -> String {
    let unknown = || if call.haploid { "." } else { "./." }.to_owned();
    call.genotype.map_or_else(unknown, |genotype| spelled(genotype, call.haploid))
}

fn spelled(genotype: Genotype, haploid: bool) -> String {
    if haploid { genotype.haploid() } else { genotype }.to_string()
}

fn call_story(call: &Call) -> CallStory {
    CallStory {
        pos: call.position + 1,
        reference: text(&call.reference),
        alternatives: call.alts.iter().map(|alt| text(alt)).collect(),
        genotype: genotype_text(call),
        genotype_quality: call.genotype_quality,
        quality: call.quality,
        filter: call.filter.name(),
        allele_depths: call.allele_depths.clone(),
        depth: call.depth,
        phred_likelihoods: of_copies(
            &call.phred_likelihoods,
            call.allele_depths.len(),
            if call.haploid { 1 } else { 2 },
        ),
    }
}

fn outcome(story: &Story) -> String {
    let Some(call) = &story.call else {
        return if story.reads.used == 0 {
            "no call: no usable read covers the site".into()
        } else if story.alleles.others.iter().all(|allele| allele.reads == 0) {
            "no call: all reads that count show the reference".into()
        } else {
            "no call: no alternative allele has enough reads to be a candidate".into()
        };
    };
    let changed = story.overlaps.as_ref().and_then(|overlaps| overlaps.before.as_ref());
    let filter = call.filter;
    if filter == Filter::Pass.name() {
        format!(
            "called {} with GQ {}, QUAL {}: it passes and is written",
            call.genotype, call.genotype_quality, call.quality
        )
    } else if filter == Filter::RefCall.name() && changed.is_some() {
        "called hom-ref (RefCall), as overlapping calls leave no copy for it: not written without --emit-ref-calls"
            .into()
    } else if filter == Filter::RefCall.name() {
        let gq = call.genotype_quality;
        format!(
            "called hom-ref (RefCall) with GQ {gq}, the most probable genotype: not written without --emit-ref-calls"
        )
    } else {
        "no read counts for any of its alleles (NoCall)".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn haplotypes_are_told_by_what_differs() {
        let reference = ReferenceWindow::new(0, b"ACGTACGTTTACG".to_vec());
        let window = Interval::new(2, 11);
        let of = |haplotype: &str| differences(haplotype.as_bytes(), window, &reference);
        assert_eq!(of("GTACGTTTA"), "reference");
        assert_eq!(of("GTACCTTTA"), "7 G>C");
        assert_eq!(of("GTACGTTTTA"), "11 ->T");
        assert_eq!(of("GTGTTTA"), "5 AC>-");
    }
}
