//! A small residual network for pileups: 0.8 M parameters, about 175 M multiply-adds for a 100 x 221 x 7 image.
//!
//! Residual blocks as in He et al., "Deep residual learning for image recognition" (2015), basic form. The stem's stride is large,
//! since neighbouring rows are interchangeable reads and what matters along a read is within reach of the later layers.
//! Beside the average of all columns, the head sees that of the middle column, where the candidate is.

use tch::{Kind, Tensor, nn};

use crate::pileup::ImageShape;
use crate::predict::cnn::networks::conv_norm::{ConvNorm, ConvNormConfig};
use crate::predict::cnn::networks::{Input, Network};

/// Its name in `model.json`.
pub const NAME: &str = "pileup_net";
/// The name of one of five times the cost, to compare with.
pub const WIDE: &str = "pileup_net_wide";

/// Channels of the three stages.
pub const WIDTHS: [i64; 3] = [32, 64, 128];
/// The same of [`WIDE`].
pub const WIDER: [i64; 3] = [72, 144, 288];
/// Classes: none, one or both alleles are among the image's.
const CLASSES: i64 = 3;
/// Brings pixel values to about 0..2.
const SCALE: f64 = 1.0 / 128.0;

/// The network. Shapes below are those of a `[100, 221, 7]` image and of [`WIDTHS`].
#[derive(Debug)]
pub struct PileupNet {
    stem: ConvNorm,
    blocks: Vec<Block>,
    head: nn::Linear,
    kind: Kind,
}

#[derive(Debug)]
struct Block {
    first: ConvNorm,
    second: ConvNorm,
    shortcut: Option<ConvNorm>,
}

fn conv_norm(path: &nn::Path, from: i64, to: i64, kernel: i64, stride: [i64; 2]) -> ConvNorm {
    let padding = [(kernel - 1) / 2; 2];
    ConvNorm::new(path, from, to, ConvNormConfig { kernel: [kernel; 2], stride, padding, ..ConvNormConfig::default() })
}

impl Block {
    fn new(path: &nn::Path, from: i64, to: i64, stride: i64) -> Self {
        Self {
            first: conv_norm(&(path / "a"), from, to, 3, [stride; 2]),
            second: conv_norm(&(path / "b"), to, to, 3, [1; 2]),
            shortcut: (stride != 1 || from != to).then(|| conv_norm(&(path / "shortcut"), from, to, 1, [stride; 2])),
        }
    }

    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let main = self.second.forward(&self.first.forward(x, train).relu_(), train);
        (main + self.shortcut.as_ref().map_or_else(|| x.shallow_clone(), |layer| layer.forward(x, train))).relu_()
    }
}

impl PileupNet {
    /// Fresh variables under `path` for images of `shape`, with so many channels in its stages.
    #[must_use]
    pub fn new(path: &nn::Path, shape: ImageShape, [first, second, third]: [i64; 3]) -> Self {
        let channels = i64::try_from(shape.channels).unwrap_or(i64::MAX);
        Self {
            stem: conv_norm(&(path / "stem"), channels, first, 5, [4, 3]), // [32, 25, 74]
            blocks: vec![
                Block::new(&(path / "block1"), first, first, 1),   // [32, 25, 74]
                Block::new(&(path / "block2"), first, second, 2),  // [64, 13, 37]
                Block::new(&(path / "block3"), second, second, 1), // [64, 13, 37]
                Block::new(&(path / "block4"), second, third, 2),  // [128, 7, 19]
                Block::new(&(path / "block5"), third, third, 1),   // [128, 7, 19]
            ],
            head: nn::linear(path / "head", 2 * third, CLASSES, nn::LinearConfig::default()), // [3]
            kind: Kind::Float,
        }
    }
}

impl Network for PileupNet {
    fn forward(&self, Input { images, .. }: &Input, train: bool) -> Tensor {
        // [n, height, width, channel] seen as [n, channel, height, width]: the bytes stay in channels-last order.
        let kind = if train { Kind::Float } else { self.kind };
        let x = images.permute([0, 3, 1, 2]).to_kind(kind) * SCALE;
        let mut x = self.stem.forward(&x, train).relu_();
        for block in &self.blocks {
            x = block.forward(&x, train);
        }
        let columns = x.mean_dim([2_i64].as_slice(), false, Kind::Float); // [n, 128, 19]
        let middle = columns.select(2, columns.size()[2] / 2); // [n, 128]
        let all = columns.mean_dim([2_i64].as_slice(), false, Kind::Float); // [n, 128]
        Tensor::cat(&[all, middle], 1).apply(&self.head) // [n, 3]
    }

    fn freeze(&mut self, kind: Kind) {
        self.kind = kind;
        self.stem.freeze(kind);
        for block in &mut self.blocks {
            block.first.freeze(kind);
            block.second.freeze(kind);
            block.shortcut.iter_mut().for_each(|layer| layer.freeze(kind));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, nn::VarStore};

    #[test]
    fn any_image_size_gives_three_classes() {
        let _alone = crate::testing::libtorch_random();
        for (height, width, channels) in [(100, 221, 7), (50, 99, 6)] {
            let vars = VarStore::new(Device::Cpu);
            let shape = ImageShape { height, width, channels };
            let net = PileupNet::new(&vars.root(), shape, WIDTHS);
            let size = [2, height, width, channels].map(|n| i64::try_from(n).unwrap());
            let images = Tensor::zeros(size, (Kind::Uint8, Device::Cpu));
            assert_eq!(net.forward(&images.into(), false).size(), [2, 3]);
        }
    }

    #[test]
    fn parameters_are_as_documented() {
        let _alone = crate::testing::libtorch_random();
        let vars = VarStore::new(Device::Cpu);
        let _net = PileupNet::new(&vars.root(), ImageShape { height: 100, width: 221, channels: 7 }, WIDTHS);
        let n: usize = vars.trainable_variables().iter().map(Tensor::numel).sum();
        assert!((650_000..850_000).contains(&n), "{n} parameters");
    }
}
