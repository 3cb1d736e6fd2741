//! Logits and true classes -> the temperature that calibrates the probabilities.

use tch::Tensor;

/// The divisor of logits that makes the true classes most likely. The loss has one minimum over its logarithm.
pub(super) fn best_temperature(logits: &Tensor, classes: &Tensor) -> f64 {
    let loss =
        |log: f64| f64::try_from((logits / log.exp()).cross_entropy_for_logits(classes)).unwrap_or(f64::INFINITY);
    lowest(loss, -2.0, 2.0).exp()
}

/// The minimum of a loss that has only one: golden-section search (Kiefer 1953).
pub(super) fn lowest(loss: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    while high - low > 1e-3 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    #[test]
    fn a_temperature_calibrates_overconfident_outputs() {
        // Right three times in four, and said with a certainty of e^4 to 1.
        let logits = Tensor::from_slice(&[4.0, 0.0, 0.0]).repeat([400, 1]);
        let classes: Vec<i64> = (0..400).map(|i| i64::from(i % 4 == 0)).collect();
        let temperature = best_temperature(&logits, &Tensor::from_slice(&classes));
        let says = (logits / temperature).softmax(-1, Kind::Double).double_value(&[0, 0]);
        assert!((says - 0.75).abs() < 0.01, "{says} at {temperature}");
    }
}
