//! Networks that take a pileup for what it is, a set of reads: 0.15 M parameters.
//!
//! Each row is read by the same one-dimensional convolutions, with the reference beside it; rows then attend to each other
//! (Vaswani et al., "Attention is all you need", 2017; without positions, since rows are a set) and are pooled as in Zaheer et al.,
//! "Deep sets" (2017): mean, sum, maximum and count. Empty rows are left out, so a count is a count. The head also sees the numbers
//! that describe the candidate ([`features`](crate::predict::small::features)).
//!
//! `residual_rows_net` also holds the small model's networks, as they were learned, and adds to their logits: it begins as the small model and
//! learns only what that gets wrong (as in He et al., "Deep residual learning for image recognition", 2015).

use tch::nn::{self, Module as _};
use tch::{Device, Kind, Tensor};

use crate::pileup::ImageShape;
use crate::pileup::spec::REFERENCE_ROWS;
use crate::predict::cnn::networks::ensemble::Ensemble;
use crate::predict::cnn::networks::{Input, Network};
use crate::predict::small::SmallNetwork;

/// Their names in `model.json`: of the one that stands alone, and of the one that adds to the small model's logits.
pub const NAME: &str = "rows_net";
pub const RESIDUAL: &str = "residual_rows_net";

/// Channels of the three convolutions, and of a row afterwards.
const WIDTHS: [i64; 3] = [32, 48, 64];
const ROW: i64 = 64;
/// Heads of attention, width inside its layers, and how many layers.
const HEADS: i64 = 4;
const INSIDE: i64 = 128;
const LAYERS: usize = 2;
/// Numbers of a candidate: hidden, and joined to the head.
const NUMBERS: [i64; 2] = [96, 48];
/// Hidden layer of the head.
const HEAD: i64 = 96;
/// Hom-ref, het, hom-alt.
const CLASSES: i64 = 3;
/// Brings pixel values to -0.5..1.5.
const SCALE: f64 = 1.0 / 127.5;
const SHIFT: f64 = -0.5;
/// Brings counts of rows to about 1.
const COUNT_SCALE: f64 = 1.0 / 30.0;
/// Standardised numbers beyond this are cut.
const FARTHEST: f64 = 6.0;
/// Fewest columns: three are left behind the convolutions.
const MIN_WIDTH: usize = 31;
/// Images that a processor takes at once, and rows that are convolved at once. Always that many, with empty ones behind the last: libtorch chooses its kernels by
/// size, so that only equal sizes give equal results whatever other images are in a batch. Few, as most batches are far from full.
const IMAGES_AT_ONCE: usize = 4;
const ROWS_AT_ONCE: i64 = 128;

/// The network. Shapes below are those of `[64, 147, 7]` images: 59 rows of reads.
#[derive(Debug)]
pub struct RowsNet {
    convolutions: Vec<nn::Conv1D>,
    to_row: nn::Linear,
    layers: Vec<Attention>,
    mean: Tensor,
    scale: Tensor,
    numbers: Vec<nn::Linear>,
    /// The small model that it adds to.
    base: Option<Ensemble>,
    head: Vec<nn::Linear>,
}

/// A layer of a transformer, norm first (Xiong et al., "On layer normalization in the transformer architecture", 2020).
#[derive(Debug)]
struct Attention {
    norm: nn::LayerNorm,
    query_key_value: nn::Linear,
    out: nn::Linear,
    inner_norm: nn::LayerNorm,
    inner: nn::Linear,
    outer: nn::Linear,
}

fn linear(path: &nn::Path, name: &str, from: i64, to: i64) -> nn::Linear {
    nn::linear(path / name, from, to, nn::LinearConfig::default())
}

impl Attention {
    fn new(path: &nn::Path) -> Self {
        let norm = |name: &str| nn::layer_norm(path / name, vec![ROW], nn::LayerNormConfig::default());
        Self {
            norm: norm("norm"),
            query_key_value: linear(path, "query_key_value", ROW, 3 * ROW),
            out: linear(path, "out", ROW, ROW),
            inner_norm: norm("inner_norm"),
            inner: linear(path, "inner", ROW, INSIDE),
            outer: linear(path, "outer", INSIDE, ROW),
        }
    }

