//! Gradients -> new weights: `AdamW` (Loshchilov and Hutter 2019, arXiv:1711.05101) whose state can be stored, unlike that of libtorch's, so
//! that a killed run resumes to the same weights.

use tch::{Kind, TchError, Tensor, nn};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// The gradient's norm over all weights is clipped to this.
const LONGEST_GRADIENT: f64 = 5.0;

/// One trainable tensor with its moments.
struct Slot {
    name: String,
    weight: Tensor,
    first: Tensor,
    second: Tensor,
    /// False for biases and norms, which do not decay.
    decays: bool,
}

/// The optimiser of all trainable variables of a store.
pub(super) struct AdamW {
    slots: Vec<Slot>,
    decay: f64,
    steps: i32,
}

impl AdamW {
    pub(super) fn new(variables: &nn::VarStore, decay: f64) -> Self {
        let slots = sorted(variables)
            .into_iter()
            .filter(|(_, weight)| weight.requires_grad())
            .map(|(name, weight)| Slot {
                name,
                first: weight.zeros_like(),
                second: weight.zeros_like(),
                decays: weight.dim() > 1,
                weight,
            })
            .collect();
        Self { slots, decay, steps: 0 }
    }

    /// One step down the gradient of `loss`.
    pub(super) fn step(&mut self, loss: &Tensor, rate: f64) -> Result<(), TchError> {
        for slot in &mut self.slots {
            slot.weight.zero_grad();
        }
        loss.f_backward()?;
        self.steps += 1;
        let (correct1, correct2) = (1.0 - BETA1.powi(self.steps), 1.0 - BETA2.powi(self.steps));
        tch::no_grad(|| {
            let mut squares = 0.0;
            for slot in &self.slots {
                squares += f64::try_from(slot.weight.grad().f_square()?.f_sum(Kind::Float)?)?;
            }
            let shorten = (LONGEST_GRADIENT / squares.sqrt().max(1e-12)).min(1.0);
            for slot in &mut self.slots {
                let gradient = slot.weight.grad().f_mul_scalar(shorten)?;
                let _ = slot.first.f_mul_scalar_(BETA1)?.f_add_(&gradient.f_mul_scalar(1.0 - BETA1)?)?;
                let _ = slot.second.f_mul_scalar_(BETA2)?.f_add_(&gradient.f_square()?.f_mul_scalar(1.0 - BETA2)?)?;
                let spread = slot.second.f_div_scalar(correct2)?.f_sqrt()?.f_add_scalar(EPSILON)?;
                let move_by = slot.first.f_div_scalar(correct1)?.f_div(&spread)?;
                if slot.decays {
                    let _ = slot.weight.f_mul_scalar_(1.0 - rate * self.decay)?;
                }
                let _ = slot.weight.f_sub_(&move_by.f_mul_scalar(rate)?)?;
            }
            Ok(())
        })
    }

    /// Its state as named tensors.
    pub(super) fn state(&self) -> Vec<(String, Tensor)> {
        let moments = self.slots.iter().flat_map(|slot| {
            [
                (format!("first.{}", slot.name), slot.first.shallow_clone()),
                (format!("second.{}", slot.name), slot.second.shallow_clone()),
            ]
        });
        moments.chain([("steps".to_owned(), Tensor::from_slice(&[self.steps]))]).collect()
    }

    /// Restores a state; `find` gives the tensor of a name.
    pub(super) fn restore(&mut self, find: impl Fn(&str) -> Result<Tensor, TchError>) -> Result<(), TchError> {
        for slot in &mut self.slots {
            slot.first.f_copy_(&find(&format!("first.{}", slot.name))?)?;
            slot.second.f_copy_(&find(&format!("second.{}", slot.name))?)?;
        }
        self.steps = i32::try_from(&find("steps")?)?;
        Ok(())
    }
}

/// The variables by name, so that results do not depend on a map's order.
pub(super) fn sorted(variables: &nn::VarStore) -> Vec<(String, Tensor)> {
    let mut all: Vec<_> = variables.variables().into_iter().collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn quadratic(store: &nn::VarStore) -> Tensor {
        store.root().get("w").unwrap().square().sum(Kind::Float)
    }

    fn store() -> nn::VarStore {
        let store = nn::VarStore::new(Device::Cpu);
        let mut w = store.root().ones("w", &[2, 3]);
        tch::no_grad(|| w.copy_(&Tensor::from_slice(&[3.0_f32, -2.0, 1.0, 0.5, -4.0, 2.0]).reshape([2, 3])));
        store
    }

    #[test]
    fn it_goes_downhill() {
        let store = store();
        let mut optimizer = AdamW::new(&store, 0.01);
        for _ in 0..300 {
            optimizer.step(&quadratic(&store), 0.05).unwrap();
        }
        assert!(f64::try_from(quadratic(&store)).unwrap() < 1e-3);
    }

    #[test]
    fn a_restored_state_goes_on_the_same() {
        let run = |pause: bool| {
            let store = store();
            let mut optimizer = AdamW::new(&store, 0.01);
            for step in 0..20 {
                if pause && step == 10 {
                    let state: std::collections::HashMap<_, _> =
                        optimizer.state().into_iter().map(|(name, tensor)| (name, tensor.copy())).collect();
                    optimizer = AdamW::new(&store, 0.01);
                    optimizer.restore(|name| Ok(state[name].shallow_clone())).unwrap();
                }
                optimizer.step(&quadratic(&store), 0.05).unwrap();
            }
            Vec::<f32>::try_from(store.root().get("w").unwrap().reshape([-1])).unwrap()
        };
        assert_eq!(run(false), run(true));
    }
}
