//! Weights after each step -> their exponential moving average, which generalises better than they do (Izmailov et al. 2018,
//! arXiv:1803.05407).

use tch::{TchError, nn};

/// Share of the average that stays at each step, in the long run: about the last 1000 steps count.
const KEPT: f64 = 0.999;

/// Moves `average` towards `weights`, both of one network, after `steps` steps; faster while there are few.
pub(super) fn follow(average: &nn::VarStore, weights: &nn::VarStore, steps: u64) -> Result<(), TchError> {
    #[allow(clippy::cast_precision_loss, reason = "a number of steps")]
    let kept = KEPT.min((1.0 + steps as f64) / (10.0 + steps as f64));
    let current = weights.variables();
    tch::no_grad(|| {
        for (name, mut mean) in average.variables() {
            if let Some(now) = current.get(&name) {
                let _ = mean.f_lerp_(now, 1.0 - kept)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    #[test]
    fn the_average_follows() {
        let of_ones = || {
            let store = nn::VarStore::new(Device::Cpu);
            let _ = store.root().ones("w", &[2, 3]);
            store
        };
        let (average, weights) = (of_ones(), of_ones());
        let _ = tch::no_grad(|| weights.root().get("w").unwrap().fill_(4.0));
        for step in 0..20_000 {
            follow(&average, &weights, step).unwrap();
        }
        let gap = (average.root().get("w").unwrap() - 4.0).abs().max();
        assert!(f64::try_from(gap).unwrap() < 1e-3);
    }
}