    /// `[n, rows, 64]` to the same; `bias` `[n, 1, 1, rows]` is very low where a row is empty.
    fn forward(&self, x: &Tensor, bias: &Tensor) -> Tensor {
        let (n, rows) = (x.size()[0], x.size()[1]);
        let parts = self.query_key_value.forward(&self.norm.forward(x)); // [n, rows, 192]
        let parts = parts.view([n, rows, 3, HEADS, ROW / HEADS]).permute([2, 0, 3, 1, 4]); // [3, n, 4, rows, 16]
        let [query, key, value] = [0, 1, 2].map(|i| parts.get(i));
        #[allow(clippy::cast_precision_loss, reason = "16")]
        let weights = query.matmul(&key.transpose(-2, -1)) / ((ROW / HEADS) as f64).sqrt() + bias;
        let seen = weights.softmax(-1, Kind::Float).matmul(&value); // [n, 4, rows, 16]
        let seen = seen.transpose(1, 2).reshape([n, rows, ROW]);
        let x = x + self.out.forward(&seen);
        let inner = self.inner.forward(&self.inner_norm.forward(&x)).relu();
        x + self.outer.forward(&inner)
    }
}

impl RowsNet {
    /// Fresh variables under `path` for images of `shape` and `numbers` features; a residual network adds to the small model's logits.
    ///
    /// # Errors
    /// A sentence, where images are too small.
    pub fn new(path: &nn::Path, shape: ImageShape, numbers: usize, residual: bool) -> Result<Self, String> {
        if shape.width < MIN_WIDTH || shape.height <= REFERENCE_ROWS {
            return Err(format!(
                "rows_net takes images of {MIN_WIDTH} columns and {} rows at least; these are {shape}",
                REFERENCE_ROWS + 1
            ));
        }
        let [channels, numbers] = [shape.channels + 1, numbers].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let convolution = |name: &str, from: i64, to: i64, kernel: i64, stride: i64| {
            let config = nn::ConvConfig { stride, padding: kernel / 2, ..nn::ConvConfig::default() };
            nn::conv1d(path / name, from, to, kernel, config)
        };
        let [first, second, third] = WIDTHS;
        let pooled = 3 * ROW + 1;
        let base = residual.then(|| Ensemble::new(&(path / "base"), numbers));
        // A residual network also sees the small model's probabilities. It begins as the small model: nothing is added, nothing taken away.
        let (seen, outputs, config) = if residual {
            let zero = nn::Init::Const(0.0);
            (CLASSES, CLASSES + 1, nn::LinearConfig { ws_init: zero, bs_init: Some(zero), bias: true })
        } else {
            (0, CLASSES, nn::LinearConfig::default())
        };
        // In an order that stays, since a seed gives each layer its numbers in turn.
        Ok(Self {
            convolutions: vec![
                convolution("conv1", channels, first, 7, 3), // [32, 49]
                convolution("conv2", first, second, 5, 2),   // [48, 25]
                convolution("conv3", second, third, 3, 2),   // [64, 13]
            ],
            to_row: linear(path, "to_row", 4 * third, ROW), // [64]
            layers: (1..=LAYERS).map(|i| Attention::new(&(path / format!("layer{i}")))).collect(),
            mean: path.zeros_no_train("numbers_mean", &[numbers]),
            scale: path.ones_no_train("numbers_scale", &[numbers]),
            numbers: vec![
                linear(path, "numbers1", numbers + 1, NUMBERS[0]),
                linear(path, "numbers2", NUMBERS[0], NUMBERS[1]),
            ],
            base,
            head: vec![
                linear(path, "head1", pooled + NUMBERS[1] + seen, HEAD),
                nn::linear(path / "head2", HEAD, outputs, config), // [3], or [4] of a residual network
            ],
        })
    }

