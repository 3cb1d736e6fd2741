//! A candidate's images and what counted in them -> pictures with a note on how to read them.

use image::RgbImage;

use super::relevance::by_pixel;
use super::story::GENOTYPES;
use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::pileup::{ImageSpec, alt_sets, heat, png};
use crate::predict::{Account, ImageAccount};

/// A picture that goes with a story.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// What it is of.
    pub title: String,
    /// How to read it.
    pub note: String,
    /// The picture.
    pub picture: RgbImage,
}

/// Notes of the drawings.
const OF_PILEUP: &str =
    "The image that the CNN gets: five rows of reference, then one row per read; red ticks at the candidate.";
const OF_UNSEEN_PILEUP: &str = "The image that the CNN would get: five rows of reference, then one row per read; red ticks at the candidate. The small model decided without the CNN, so there is no map of what counted in the image.";

/// Pictures of a candidate's images, whether or not the CNN got them.
pub(super) fn drawings(
    spec: &ImageSpec,
    contig: &str,
    candidate: &Candidate,
    evidence: &Evidence,
    own: &Account,
) -> Vec<Drawing> {
    let mut drawings = Vec::new();
    for set in alt_sets(candidate.alts.len()) {
        let image = evidence.render(spec, candidate, set);
        let title = png::title(contig, candidate, set);
        let picture = png::picture(spec, &image, &title, candidate.position, &png::haplotypes(spec, &image));
        let of = format!("Image of {}", png::alleles(candidate, set));
        let told = own.images.iter().find(|told| told.set == set);
        let note = if told.is_some() { OF_PILEUP } else { OF_UNSEEN_PILEUP }.to_owned();
        drawings.push(Drawing { title: of.clone(), note, picture });
        if let Some((told, gradient)) = told.and_then(|told| Some((told, told.gradient.as_ref()?))) {
            let picture = heat(image.shape(), &by_pixel(&image, gradient));
            drawings.push(Drawing { title: format!("{of}: what counted"), note: of_relevance(told), picture });
        }
    }
    drawings
}

/// How to read a map.
fn of_relevance(told: &ImageAccount) -> String {
    let [best, second] = told.between.map(|genotype| GENOTYPES[genotype]);
    let joint = match told.small_model {
        Some((_, weight)) => {
            format!(" The call is decided together with the small model; the CNN's weight is {weight}.")
        }
        None => String::new(),
    };
    format!(
        "Input-masked gradients of the CNN, all channels summed: red speaks for {best}, blue for {second}. Bars on the right are the sums of the rows, \
         bars below those of the columns. Only differences of colour tell something: how strong a colour is follows mostly from the place in the image.{joint}"
    )
}
