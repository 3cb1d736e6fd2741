//! What fragments show at sites ([`Shown`]) -> fragments by site and sites by fragment ([`Matrix`]).

use rustc_hash::FxHashMap;

/// What a fragment shows at a site: one of the two alleles of its genotype.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// The fragment's number.
    pub fragment: u64,
    /// Whether it shows the second of the two.
    pub second: bool,
    /// Probability that it has the other one.
    pub error: f64,
}

/// What one site says of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The site's index.
    pub(super) site: usize,
    /// Log odds that the fragment is of the haplotype with the site's first allele.
    pub(super) weight: f64,
}

/// Fragments by site and sites by fragment.
pub(super) struct Matrix {
    /// For each site fragments, by their indexes here, with their weights.
    pub(super) sites: Vec<Vec<(usize, f64)>>,
    /// For each fragment its sites, ascending.
    pub(super) fragments: Vec<Vec<Entry>>,
    /// The fragments' numbers.
    pub(super) numbers: Vec<u64>,
}

impl Matrix {
    pub(super) fn new(sites: &[Vec<Shown>]) -> Self {
        let mut known: FxHashMap<u64, usize> = FxHashMap::default();
        let mut this = Self { sites: Vec::with_capacity(sites.len()), fragments: Vec::new(), numbers: Vec::new() };
        for (site, shown) in sites.iter().enumerate() {
            let mut here: Vec<(usize, f64)> = Vec::with_capacity(shown.len());
            // Numbered in an order that depends on nothing else, since sums depend on it.
            let mut shown: Vec<&Shown> = shown.iter().collect();
            shown.sort_by(|a, b| a.fragment.cmp(&b.fragment).then(a.error.total_cmp(&b.error)));
            for one in shown {
                let index = *known.entry(one.fragment).or_insert_with(|| {
                    this.numbers.push(one.fragment);
                    this.fragments.push(Vec::new());
                    this.numbers.len() - 1
                });
                let error = one.error.clamp(1e-4, 0.49);
                let weight = ((1.0 - error) / error).ln();
                here.push((index, if one.second { -weight } else { weight }));
            }
            here.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
            // Mates and alignments that overlap are one witness; where they disagree, none.
            let mut of_site: Vec<(usize, f64)> = Vec::with_capacity(here.len());
            for same in here.chunk_by(|a, b| a.0 == b.0) {
                let (highest, lowest) = (same[0].1, same[same.len() - 1].1);
                if (highest > 0.0) == (lowest > 0.0) {
                    of_site.push((same[0].0, if highest > 0.0 { highest } else { lowest }));
                }
            }
            for &(fragment, weight) in &of_site {
                this.fragments[fragment].push(Entry { site, weight });
            }
            this.sites.push(of_site);
        }
        this
    }
}

/// Log odds that two witnesses, with these log odds each, say the same of a fragment's haplotype.
pub(super) fn agreement(a: f64, b: f64) -> f64 {
    let product = ((a / 2.0).tanh() * (b / 2.0).tanh()).clamp(-1.0 + 1e-9, 1.0 - 1e-9);
    ((1.0 + product) / (1.0 - product)).ln()
}