    /// Rows `[k, channel + 1, width]` to `[k, 64]`.
    fn rows(&self, rows: &Tensor) -> Tensor {
        let mut x = rows.shallow_clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x).relu();
        }
        let middle = x.size()[2] / 2;
        let near = x.narrow(2, middle - 1, 3).flatten(1, 2); // [k, 192]
        let all = x.mean_dim([2_i64].as_slice(), false, Kind::Float); // [k, 64]
        self.to_row.forward(&Tensor::cat(&[near, all], 1)).relu()
    }

    /// The rows of images that hold reads, in blocks of equal size: `[k, 64]`.
    fn rows_in_blocks(&self, rows: &Tensor) -> Tensor {
        let count = rows.size()[0];
        let missing = (ROWS_AT_ONCE - count % ROWS_AT_ONCE) % ROWS_AT_ONCE;
        let padded = rows.constant_pad_nd([0, 0, 0, 0, 0, missing]);
        let blocks: Vec<Tensor> = padded.split(ROWS_AT_ONCE, 0).iter().map(|block| self.rows(block)).collect();
        Tensor::cat(&blocks, 0).narrow(0, 0, count)
    }

    /// Standardised numbers `[n, numbers]` and whether they are known `[n, 1]`, to `[n, 48]`.
    fn numbers(&self, standardised: &Tensor, known: &Tensor) -> Tensor {
        let mut x = Tensor::cat(&[&(standardised.clamp(-FARTHEST, FARTHEST) * known), known], 1);
        for layer in &self.numbers {
            x = layer.forward(&x).relu();
        }
        x
    }

    /// Logits of images, all at once.
    fn logits(&self, input: &Input, train: bool) -> Tensor {
        let images = input.images.permute([0, 1, 3, 2]); // [n, 64, 7, 147]
        let height = images.size()[1];
        let first = i64::try_from(REFERENCE_ROWS).unwrap_or(i64::MAX);
        let reads = images.narrow(1, first, height - first); // [n, 59, 7, 147]
        let holds = reads.amax([2_i64, 3].as_slice(), false).not_equal(0); // [n, 59]
        let reference = images
            .narrow(1, 0, 1)
            .narrow(2, 0, 1)
            .expand([reads.size()[0], reads.size()[1], 1, reads.size()[3]], false);
        let rows = Tensor::cat(&[reads, reference], 2); // [n, 59, 8, 147]
        let held = holds.flatten(0, 1).nonzero().squeeze_dim(1); // [k]
        let rows = rows.flatten(0, 1).index_select(0, &held).to_kind(Kind::Float) * SCALE + SHIFT; // [k, 8, 147]
        let described = if train { self.rows(&rows) } else { self.rows_in_blocks(&rows) }; // [k, 64]
        let mask = holds.unsqueeze(-1).to_kind(Kind::Float); // [n, 59, 1]
        let empty = Tensor::zeros([mask.size()[0] * mask.size()[1], ROW], (Kind::Float, described.device()));
        let mut x = empty.index_copy(0, &held, &described).view([mask.size()[0], mask.size()[1], ROW]); // [n, 59, 64]
        let bias = ((&mask - 1.0) * 1e9).view([mask.size()[0], 1, 1, mask.size()[1]]);
        for layer in &self.layers {
            x = layer.forward(&x, &bias) * &mask;
        }
        let count = mask.sum_dim_intlist([1_i64].as_slice(), false, Kind::Float); // [n, 1]
        let sum = x.sum_dim_intlist([1_i64].as_slice(), false, Kind::Float); // [n, 64]
        let mean = &sum / count.clamp_min(1.0);
        let highest = (&x + (&mask - 1.0) * 1e4).amax([1_i64].as_slice(), false).clamp_min(-1e3); // [n, 64]
        let width = input.features.size()[1] - 1;
        let known = input.features.narrow(1, width, 1); // [n, 1]
        let standardised = (input.features.narrow(1, 0, width) - &self.mean) / &self.scale; // [n, numbers]
        let numbers = self.numbers(&standardised, &known);
        let mut pooled = vec![mean, sum * COUNT_SCALE, highest, count * COUNT_SCALE, numbers];
        let base = self.base.as_ref().map(|base| base.forward(&standardised) * &known); // [n, 3]
        pooled.extend(base.as_ref().map(|base| base.softmax(-1, Kind::Float)));
        let out = self.head[1].forward(&self.head[0].forward(&Tensor::cat(&pooled, 1)).relu());
        let Some(base) = base else { return out }; // [n, 3]
        // What is added to each class, and by how much the small model's logits count more or less.
        out.narrow(1, 0, CLASSES) + base * (out.narrow(1, CLASSES, 1) + 1.0)
    }
}

