//! The classifier on libtorch: one network on one device, owned by one thread.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::OnceLock;

use tch::{Cuda, Device, Kind, Tensor, nn};

use crate::error::{Error, Parameter, Result};
use crate::model::store::Model;
use crate::pileup::ImageShape;
use crate::predict::Probabilities;
use crate::predict::cnn::networks::{self, Input, Network, inception_v3};
use crate::predict::cnn::{BATCH_SIZE, Batch, Classifier};
use crate::predict::small::FeatureId;

/// Where the network runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// CUDA where it is there, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of that index.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" || text == "gpu" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) => {
                index.parse().map(Self::Cuda).map_err(|_| format!("'{index}' is not a GPU's index"))
            }
            _ => Err("expected auto, cpu, cuda or cuda:N".into()),
        }
    }
}

impl DeviceChoice {
    /// The device itself; loads libtorch's CUDA half first, unless the CPU is asked for.
    ///
    /// # Errors
    /// [`Error::Input`] where CUDA is asked for and not there.
    pub fn resolve(self) -> Result<Device> {
        let cuda = if self == Self::Cpu { Err("not asked for") } else { load_cuda() };
        match (self, cuda) {
            (Self::Auto, Ok(())) if Cuda::is_available() => Ok(Device::Cuda(0)),
            (Self::Cpu | Self::Auto, _) => Ok(Device::Cpu),
            (Self::Cuda(index), Ok(())) => match usize::try_from(Cuda::device_count()) {
                Ok(n) if index < n => Ok(Device::Cuda(index)),
                Ok(n) if n > 0 => {
                    Err(no_device(&format!("cuda:{index}"), &format!("this machine has {n} GPU(s), counted from 0")))
                }
                _ => Err(no_device("cuda", "no GPU or no NVIDIA driver is on this machine; use cpu or auto")),
            },
            (Self::Cuda(_), Err(why)) => Err(no_device("cuda", why)),
        }
    }
}

/// The error for a device that is not there: of the machine, not of the command line.
fn no_device(name: &str, problem: &str) -> Error {
    Error::input_or_set(name, problem, Parameter::Device)
}

/// The numbers that the network calculates with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// bf16 on a CPU that is known to run the network faster in it, else fp32.
    #[default]
    Auto,
    /// 32 bits.
    F32,
    /// 16 bits with the range of 32, sums in 32.
    Bf16,
}

impl FromStr for Precision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            _ => Err("expected auto, f32 or bf16".into()),
        }
    }
}

impl Precision {
    fn resolve(self, device: Device, network: &str) -> Kind {
        let is_faster = || {
            let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
            is_faster_in_bf16(&processor, network)
        };
        match self {
            Self::Bf16 => Kind::BFloat16,
            Self::Auto if device == Device::Cpu && is_faster() => Kind::BFloat16,
            Self::Auto | Self::F32 => Kind::Float,
        }
    }
}

/// Whether a network is faster in bf16 on the processor of a `/proc/cpuinfo`. A rule rather than a measurement at start-up: the same machine must
/// give the same calls in each run, and small networks must not wait. Any network gains with AMX, which multiplies matrices of bf16. Without it
/// Inception v3 gains on AMD's processors that have AVX512-BF16 (2.0 times the images/s) and loses on Intel's (0.7 times), whose products
/// of bf16 are half as fast as those of fp32; small networks were not measured on AMD's, and lose on Intel's (docs/performance.md).
fn is_faster_in_bf16(processor: &str, network: &str) -> bool {
    // Lines of the first core: `flags		: fpu vme ...`.
    let value = |name: &str| {
        let mut lines = processor.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim_end() == name).map_or("", |(_, value)| value.trim())
    };
    let has = |flag: &str| value("flags").split(' ').any(|known| known == flag);
    has("amx_bf16") || (has("avx512_bf16") && value("vendor_id") == "AuthenticAMD" && network == inception_v3::NAME)
}

