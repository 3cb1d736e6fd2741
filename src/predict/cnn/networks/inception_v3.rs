//! Inception v3: 21.8 M parameters, 1.01 G multiply-adds for a 100 x 221 x 7 image. The network of DeepVariant's published models.
//!
//! Szegedy et al., "Rethinking the Inception architecture for computer vision" (2015), arXiv:1512.00567, as Keras builds it without
//! its top (`keras.applications.InceptionV3(include_top=False, pooling="avg")`): norms with epsilon 0.001, without scale; strides
//! of 2 only without padding, so that Keras's `same` is plain symmetric padding; average pools that leave padding out of the
//! count. Then dropout and three classes. Convolutions are numbered as Keras numbers them: `conv0` is its `conv2d`, `conv93` its
//! `conv2d_93`, and so are the norms.

use tch::nn::{self, Init};
use tch::{Kind, Tensor};

use crate::pileup::ImageShape;
use crate::predict::cnn::networks::conv_norm::{ConvNorm, ConvNormConfig};
use crate::predict::cnn::networks::{Input, Network};

/// Its name in `model.json`.
pub const NAME: &str = "inception_v3";
/// Convolutions, each with its norm.
pub const CONVOLUTIONS: usize = 94;
/// Least rows and columns of an image: under that the last pool has nothing to pool.
pub const MIN_SIDE: usize = 75;

/// Classes: none, one or both alleles are among the image's.
const CLASSES: i64 = 3;
/// Share of features that training drops.
const DROPOUT: f64 = 0.2;
/// What is taken from pixels, and what they are divided by then.
const CENTRE: f64 = 128.0;

/// The network. Shapes below are those of a `[100, 221, 7]` image.
#[derive(Debug)]
pub struct InceptionV3 {
    stem: Vec<ConvNorm>,
    blocks: Vec<Block>,
    head: nn::Linear,
    kind: Kind,
}

/// Branches side by side, put together along the channels.
#[derive(Debug)]
struct Block(Vec<Branch>);

#[derive(Debug)]
struct Branch {
    pool: Pool,
    chain: Vec<ConvNorm>,
    /// Two more at the chain's end, beside each other.
    split: Vec<ConvNorm>,
}

/// What stands at a branch's start.
#[derive(Clone, Copy, Debug)]
enum Pool {
    None,
    /// 3 x 3, stride 1, same size.
    Average,
    /// 3 x 3, stride 2, no padding.
    Max,
}

/// A convolution of a chain: channels out, kernel, and whether it halves the size.
type Step = (i64, [i64; 2], bool);

/// Makes convolutions in Keras's order.
struct Builder<'a> {
    path: nn::Path<'a>,
    made: usize,
}