impl Network for RowsNet {
    fn forward(&self, input: &Input, train: bool) -> Tensor {
        if train || input.images.device() != Device::Cpu {
            return self.logits(input, train);
        }
        let at_once = i64::try_from(IMAGES_AT_ONCE).unwrap_or(i64::MAX);
        let blocks = input.images.split(at_once, 0).into_iter().zip(input.features.split(at_once, 0));
        let logits = blocks.map(|(images, features)| self.logits(&Input { images, features }, train));
        Tensor::cat(&logits.collect::<Vec<_>>(), 0)
    }

    fn images_at_once(&self) -> usize {
        IMAGES_AT_ONCE
    }

    fn standardise(&mut self, mean: &[f32], scale: &[f32]) {
        tch::no_grad(|| {
            self.mean.copy_(&Tensor::from_slice(mean));
            self.scale.copy_(&Tensor::from_slice(scale));
        });
    }

    fn add_to(&mut self, small_model: Option<&SmallNetwork>) -> Result<bool, String> {
        let Some(base) = &mut self.base else { return Ok(false) };
        let small_model = small_model.ok_or_else(|| {
            format!(
                "{RESIDUAL} adds to a small model of the same features, and --out has none; train one with --learn all"
            )
        })?;
        base.set(small_model)?;
        self.standardise(&small_model.mean, &small_model.scale);
        Ok(true)
    }

    fn freeze(&mut self, _: Kind) {}
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;

    use super::*;
    use crate::predict::small::{FEATURES, FeatureId, Features};

    const SHAPE: ImageShape = ImageShape { height: 16, width: 61, channels: 7 };

    const KNOWN: Features = [0.3; FEATURES];

    /// Images whose rows of reads hold these values, `[n][rows]`; 0 is an empty row.
    fn input(images: &[&[u8]]) -> Input {
        let row = SHAPE.width * SHAPE.channels;
        let mut bytes = Vec::new();
        for rows in images {
            bytes.extend(vec![100; REFERENCE_ROWS * row]);
            (0..SHAPE.height - REFERENCE_ROWS).for_each(|i| bytes.extend(vec![rows.get(i).copied().unwrap_or(0); row]));
        }
        let features: Vec<_> = (0..images.len()).map(|i| (i % 2 == 0).then_some(KNOWN)).collect();
        let taken: Vec<FeatureId> = FeatureId::all().collect();
        let size = [images.len(), SHAPE.height, SHAPE.width, SHAPE.channels];
        Input::new(&bytes, size, &features, &taken, Device::Cpu).unwrap()
    }

    fn network(store: &VarStore) -> RowsNet {
        tch::manual_seed(4);
        RowsNet::new(&store.root(), SHAPE, FEATURES, false).unwrap()
    }

    fn near(a: &Tensor, b: &Tensor) -> bool {
        f64::try_from((a - b).abs().max()).unwrap() < 1e-4
    }

    #[test]
    fn rows_are_a_set() {
        let _alone = crate::testing::libtorch_random();
        let store = VarStore::new(Device::Cpu);
        let network = network(&store);
        let of = |images: &[&[u8]]| network.forward(&input(images), false);
        let logits = of(&[&[10, 200, 90, 30], &[]]);
        assert_eq!(logits.size(), [2, 3]);
        assert!(near(&logits, &of(&[&[90, 30, 10, 200], &[]])), "their order");
        assert!(near(&logits, &of(&[&[90, 0, 30, 0, 0, 10, 200], &[]])), "empty rows");
        assert!(!near(&logits, &of(&[&[90, 30, 10, 200, 200], &[]])), "their number counts");
    }

