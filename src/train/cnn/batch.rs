//! Examples in the genome's order -> batches in random order, as tensors.

use rand::Rng as _;
use rand_pcg::Pcg64;
use tch::{TchError, Tensor};

use crate::predict::cnn::networks::Input;
use crate::train::examples::Example;
use crate::train::options::TrainOptions;

/// Takes items and gives them in random order: each is drawn from a buffer that is kept full while more come.
pub(super) struct ShuffleBuffer<I: Iterator> {
    source: I,
    items: Vec<I::Item>,
    capacity: usize,
    random: Pcg64,
}

impl<I: Iterator> ShuffleBuffer<I> {
    pub(super) fn new(source: I, capacity: usize, random: Pcg64) -> Self {
        Self { source, items: Vec::with_capacity(capacity), capacity: capacity.max(1), random }
    }
}

impl<I: Iterator> Iterator for ShuffleBuffer<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let missing = self.capacity.saturating_sub(self.items.len());
        self.items.extend(self.source.by_ref().take(missing));
        (!self.items.is_empty()).then(|| {
            let drawn = self.random.random_range(0..self.items.len());
            self.items.swap_remove(drawn)
        })
    }
}

/// A batch on the network's device.
pub(super) struct Batch {
    /// Images, and their features where the network takes them.
    pub(super) input: Input,
    /// `[n]`, i64.
    pub(super) classes: Tensor,
    /// `[n]`, f32.
    pub(super) weights: Tensor,
}

impl Batch {
    pub(super) fn of(options: &TrainOptions, examples: &[Example]) -> Result<Self, TchError> {
        let shape = options.image.shape();
        let size = [examples.len(), shape.height, shape.width, shape.channels];
        let bytes: Vec<u8> = examples.iter().flat_map(|example| example.image.bytes()).copied().collect();
        let classes: Vec<i64> = examples.iter().map(|example| i64::from(example.class)).collect();
        let weights: Vec<f32> = examples.iter().map(|example| example.weight).collect();
        let features: Vec<_> = examples.iter().map(|example| example.features).collect();
        Ok(Self {
            input: Input::new(&bytes, size, &features, &options.image_features, options.device)?,
            classes: Tensor::from_slice(&classes).to_device(options.device),
            weights: Tensor::from_slice(&weights).to_device(options.device),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(n: u32, capacity: usize) -> Vec<u32> {
        ShuffleBuffer::new(0..n, capacity, Pcg64::new(1, 2)).collect()
    }

    #[test]
    fn each_item_comes_once_in_an_order_that_the_seed_decides() {
        let order = shuffled(1000, 64);
        assert_eq!(order, shuffled(1000, 64));
        assert!(order.iter().zip(&order[1..]).filter(|(a, b)| a < b).count() < 800, "hardly shuffled");
        // An item cannot come before the buffer has reached it.
        assert!((0..).zip(&order).all(|(i, &item)| item < i + 64));
        let mut sorted = order;
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
        assert_eq!(shuffled(5, 1), [0, 1, 2, 3, 4]);
        assert!(shuffled(0, 64).is_empty());
    }
}