/// Makes libtorch's CUDA half known to the process, so that one program serves machines with and without a GPU.
fn load_cuda() -> Result<(), &'static str> {
    static LOADED: OnceLock<Result<(), &'static str>> = OnceLock::new();
    *LOADED.get_or_init(|| {
        let found = cuda_library_paths().into_iter().find(|p| p.is_file());
        let path = found.ok_or("libtorch_cuda.so is not installed; run scripts/setup --cuda, or use the CPU")?;
        load_globally(&path)
    })
}

#[allow(
    unsafe_code,
    reason = "dlopen runs the library's constructors; it is libtorch's own, from the wheel of the version we link"
)]
fn load_globally(path: &std::path::Path) -> Result<(), &'static str> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: see the reason above; the handle is leaked, so that nothing is ever unloaded.
    match unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            std::mem::forget(library);
            Ok(())
        }
        Err(error) => {
            log::warn!("{}: cannot be loaded: {error}", path.display());
            Err("libtorch_cuda.so cannot be loaded (see the warning); use the CPU")
        }
    }
}

/// Beside the `libtorch_cpu.so` that is loaded, beside an installed program, in the checkout it was built in.
fn cuda_library_paths() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let beside = loaded(&maps, "libtorch_cpu.so").map(|path| path.with_file_name("libtorch_cuda.so"));
    let mut roots = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR"))];
    if let Ok(program) = std::env::current_exe().and_then(std::fs::canonicalize) {
        let up = |n: usize| program.ancestors().nth(n).map(PathBuf::from);
        roots.extend(up(3).into_iter().chain(up(2).map(|p| p.join("lib/varpix"))));
    }
    let places = ["libtorch-cuda/torch/lib/libtorch_cuda.so", "torch/lib/libtorch_cuda.so", "libtorch_cuda.so"];
    beside.into_iter().chain(roots.iter().flat_map(|root| places.iter().map(move |place| root.join(place)))).collect()
}

/// The path of a library in a process's memory map.
fn loaded(maps: &str, name: &str) -> Option<PathBuf> {
    // Address, rights, offset, device and inode come before the path, which may hold spaces.
    let mut paths = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    paths.find(|path| path.file_name().is_some_and(|file| file == name)).map(Path::to_owned)
}

/// A model's network, loaded.
#[derive(Debug)]
pub struct TorchClassifier {
    network: Box<dyn Network>,
    device: Device,
    kind: Kind,
    threads: usize,
    temperature: f64,
    features: Vec<FeatureId>,
    weights: PathBuf,
    // Owns the variables that the network refers to.
    _variables: nn::VarStore,
}

impl TorchClassifier {
    /// Loads the weights of `model` onto `device`, to be used in `precision`; on a CPU libtorch uses `threads` threads.
    ///
    /// # Errors
    /// [`Error::Model`] where the network is unknown, or the weights are damaged or of another network.
    pub fn load(model: &Model, device: Device, precision: Precision, threads: usize) -> Result<Self> {
        // Of another model, or damaged, before anything is made of it.
        model.checksum()?;
        tch::set_num_threads(i32::try_from(threads.max(1)).unwrap_or(1));
        let shape = model.config.image.shape();
        let features = FeatureId::of_images(model)?;
        let build = || {
            let mut variables = nn::VarStore::new(device);
            let network = networks::build(&model.config.network, &variables.root(), shape, features.len())
                .map_err(|why| Error::model(model.folder.join("model.json"), why))?;
            load_weights(&mut variables, &model.weights(), &model.config.network)?;
            Ok((variables, network))
        };
        let (mut variables, mut network) = guarded(build).unwrap_or_else(|why| {
            let problem = format!("the network cannot be made ({why}); is there enough memory?");
            Err(Error::Internal(problem))
        })?;
        variables.freeze();
        let kind = precision.resolve(device, &model.config.network);
        network.freeze(kind);
        Ok(Self {
            network,
            device,
            kind,
            threads,
            temperature: model.config.temperature,
            features,
            weights: model.weights(),
            _variables: variables,
        })
    }
}

