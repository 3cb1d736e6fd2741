//! A convolution and its batch norm (Ioffe and Szegedy 2015, arXiv:1502.03167): two steps while learning, one when frozen.

use tch::nn::{self, Init};
use tch::{Kind, Tensor};

/// How a [`ConvNorm`] is built.
#[derive(Clone, Copy, Debug)]
pub struct ConvNormConfig {
    /// Kernel, rows and columns.
    pub kernel: [i64; 2],
    /// Stride, rows and columns.
    pub stride: [i64; 2],
    /// Rows and columns of zeros on each side.
    pub padding: [i64; 2],
    /// Added to the variance.
    pub epsilon: f64,
    /// Share of the newest batch in the running statistics.
    pub momentum: f64,
    /// Whether the norm learns a scale; it always learns a shift.
    pub scale: bool,
    /// The kernel's first values.
    pub init: Init,
}

impl Default for ConvNormConfig {
    /// 1 x 1, and what libtorch's layers do by default.
    fn default() -> Self {
        Self {
            kernel: [1; 2],
            stride: [1; 2],
            padding: [0; 2],
            epsilon: 1e-5,
            momentum: 0.1,
            scale: true,
            init: nn::init::DEFAULT_KAIMING_UNIFORM,
        }
    }
}

/// A convolution without bias, then a batch norm. Variables: `conv.weight` `[to, from, rows, columns]`; `norm.weight` (with a
/// scale), `norm.bias`, `norm.running_mean`, `norm.running_var`, each `[to]`.
#[derive(Debug)]
pub struct ConvNorm {
    weight: Tensor,
    scale: Option<Tensor>,
    shift: Tensor,
    mean: Tensor,
    variance: Tensor,
    config: ConvNormConfig,
    frozen: Option<(Tensor, Tensor)>,
}

impl ConvNorm {
    /// Fresh variables under `path` for a map of `from` channels to `to`.
    #[must_use]
    pub fn new(path: &nn::Path, from: i64, to: i64, config: ConvNormConfig) -> Self {
        let [rows, columns] = config.kernel;
        let norm = path / "norm";
        Self {
            weight: (path / "conv").var("weight", &[to, from, rows, columns], config.init),
            mean: norm.zeros_no_train("running_mean", &[to]),
            variance: norm.ones_no_train("running_var", &[to]),
            scale: config.scale.then(|| norm.ones("weight", &[to])),
            shift: norm.zeros("bias", &[to]),
            config,
            frozen: None,
        }
    }

    /// `[n, from, rows, columns]` to `[n, to, rows, columns]`; `train` takes the batch's own statistics.
    pub fn forward(&self, x: &Tensor, train: bool) -> Tensor {
        let convolved = |weight: &Tensor, bias: Option<&Tensor>| {
            x.conv2d(weight, bias, self.config.stride, self.config.padding, [1, 1], 1)
        };
        match &self.frozen {
            Some((weight, bias)) if !train => convolved(weight, Some(bias)),
            _ => convolved(&self.weight, None).batch_norm(
                self.scale.as_ref(),
                Some(&self.shift),
                Some(&self.mean),
                Some(&self.variance),
                train,
                self.config.momentum,
                self.config.epsilon,
                true,
            ),
        }
    }

    /// From now on inference is one convolution in `kind`, made of the variables as they are.
    pub fn freeze(&mut self, kind: Kind) {
        self.frozen = Some(tch::no_grad(|| {
            let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
            let factor = (double(&self.variance) + self.config.epsilon).rsqrt();
            let factor = self.scale.as_ref().map_or_else(|| factor.shallow_clone(), |scale| double(scale) * &factor);
            let weight = double(&self.weight) * factor.reshape([-1, 1, 1, 1]);
            let bias = double(&self.shift) - double(&self.mean) * factor;
            // Channels innermost, as the images are.
            let weight = weight.to_kind(kind).permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
            (weight, bias.to_kind(kind))
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, nn::VarStore};

    #[test]
    fn frozen_is_the_same_map() {
        let _alone = crate::testing::libtorch_random();
        tch::manual_seed(7);
        let vars = VarStore::new(Device::Cpu);
        for scale in [false, true] {
            let config =
                ConvNormConfig { kernel: [3, 5], stride: [2, 1], padding: [1, 2], scale, ..Default::default() };
            let mut layer = ConvNorm::new(&(vars.root() / i64::from(scale)), 4, 6, config);
            tch::no_grad(|| {
                for tensor in [&mut layer.mean, &mut layer.shift] {
                    let _ = tensor.normal_(0.5, 1.0);
                }
                let _ = layer.variance.uniform_(0.1, 3.0);
            });
            let x = Tensor::randn([2, 4, 9, 11], (Kind::Float, Device::Cpu));
            let apart = layer.forward(&x, false);
            layer.freeze(Kind::Float);
            let folded = layer.forward(&x, false);
            assert_eq!(folded.size(), [2, 6, 5, 11]);
            assert!((&apart - &folded).abs().max().double_value(&[]) < 1e-5);
            layer.freeze(Kind::BFloat16);
            let coarse = layer.forward(&x.to_kind(Kind::BFloat16), false).to_kind(Kind::Float);
            let off = (apart - coarse).abs().max().double_value(&[]);
            assert!(off > 0.0 && off < 0.1, "{off}");
        }
    }
}
