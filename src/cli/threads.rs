//! `--threads` -> threads of the workers and of the CNN.

/// How `--threads` is shared out: workers and network together are the total, at least one each. A CNN behind a small model
/// is idle most of the time and comes on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThreadSplit {
    /// Threads that gather evidence and render.
    pub(super) workers: usize,
    /// Threads of libtorch.
    pub(super) network: usize,
}

impl ThreadSplit {
    /// Without a small model, on a CPU, the CNN takes more time than everything else, so it gets the larger half.
    pub(super) fn of(threads: usize, on_cpu: bool, small_model: bool) -> Self {
        let network = match (on_cpu, small_model) {
            (true, true) => return Self { workers: threads, network: threads.div_ceil(8) },
            (true, false) => threads.div_ceil(2),
            (false, _) => 1,
        };
        Self { workers: (threads.saturating_sub(network)).max(1), network }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_the_total() {
        for threads in 2..40 {
            let split = ThreadSplit::of(threads, true, false);
            assert_eq!(split.workers + split.network, threads);
        }
        assert_eq!(ThreadSplit::of(1, true, false), ThreadSplit { workers: 1, network: 1 });
        assert_eq!(ThreadSplit::of(16, false, true), ThreadSplit { workers: 15, network: 1 });
        assert_eq!(ThreadSplit::of(2, true, true), ThreadSplit { workers: 2, network: 1 });
    }
}