impl TorchClassifier {
    /// Classifies any number of images `[n, height, width, channel]` without features, and waits for the results: to measure a device with batches
    /// of any size.
    ///
    /// # Errors
    /// [`Error::Internal`] where the network fails.
    pub fn pass(&self, shape: ImageShape, images: &[u8]) -> Result<()> {
        let size = [images.len() / shape.bytes(), shape.height, shape.width, shape.channels];
        let failed = |e: tch::TchError| Error::Internal(format!("the network failed: {}", first_line(&e)));
        tch::no_grad(|| {
            let input = Input::new(images, size, &[], &self.features, self.device).map_err(failed)?;
            self.network.forward(&input, false).f_to_device(Device::Cpu).map_err(failed).map(drop)
        })
    }

    /// A batch's images, with as many empty ones behind them as the network needs.
    fn input(&self, batch: &Batch) -> std::result::Result<Input, tch::TchError> {
        let shape = batch.shape();
        let at_once = if self.device == Device::Cpu { self.network.images_at_once() } else { BATCH_SIZE };
        let images = batch.len().max(1).next_multiple_of(at_once);
        let size = [images, shape.height, shape.width, shape.channels];
        Input::new(&batch.bytes()[..images * shape.bytes()], size, batch.features(), &self.features, self.device)
    }
}

/// Gives a network's variables the numbers of a file.
///
/// # Errors
/// [`Error::Model`] where they are of another network, damaged, or not finite.
pub(crate) fn load_weights(variables: &mut nn::VarStore, weights: &Path, network: &str) -> Result<()> {
    variables
        .load(weights)
        .map_err(|e| Error::model(weights, format!("does not fit the network '{network}': {}", first_line(&e))))?;
    match unusable(variables) {
        Some(problem) => Err(Error::model(weights, format!("is damaged: {problem}"))),
        None => Ok(()),
    }
}

/// What is wrong with the numbers of a network, if anything.
pub(crate) fn unusable(variables: &nn::VarStore) -> Option<String> {
    let variables = variables.variables();
    let mut names: Vec<&String> = variables.keys().collect();
    names.sort_unstable();
    names.into_iter().find_map(|name| {
        let all = |tensor: Tensor| tensor.all().int64_value(&[]) == 1;
        if !all(variables[name].isfinite()) {
            Some(format!("variable {name} holds a number that is not finite"))
        } else if name.ends_with("running_var") && !all(variables[name].ge(0.0)) {
            Some(format!("variable {name} holds a negative variance"))
        } else {
            None
        }
    })
}

/// Runs what may panic inside of libtorch's bindings, without a trace on stderr; the panic's message in place of a result.
fn guarded<T>(run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    std::panic::set_hook(hook);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        text.and_then(|text| text.lines().next()).unwrap_or("libtorch failed").to_owned()
    })
}

impl Classifier for TorchClassifier {
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>> {
        let shape = batch.shape();
        let failed = |e: tch::TchError| {
            Error::Internal(format!("the network failed on a batch of shape {shape}: {}", first_line(&e)))
        };
        tch::no_grad(|| {
            let input = self.input(batch).map_err(failed)?;
            let logits =
                self.network.forward(&input, false).f_to_kind(Kind::Double).map_err(failed)? / self.temperature;
            let probabilities =
                logits.f_softmax(-1, Kind::Double).and_then(|p| p.f_to_device(Device::Cpu)).map_err(failed)?;
            let flat = Vec::<f64>::try_from(probabilities.reshape([-1])).map_err(failed)?;
            if flat.iter().any(|p| !p.is_finite()) {
                return Err(Error::model(
                    &self.weights,
                    "gives probabilities that are no numbers; its weights are no use",
                ));
            }
            Ok(flat.chunks_exact(3).take(batch.len()).map(|p| Probabilities([p[0], p[1], p[2]])).collect())
        })
    }

