//! Progress of a run, and classes seen -> the learning rate, and the classes' weights in the loss.

/// Share of all steps in which the learning rate rises.
const WARM_UP: f64 = 0.03;
/// Share of the highest learning rate at which it begins and ends.
const LOWEST: f64 = 0.01;

/// Linear warm-up, then cosine decay (Loshchilov and Hutter 2017, arXiv:1608.03983); `done` is 0 to 1.
pub(super) fn learning_rate(highest: f64, done: f64) -> f64 {
    if done < WARM_UP {
        return highest * (LOWEST + (1.0 - LOWEST) * done / WARM_UP);
    }
    let rest = ((done - WARM_UP) / (1.0 - WARM_UP)).min(1.0);
    highest * (LOWEST + (1.0 - LOWEST) * 0.5 * (1.0 + (std::f64::consts::PI * rest).cos()))
}

/// Weights of hom-ref, het and hom-alt, 1 on average over the images seen of each.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of images; weights near 1")]
pub(super) fn class_weights(seen: [u64; 3], balance: f64) -> [f32; 3] {
    let all = seen.iter().sum::<u64>().max(1) as f64;
    let raw = seen.map(|n| ((n + 1) as f64 / all).powf(-balance));
    let mean = raw.iter().zip(seen).map(|(weight, n)| weight * n as f64).sum::<f64>() / all;
    raw.map(|weight| (weight / mean) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls() {
        let at = |done| learning_rate(1.0, done);
        assert!(at(0.0) < 0.02 && at(1.0) < 0.02 && (at(WARM_UP) - 1.0).abs() < 1e-9);
        assert!(at(0.2) > at(0.5) && at(0.5) > at(0.9));
    }

    #[test]
    fn balance_raises_rare_classes() {
        assert!(class_weights([10, 20, 70], 0.0).iter().all(|weight| (weight - 1.0).abs() < 1e-6));
        let [a, b, c] = class_weights([999, 1999, 6999], 1.0);
        assert!(a > b && b > c && (a / c - 7.0).abs() < 0.01);
        assert!((0.1 * a + 0.2 * b + 0.7 * c - 1.0).abs() < 0.01);
    }
}