impl Builder<'_> {
    fn conv(&mut self, from: i64, to: i64, kernel: [i64; 2], stride: i64, padded: bool) -> ConvNorm {
        let area = kernel[0] * kernel[1];
        #[allow(clippy::cast_precision_loss, reason = "some thousands")]
        // Glorot and Bengio 2010, uniform: Keras's default.
        let bound = (6.0 / ((from + to) * area) as f64).sqrt();
        let config = ConvNormConfig {
            kernel,
            stride: [stride; 2],
            padding: if padded { kernel.map(|side| (side - 1) / 2) } else { [0; 2] },
            epsilon: 1e-3,
            momentum: 0.01,
            scale: false,
            init: Init::Uniform { lo: -bound, up: bound },
        };
        let path = &self.path / format!("conv{}", self.made);
        self.made += 1;
        ConvNorm::new(&path, from, to, config)
    }

    fn branch(&mut self, pool: Pool, from: i64, steps: &[Step], split: &[Step]) -> Branch {
        let mut width = from;
        let mut chain = Vec::new();
        for &(to, kernel, halves) in steps {
            chain.push(self.conv(width, to, kernel, if halves { 2 } else { 1 }, !halves));
            width = to;
        }
        let split = split.iter().map(|&(to, kernel, _)| self.conv(width, to, kernel, 1, true)).collect();
        Branch { pool, chain, split }
    }

    /// 1x1, 5x5, two 3x3, pool.
    fn block_a(&mut self, from: i64, pooled: i64) -> Block {
        Block(vec![
            self.branch(Pool::None, from, &[(64, [1, 1], false)], &[]),
            self.branch(Pool::None, from, &[(48, [1, 1], false), (64, [5, 5], false)], &[]),
            self.branch(Pool::None, from, &[(64, [1, 1], false), (96, [3, 3], false), (96, [3, 3], false)], &[]),
            self.branch(Pool::Average, from, &[(pooled, [1, 1], false)], &[]),
        ])
    }

    fn halving_a(&mut self, from: i64) -> Block {
        Block(vec![
            self.branch(Pool::None, from, &[(384, [3, 3], true)], &[]),
            self.branch(Pool::None, from, &[(64, [1, 1], false), (96, [3, 3], false), (96, [3, 3], true)], &[]),
            self.branch(Pool::Max, from, &[], &[]),
        ])
    }

    /// 1x1, one 7x7 in two parts, two 7x7 in four, pool.
    fn block_b(&mut self, inner: i64) -> Block {
        let (row, column) = ([1, 7], [7, 1]);
        let first = (inner, [1, 1], false);
        Block(vec![
            self.branch(Pool::None, 768, &[(192, [1, 1], false)], &[]),
            self.branch(Pool::None, 768, &[first, (inner, row, false), (192, column, false)], &[]),
            self.branch(
                Pool::None,
                768,
                &[first, (inner, column, false), (inner, row, false), (inner, column, false), (192, row, false)],
                &[],
            ),
            self.branch(Pool::Average, 768, &[(192, [1, 1], false)], &[]),
        ])
    }

    fn halving_b(&mut self) -> Block {
        let first = (192, [1, 1], false);
        Block(vec![
            self.branch(Pool::None, 768, &[first, (320, [3, 3], true)], &[]),
            self.branch(
                Pool::None,
                768,
                &[first, (192, [1, 7], false), (192, [7, 1], false), (192, [3, 3], true)],
                &[],
            ),
            self.branch(Pool::Max, 768, &[], &[]),
        ])
    }

    /// 1x1, 3x3 spread out, 3x3 and 3x3 spread out, pool.
    fn block_c(&mut self, from: i64) -> Block {
        let spread = [(384, [1, 3], false), (384, [3, 1], false)];
        Block(vec![
            self.branch(Pool::None, from, &[(320, [1, 1], false)], &[]),
            self.branch(Pool::None, from, &[(384, [1, 1], false)], &spread),
            self.branch(Pool::None, from, &[(448, [1, 1], false), (384, [3, 3], false)], &spread),
            self.branch(Pool::Average, from, &[(192, [1, 1], false)], &[]),
        ])
    }
}

impl Block {
    fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let parts: Vec<Tensor> = self.0.iter().flat_map(|branch| branch.forward(x, train)).collect();
        Tensor::cat(&parts, 1)
    }
}

impl Branch {
    fn forward(&self, x: &Tensor, train: bool) -> Vec<Tensor> {
        let mut x = match self.pool {
            Pool::None => x.shallow_clone(),
            Pool::Average => x.avg_pool2d([3, 3], [1, 1], [1, 1], false, false, None),
            Pool::Max => max_pool(x),
        };
        for layer in &self.chain {
            x = layer.forward(&x, train).relu_();
        }
        if self.split.is_empty() {
            vec![x]
        } else {
            self.split.iter().map(|layer| layer.forward(&x, train).relu_()).collect()
        }
    }

    fn layers(&mut self) -> impl Iterator<Item = &mut ConvNorm> {
        self.chain.iter_mut().chain(&mut self.split)
    }
}

fn max_pool(x: &Tensor) -> Tensor {
    x.max_pool2d([3, 3], [2, 2], [0, 0], [1, 1], false)
}

impl InceptionV3 {
    /// Fresh variables under `path` for images of `shape`, or why such images are too small.
    ///
    /// # Errors
    /// A sentence, for images with fewer than [`MIN_SIDE`] rows or columns.
    pub fn new(path: &nn::Path, shape: ImageShape) -> Result<Self, String> {
        if shape.height < MIN_SIDE || shape.width < MIN_SIDE {
            return Err(format!("{NAME} needs images of {MIN_SIDE} x {MIN_SIDE} or more, these are {shape}"));
        }
        let channels = i64::try_from(shape.channels).unwrap_or(i64::MAX);
        let mut make = Builder { path: path.clone(), made: 0 };
        let stem = vec![
            make.conv(channels, 32, [3, 3], 2, false), // [32, 49, 110]
            make.conv(32, 32, [3, 3], 1, false),       // [32, 47, 108]
            make.conv(32, 64, [3, 3], 1, true),        // [64, 47, 108], pooled to [64, 23, 53]
            make.conv(64, 80, [1, 1], 1, false),       // [80, 23, 53]
            make.conv(80, 192, [3, 3], 1, false),      // [192, 21, 51], pooled to [192, 10, 25]
        ];
        let blocks = vec![
            make.block_a(192, 32), // [256, 10, 25]
            make.block_a(256, 64), // [288, 10, 25]
            make.block_a(288, 64), // [288, 10, 25]
            make.halving_a(288),   // [768, 4, 12]
            make.block_b(128),     // [768, 4, 12]
            make.block_b(160),     // [768, 4, 12]
            make.block_b(160),     // [768, 4, 12]
            make.block_b(192),     // [768, 4, 12]
            make.halving_b(),      // [1280, 1, 5]
            make.block_c(1280),    // [2048, 1, 5]
            make.block_c(2048),    // [2048, 1, 5]
        ];
        debug_assert_eq!(make.made, CONVOLUTIONS);
        let head = nn::linear(path / "classification", 2048, CLASSES, nn::LinearConfig::default()); // [3]
        Ok(Self { stem, blocks, head, kind: Kind::Float })
    }
}