    fn gradient(&mut self, batch: &Batch, weights: [f32; 3]) -> Result<Option<Vec<f32>>> {
        let failed = |e: tch::TchError| Error::Internal(format!("the network's gradient failed: {}", first_line(&e)));
        let input = self.input(batch).map_err(failed)?;
        let images = input.images.to_kind(Kind::Float).set_requires_grad(true);
        let logits = self.network.forward(&Input { images: images.shallow_clone(), ..input }, false);
        let weights = Tensor::from_slice(&weights).to_device(self.device) / self.temperature;
        let sum = (logits.narrow(0, 0, 1).to_kind(Kind::Float) * weights).sum(Kind::Float);
        let gradient = Tensor::f_run_backward(&[sum], &[&images], false, false).map_err(failed)?;
        let first = gradient.first().map(|all| all.get(0).reshape([-1]).to_device(Device::Cpu));
        first.map(|first| Vec::<f32>::try_from(first).map_err(failed)).transpose()
    }

    fn takes_features(&self) -> bool {
        !self.features.is_empty()
    }

    fn takes_tracts(&self) -> bool {
        self.features.iter().any(|feature| feature.is_of_tract())
    }

    fn device(&self) -> String {
        let kind = if self.kind == Kind::BFloat16 { ", bf16" } else { "" };
        match self.device {
            Device::Cuda(index) => format!("cuda:{index}{kind}"),
            _ => format!("cpu ({} thread{}{kind})", self.threads, if self.threads == 1 { "" } else { "s" }),
        }
    }

    fn arithmetic(&self) -> String {
        let device = if self.device == Device::Cpu { "cpu" } else { "cuda" };
        format!("{device}, {}", if self.kind == Kind::BFloat16 { "bf16" } else { "f32" })
    }
}

/// libtorch's errors carry a stack trace below their first line.
pub(crate) fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read() {
        assert_eq!("cuda:3".parse(), Ok(DeviceChoice::Cuda(3)));
        assert_eq!("cpu".parse(), Ok(DeviceChoice::Cpu));
        assert!("cuda:x".parse::<DeviceChoice>().is_err() && "tpu".parse::<DeviceChoice>().is_err());
    }

    #[test]
    fn libraries_are_found_where_they_were_loaded_from() {
        let maps = "7f00-7f01 r--p 00000000 fe:00 2229 /opt/my torch/lib/libc10.so\n\
            7f02-7f03 rw-p 00000000 00:00 0 \n\
            7f04-7f05 r-xp 0000f000 fe:00 2230 /opt/my torch/lib/libtorch_cpu.so\n";
        assert_eq!(loaded(maps, "libtorch_cpu.so"), Some("/opt/my torch/lib/libtorch_cpu.so".into()));
        assert_eq!(loaded(maps, "libtorch_cuda.so"), None);
    }

    #[test]
    fn precisions_are_read() {
        assert_eq!("bf16".parse(), Ok(Precision::Bf16));
        assert!("fp64".parse::<Precision>().is_err());
        assert_eq!(Precision::Bf16.resolve(Device::Cpu, "rows_net"), Kind::BFloat16);
        assert_eq!(Precision::F32.resolve(Device::Cpu, "inception_v3"), Kind::Float);
        assert_eq!(Precision::Auto.resolve(Device::Cuda(0), "inception_v3"), Kind::Float);
    }

    #[test]
    fn bf16_is_for_processors_that_gain_by_it() {
        let faster = |vendor: &str, flags: &str, network: &str| {
            let core =
                format!("processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: fpu {flags} avx2\nbugs\t\t: amx_bf16\n");
            is_faster_in_bf16(&format!("{core}\n{core}"), network)
        };
        let (amd, intel) = ("AuthenticAMD", "GenuineIntel");
        assert!(faster(intel, "amx_bf16 avx512_bf16", "rows_net") && faster(intel, "amx_bf16", "inception_v3"));
        assert!(faster(amd, "avx512_bf16", "inception_v3") && !faster(amd, "avx512_bf16", "rows_net"));
        assert!(!faster(intel, "avx512_bf16", "inception_v3") && !faster(amd, "avx512f", "inception_v3"));
        assert!(!is_faster_in_bf16("", "inception_v3"));
    }
}
