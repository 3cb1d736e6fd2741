//! A classifier without a network: genotype probabilities from the share of supporting rows. For tests, and for builds
//! without the feature `torch`.

use crate::error::{Error, Result};
use crate::pileup::{Channel, ImageSpec};

use crate::predict::Probabilities;
use crate::predict::cnn::{Batch, Classifier};

/// Reads `read_supports_variant` in the image's middle column.
#[derive(Clone, Debug)]
pub struct SupportClassifier {
    spec: ImageSpec,
    channel: usize,
}

/// Share of supporting reads expected of each genotype: errors, half, all but errors.
const EXPECTED: [f64; 3] = [0.03, 0.5, 0.97];

impl SupportClassifier {
    /// For images of `spec`.
    ///
    /// # Errors
    /// [`Error::Usage`] where they lack the channel it reads.
    pub fn new(spec: &ImageSpec) -> Result<Self> {
        let channel = spec
            .channels
            .iter()
            .position(|&c| c == Channel::ReadSupportsVariant)
            .ok_or_else(|| Error::Usage("the model's images lack the channel read_supports_variant".into()))?;
        Ok(Self { spec: spec.clone(), channel })
    }

    /// Binomial likelihoods, normalised.
    fn of_image(&self, image: &[u8]) -> Probabilities {
        let (mut supporting, mut others) = (0_i32, 0_i32);
        let row_bytes = self.spec.width * self.spec.channels.len();
        let place = self.spec.half_width() * self.spec.channels.len() + self.channel;
        for row in image.chunks_exact(row_bytes).skip(crate::pileup::spec::REFERENCE_ROWS) {
            match row[place] {
                0 => {}
                254 => supporting += 1,
                _ => others += 1,
            }
        }
        let likelihoods = EXPECTED.map(|p| p.powi(supporting) * (1.0 - p).powi(others));
        let sum: f64 = likelihoods.iter().sum();
        Probabilities(if sum > 0.0 { likelihoods.map(|l| l / sum) } else { [1.0, 0.0, 0.0] })
    }
}

impl Classifier for SupportClassifier {
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>> {
        Ok(batch.images().map(|image| self.of_image(image)).collect())
    }

    fn device(&self) -> String {
        "no network (share of supporting reads)".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::PileupImage;

    fn classify(supporting: usize, others: usize) -> Probabilities {
        let spec =
            ImageSpec { height: 50, width: 3, channels: vec![Channel::ReadSupportsVariant], ..ImageSpec::default() };
        let mut bytes = vec![0; spec.shape().bytes()];
        for row in 0..supporting + others {
            bytes[(5 + row) * 3 + 1] = if row < supporting { 254 } else { 152 };
        }
        let mut batch = Batch::new(spec.shape());
        batch.push(&PileupImage::from_bytes(spec.shape(), bytes.into()).unwrap(), None).unwrap();
        SupportClassifier::new(&spec).unwrap().classify(&batch).unwrap()[0]
    }

    #[test]
    fn shares_of_reads_give_genotypes() {
        assert!(classify(0, 30).hom_ref() > 0.99);
        assert!(classify(15, 15).het() > 0.99);
        assert!(classify(30, 0).hom_alt() > 0.99);
        assert!((classify(7, 9).0.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