    #[test]
    fn other_images_of_a_batch_do_not_matter() {
        let _alone = crate::testing::libtorch_random();
        let store = VarStore::new(Device::Cpu);
        let network = network(&store);
        let full: Vec<u8> = (1..=11).map(|i| 20 * i).collect();
        let first = |others: &[&[u8]]| {
            let mut images: Vec<&[u8]> = vec![&[10, 200, 90, 30]];
            images.extend(others);
            Vec::<f32>::try_from(network.forward(&input(&images), false).get(0)).unwrap()
        };
        let alone = first(&[&[], &[], &[]]);
        assert_eq!(alone, first(&[&full, &[5], &full]));
        assert_eq!(alone, first(&[full.as_slice(); 15]));
        let batch: Vec<&[u8]> = (0..8).map(|i| if i < 5 { &full[..] } else { &[] }).collect();
        let logits = network.forward(&input(&batch), false);
        assert!(near(&logits.get(4), &logits.get(0)) && !near(&logits.get(4), &logits.get(1)), "one has no features");
    }

    #[test]
    fn features_are_standardised_and_may_be_unknown() {
        let _alone = crate::testing::libtorch_random();
        let store = VarStore::new(Device::Cpu);
        let mut network = network(&store);
        let of = |network: &RowsNet| network.forward(&input(&[&[10, 200], &[10, 200]]), false);
        let before = of(&network);
        assert!(!near(&before.get(0), &before.get(1)), "one has features");
        network.standardise(&[0.3; FEATURES], &[2.0; FEATURES]);
        let after = of(&network);
        assert!(!near(&before.get(0), &after.get(0)) && near(&before.get(1), &after.get(1)));
    }

    #[test]
    fn a_residual_network_begins_as_the_small_model() {
        let _alone = crate::testing::libtorch_random();
        let store = VarStore::new(Device::Cpu);
        tch::manual_seed(4);
        let network = RowsNet::new(&store.root(), SHAPE, FEATURES, true).unwrap();
        for (name, mut variable) in store.variables() {
            if name.starts_with("base") {
                let _ = tch::no_grad(|| variable.fill_(0.01));
            }
        }
        let logits = network.forward(&input(&[&[10, 200], &[10, 200]]), false);
        let features = Tensor::from_slice(&KNOWN).unsqueeze(0);
        let base = network.base.as_ref().unwrap().forward(&features);
        assert!(near(&logits.get(0), &base.get(0)) && f64::try_from(base.abs().max()).unwrap() > 0.01);
        assert!(near(&logits.get(1), &Tensor::zeros([3], (Kind::Float, Device::Cpu))), "it has no features");
    }

    #[test]
    fn a_residual_network_needs_a_small_model() {
        let store = VarStore::new(Device::Cpu);
        let of = |residual| {
            RowsNet::new(&(store.root() / residual), SHAPE, FEATURES, residual == RESIDUAL).unwrap().add_to(None)
        };
        assert!(of(RESIDUAL).unwrap_err().contains("--learn all") && of(NAME) == Ok(false));
    }

    #[test]
    fn it_learns() {
        let _alone = crate::testing::libtorch_random();
        let store = VarStore::new(Device::Cpu);
        let network = network(&store);
        let images = input(&[&[50, 50, 50], &[50, 200, 50, 200], &[200, 200, 200, 200]]);
        let classes = Tensor::from_slice(&[0_i64, 1, 2]);
        let mut optimizer = nn::OptimizerConfig::build(nn::Adam::default(), &store, 3e-3).unwrap();
        for _ in 0..60 {
            optimizer.backward_step(&network.forward(&images, true).cross_entropy_for_logits(&classes));
        }
        let found = Vec::<i64>::try_from(network.forward(&images, false).argmax(-1, false)).unwrap();
        assert_eq!(found, [0, 1, 2]);
    }

    #[test]
    fn parameters_are_as_documented() {
        let store = VarStore::new(Device::Cpu);
        let _network =
            RowsNet::new(&store.root(), ImageShape { height: 64, width: 147, channels: 7 }, FEATURES, false).unwrap();
        let n: usize = store.trainable_variables().iter().map(Tensor::numel).sum();
        assert!((130_000..170_000).contains(&n), "{n} parameters");
        let small = ImageShape { height: 5, width: 147, channels: 7 };
        assert!(RowsNet::new(&store.root(), small, FEATURES, true).unwrap_err().contains("rows"));
    }
}