impl Network for InceptionV3 {
    fn forward(&self, Input { images, .. }: &Input, train: bool) -> Tensor {
        // [n, height, width, channel] seen as [n, channel, height, width]: the bytes stay in channels-last order. Both steps
        // are exact in bf16: whole numbers up to 256, then a power of two.
        let kind = if train { Kind::Float } else { self.kind };
        let mut x = (images.permute([0, 3, 1, 2]).to_kind(kind) - CENTRE) / CENTRE;
        for (i, layer) in self.stem.iter().enumerate() {
            x = layer.forward(&x, train).relu_();
            if i == 2 || i == 4 {
                x = max_pool(&x);
            }
        }
        for block in &self.blocks {
            x = block.forward(&x, train);
        }
        let features = x.mean_dim([2_i64, 3].as_slice(), false, Kind::Float); // [n, 2048]
        features.dropout(DROPOUT, train).apply(&self.head) // [n, 3]
    }

    fn freeze(&mut self, kind: Kind) {
        self.kind = kind;
        self.stem.iter_mut().for_each(|layer| layer.freeze(kind));
        let branches = self.blocks.iter_mut().flat_map(|block| &mut block.0);
        branches.flat_map(Branch::layers).for_each(|layer| layer.freeze(kind));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, nn::VarStore};

    fn images(n: i64, shape: ImageShape) -> Tensor {
        let size = [shape.height, shape.width, shape.channels].map(|n| i64::try_from(n).unwrap());
        Tensor::randint(255, [n, size[0], size[1], size[2]], (Kind::Uint8, Device::Cpu))
    }

    #[test]
    fn parameters_are_those_of_keras() {
        let _alone = crate::testing::libtorch_random();
        let vars = VarStore::new(Device::Cpu);
        let _net = InceptionV3::new(&vars.root(), ImageShape { height: 100, width: 221, channels: 7 }).unwrap();
        // model.count_params() of Keras's with pooling, dropout and three classes.
        let n: usize = vars.variables().values().map(Tensor::numel).sum();
        assert_eq!((vars.len(), n), (94 * 4 + 2, 21_810_083));
    }

    #[test]
    fn it_learns_and_freezes_at_any_size() {
        let _alone = crate::testing::libtorch_random();
        tch::manual_seed(1);
        for (height, width, channels) in [(75, 75, 1), (100, 147, 9)] {
            let vars = VarStore::new(Device::Cpu);
            let shape = ImageShape { height, width, channels };
            let mut net = InceptionV3::new(&vars.root(), shape).unwrap();
            let images = Input::from(images(2, shape));
            let loss = net.forward(&images, true).cross_entropy_for_logits(&Tensor::from_slice(&[0_i64, 2]));
            loss.backward();
            let reached = vars
                .trainable_variables()
                .iter()
                .filter(|v| v.grad().abs().sum(Kind::Float).double_value(&[]) > 0.0)
                .count();
            assert_eq!(reached, 94 * 2 + 2);
            let before = net.forward(&images, false);
            net.freeze(Kind::Float);
            let after = net.forward(&images, false);
            assert_eq!(after.size(), [2, 3]);
            assert!((before - after).abs().max().double_value(&[]) < 1e-3);
        }
    }

    #[test]
    fn small_images_are_refused() {
        let _alone = crate::testing::libtorch_random();
        let vars = VarStore::new(Device::Cpu);
        let shape = ImageShape { height: 50, width: 221, channels: 7 };
        assert!(InceptionV3::new(&vars.root(), shape).unwrap_err().contains("[50, 221, 7]"));
    }
}
