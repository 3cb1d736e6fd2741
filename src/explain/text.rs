//! A [`Story`] -> text for people.

use std::fmt;

use super::story::{CandidateStory, DecidedStory, ImageStory, SmallModelStory, Story};

/// Features that are shown.
const MOST_FEATURES: usize = 10;
/// Alleles and haplotypes that are shown.
const MOST_SHOWN: usize = 8;

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}, reference {}", self.chrom, self.pos, self.reference)?;
        let reads = &self.reads;
        writeln!(f, "  reads")?;
        let sampled = match reads.sampled_out_of_region {
            0 => String::new(),
            n => format!(", {n} dropped over the cap"),
        };
        writeln!(f, "    region {}: {} records{sampled}", reads.region, reads.of_region)?;
        writeln!(f, "    over the site: {} records", reads.over_site)?;
        for (reason, n) in &reads.left_out {
            writeln!(f, "      {n} left out: {reason}")?;
        }
        if reads.unusable > 0 {
            writeln!(f, "      {} left out: without alignment or sequence", reads.unusable)?;
        }
        writeln!(f, "    used, with their final alignments: {}", reads.used)?;
        self.realignment(f)?;
        self.alleles(f)?;
        if let Some(CandidateStory { reference, alternatives, allele_depths, depth, .. }) = &self.candidate {
            writeln!(f, "  candidate {reference}>{}: AD {}, DP {depth}", alternatives.join(","), list(allele_depths))?;
        }
        self.small_model.as_ref().map_or(Ok(()), |model| small_model(f, model))?;
        for DecidedStory { alleles, probabilities } in &self.decided {
            writeln!(f, "  no image of {}: the small model is certain", alleles.join(","))?;
            writeln!(f, "    small model: {}", self::probabilities(*probabilities))?;
        }
        for image in &self.images {
            self::image(f, image)?;
        }
        if let Some(merging) = &self.merging {
            writeln!(f, "  genotypes, decided by {}", merging.decided_by)?;
            if !merging.dropped.is_empty() {
                writeln!(f, "    dropped, as their QUAL is under 1: {}", merging.dropped.join(", "))?;
            }
            let genotypes = merging.genotypes.iter().map(|(genotype, p)| format!("{genotype} {p:.4}"));
            writeln!(f, "    {}", genotypes.collect::<Vec<_>>().join(", "))?;
        }
        if let Some(overlaps) = self.overlaps.as_ref().filter(|overlaps| !overlaps.others.is_empty()) {
            writeln!(f, "  overlapping calls: {}", overlaps.others.join("; "))?;
            match &overlaps.before {
                Some(before) => writeln!(f, "    they change the genotype, which was {before}")?,
                None => writeln!(f, "    they change nothing")?,
            }
        }
        if let Some(call) = &self.call {
            writeln!(
                f,
                "  call: {} {}>{} GT {}, GQ {}, QUAL {}, AD {}, DP {}, PL {}, FILTER {}",
                call.pos,
                call.reference,
                call.alternatives.join(","),
                call.genotype,
                call.genotype_quality,
                call.quality,
                list(&call.allele_depths),
                call.depth,
                list(&call.phred_likelihoods),
                call.filter
            )?;
        }
        writeln!(f, "  {}", self.outcome)
    }
}

impl Story {
    fn realignment(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = &self.realignment;
        write!(f, "  realignment: ")?;
        if !own.enabled {
            return writeln!(f, "the model does not realign reads");
        }
        let Some(window) = &own.window else { return writeln!(f, "reads agree with the reference around the site") };
        writeln!(f, "window {window}; {} reads over the site moved", own.moved)?;
        if own.haplotypes.is_empty() {
            writeln!(f, "    no haplotypes: no alignment could improve")?;
        }
        for haplotype in own.haplotypes.iter().take(MOST_SHOWN) {
            writeln!(f, "    haplotype: {haplotype}")?;
        }
        Ok(())
    }

    fn alleles(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = &self.alleles;
        writeln!(f, "  alleles: depth {}", own.depth)?;
        let low = |n: u32| if n > 0 { format!(", {n} more of low quality") } else { String::new() };
        writeln!(
            f,
            "    reference {}: {} reads, {} reverse{}",
            self.reference,
            own.reference,
            own.reference_reverse,
            low(own.low_quality_reference)
        )?;
        for allele in own.others.iter().take(MOST_SHOWN) {
            writeln!(
                f,
                "    {}: {} reads ({:.1} %), {} reverse{}; {}",
                allele.allele,
                allele.reads,
                100.0 * allele.share,
                allele.reverse,
                low(allele.low_quality),
                allele.reason
            )?;
        }
        match own.others.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => writeln!(f, "    and {more} more with fewer reads"),
        }
    }
}

fn small_model(f: &mut fmt::Formatter<'_>, own: &SmallModelStory) -> fmt::Result {
    writeln!(f, "  small model: {}", own.verdict)?;
    if let Some(p) = own.probabilities {
        write!(f, "    {}", probabilities(p))?;
        if let (Some(certainty), Some(needed)) = (own.certainty, own.needed) {
            write!(f, "; certainty {certainty:.1}, {needed} needed to decide alone")?;
        }
        writeln!(f)?;
    }
    if let (Some([best, second]), Some(difference), Some(mean)) = (own.between, own.difference, own.at_the_mean) {
        writeln!(
            f,
            "    for {best}, against {second}: {difference:+.2} nats, {mean:+.2} for the mean of the training data; of the difference"
        )?;
        for feature in own.features.iter().take(MOST_FEATURES) {
            writeln!(
                f,
                "      {:+6.2}  {} = {:.3} ({:+.1} SD): {}",
                feature.contribution, feature.name, feature.value, feature.deviations, feature.about
            )?;
        }
    }
    Ok(())
}

fn image(f: &mut fmt::Formatter<'_>, own: &ImageStory) -> fmt::Result {
    writeln!(f, "  image of {}: {} reads", own.alleles.join(","), own.rows)?;
    writeln!(f, "    CNN: {}", probabilities(own.cnn))?;
    if own.one_copy {
        writeln!(f, "    hom-alt is impossible: the other haplotype has a deletion there")?;
    }
    if let Some(relevance) = &own.relevance {
        let sums = |parts: &[(&str, f64)]| {
            let parts = parts.iter().map(|(name, sum)| format!("{} {sum:+.2}", name.replace('_', " ")));
            parts.collect::<Vec<_>>().join(", ")
        };
        let [best, second] = relevance.between;
        writeln!(f, "    what counted for the CNN: + for {best}, - for {second} (input-masked gradients, nats)")?;
        writeln!(f, "      {}", sums(&relevance.rows))?;
        writeln!(f, "      {}", sums(&relevance.channels))?;
        let most = relevance.most.iter().map(|(offset, sum)| format!("{offset:+} bp {sum:+.2}"));
        writeln!(f, "      {}; most: {}", sums(&relevance.columns), most.collect::<Vec<_>>().join(", "))?;
    }
    match own.small_model.zip(own.weight) {
        Some((small_model, weight)) => {
            writeln!(f, "    small model: {}", probabilities(small_model))?;
            writeln!(f, "    both (weight of the CNN {weight}): {}", probabilities(own.joint))
        }
        None if own.one_copy => writeln!(f, "    so: {}", probabilities(own.joint)),
        None => Ok(()),
    }
}

fn probabilities([none, one, two]: [f64; 3]) -> String {
    format!("hom-ref {none:.4}, het {one:.4}, hom-alt {two:.4}")
}

fn list<T: fmt::Display>(values: &[T]) -> String {
    values.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}
