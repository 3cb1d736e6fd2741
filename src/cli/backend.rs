//! `--device` -> a classifier: libtorch's, or where the program was built without it, the share of supporting reads.

#[cfg(feature = "torch")]
mod chosen {
    use crate::error::{Error, Result};
    use crate::model::Model;
    use crate::pileup::PileupImage;
    use crate::predict::Probabilities;
    use crate::predict::cnn::torch::{DeviceChoice, Precision, TorchClassifier};
    use crate::predict::cnn::{Batch, Classifier};

    /// Where the network runs.
    pub(in crate::cli) struct Backend(tch::Device, Precision);

    /// The device and the precision of these names.
    pub(in crate::cli) fn device(name: &str, precision: &str) -> Result<Backend> {
        let choice: DeviceChoice = name.parse().map_err(|e| Error::Usage(format!("--device {name}: {e}")))?;
        let precision = precision.parse().map_err(|e| Error::Usage(format!("--precision {precision}: {e}")))?;
        Ok(Backend(choice.resolve()?, precision))
    }

    /// What `--device` may name on this machine.
    pub(in crate::cli) fn devices() -> Vec<String> {
        let gpus = match DeviceChoice::Auto.resolve() {
            Ok(tch::Device::Cuda(_)) => tch::Cuda::device_count(),
            _ => 0,
        };
        std::iter::once("cpu".to_owned()).chain((0..gpus).map(|i| format!("cuda:{i}"))).collect()
    }

    /// What a model's network says of an image without reads.
    pub(in crate::cli) fn tried(model: &Model) -> Result<Option<Probabilities>> {
        let mut network = TorchClassifier::load(model, tch::Device::Cpu, Precision::F32, 1)?;
        let shape = model.config.image.shape();
        let mut batch = Batch::new(shape);
        batch.push(&PileupImage::from_bytes(shape, vec![0; shape.bytes()].into())?, None)?;
        Ok(network.classify(&batch)?.first().copied())
    }

    impl Backend {
        pub(in crate::cli) fn on_cpu(&self) -> bool {
            self.0 == tch::Device::Cpu
        }

        pub(in crate::cli) fn load(&self, model: &Model, threads: usize) -> Result<Box<dyn Classifier>> {
            Ok(Box::new(TorchClassifier::load(model, self.0, self.1, threads)?))
        }
    }
}

#[cfg(not(feature = "torch"))]
mod chosen {
    use crate::error::{Error, Result};
    use crate::model::Model;
    use crate::predict::Probabilities;
    use crate::predict::cnn::Classifier;
    use crate::predict::cnn::fixed::SupportClassifier;

    /// Nothing to choose from.
    pub(in crate::cli) struct Backend;

    /// The device of that name; the precision makes no difference.
    pub(in crate::cli) fn device(name: &str, _precision: &str) -> Result<Backend> {
        match name {
            "auto" | "cpu" => {
                log::warn!(
                    "built without libtorch: genotypes come from the share of supporting reads, not from the model's network"
                );
                Ok(Backend)
            }
            other => Err(Error::Usage(format!("--device {other}: this program was built without libtorch"))),
        }
    }

    /// What `--device` may name.
    pub(in crate::cli) fn devices() -> Vec<String> {
        vec!["cpu".into()]
    }

    /// Nothing: there is no network.
    #[allow(clippy::unnecessary_wraps, reason = "stands in for a network")]
    pub(in crate::cli) fn tried(_model: &Model) -> Result<Option<Probabilities>> {
        Ok(None)
    }

    #[allow(clippy::unused_self, reason = "stands in for a device")]
    impl Backend {
        pub(in crate::cli) fn on_cpu(&self) -> bool {
            true
        }

        pub(in crate::cli) fn load(&self, model: &Model, _threads: usize) -> Result<Box<dyn Classifier>> {
            Ok(Box::new(SupportClassifier::new(&model.config.image)?))
        }
    }
}

pub(super) use chosen::{device, devices, tried};
