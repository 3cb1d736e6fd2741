//! Names and lengths -> the contigs of a genome, in file order, found by name.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::names;

/// Index of a contig in its [`Contigs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContigId(pub usize);

/// A contig's name and length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contig {
    /// Its name, as in the FASTA.
    pub name: String,
    /// Its length in bp.
    pub length: u64,
}

/// Contigs in file order; clones share one list, since each thread and each file has one, and there may be 100,000 contigs.
#[derive(Clone, Debug, Default)]
pub struct Contigs {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    list: Vec<Contig>,
    by_name: HashMap<String, ContigId>,
}

impl Contigs {
    /// Contigs in the order given; of two with one name, the first is found by it.
    #[must_use]
    pub fn new(list: Vec<Contig>) -> Self {
        let mut by_name = HashMap::with_capacity(list.len());
        for (i, contig) in list.iter().enumerate() {
            if let Entry::Vacant(slot) = by_name.entry(contig.name.clone()) {
                slot.insert(ContigId(i));
            }
        }
        Self { inner: Arc::new(Inner { list, by_name }) }
    }

    /// The contig of that name.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<ContigId> {
        self.inner.by_name.get(name).copied()
    }

    /// The contig of that index, which must come from this list.
    #[must_use]
    pub fn get(&self, id: ContigId) -> &Contig {
        &self.inner.list[id.0]
    }

    /// All with their index, in file order.
    pub fn iter(&self) -> impl Iterator<Item = (ContigId, &Contig)> {
        self.inner.list.iter().enumerate().map(|(i, contig)| (ContigId(i), contig))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.list.len()
    }

    /// True where there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.list.is_empty()
    }

    /// The message for an unknown contig name, with a suggestion if there is a likely one.
    #[must_use]
    pub fn unknown(&self, name: &str) -> String {
        let known: Vec<&str> = self.iter().map(|(_, contig)| contig.name.as_str()).collect();
        format!("contig '{name}' is not in the reference{}", names::hint(name, &known))
    }
}
