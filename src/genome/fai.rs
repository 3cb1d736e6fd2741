//! The bytes of a `.fai` index -> an [`Entry`] for each contig: where its bases lie in the FASTA.

/// A line of the index: contig, length, offset, bases of a line, bytes of a line (manual page of `faidx`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The contig's name.
    pub name: String,
    /// Its length in bp.
    pub length: u64,
    /// Byte of its first base, 0-based, in the FASTA as it is unpacked.
    pub offset: u64,
    /// Bases in each of its lines but the last.
    pub line_bases: u64,
    /// Bytes of such a line, its end included.
    pub line_width: u64,
}

impl Entry {
    /// The byte of the base at `position` (0-based), which lies on the contig.
    #[must_use]
    pub fn byte_of(&self, position: u64) -> u64 {
        let bases = self.line_bases.max(1);
        self.offset + position / bases * self.line_width + position % bases
    }

    /// The byte behind its last base.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.length.checked_sub(1).map_or(self.offset, |last| self.byte_of(last) + 1)
    }

    /// Why the numbers cannot be true of any FASTA of `bytes` bytes, if so; [`Entry::end`] and [`Entry::byte_of`] do not overflow
    /// where this is `None`.
    #[must_use]
    pub fn impossible(&self, bytes: u64) -> Option<String> {
        if self.length > 0 && self.line_bases == 0 {
            return Some("its lines have no bases".into());
        }
        // A contig of one line may lack the line's end.
        if self.line_width < self.line_bases || (self.line_width == self.line_bases && self.length > self.line_bases) {
            return Some(format!("its lines have {} bases in {} bytes", self.line_bases, self.line_width));
        }
        let last = self.length.saturating_sub(1);
        let (lines, rest) = (last / self.line_bases.max(1), last % self.line_bases.max(1));
        let end = lines
            .checked_mul(self.line_width)
            .and_then(|before| before.checked_add(self.offset)?.checked_add(rest)?.checked_add(self.length.min(1)));
        match end {
            Some(end) if end <= bytes => None,
            _ => Some(format!("it would extend past the end of the file at byte {bytes}")),
        }
    }
}

/// Reads the index's lines.
///
/// # Errors
/// The number of the first invalid line, and why.
pub fn parse(text: &[u8]) -> Result<Vec<Entry>, String> {
    let lines = text.split(|&byte| byte == b'\n').enumerate();
    lines
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(i, line)| entry(line).ok_or_else(|| format!("line {}: expected five tab-separated fields", i + 1)))
        .collect()
}

fn entry(line: &[u8]) -> Option<Entry> {
    let line = str::from_utf8(line).ok()?.trim_end_matches('\r');
    let (name, numbers) = line.split_once('\t')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let numbers: Vec<u64> = numbers.split('\t').map(number).collect::<Option<_>>()?;
    // An index of a FASTQ has six.
    let [length, offset, line_bases, line_width] = numbers[..] else { return None };
    (!name.is_empty()).then(|| Entry { name: name.into(), length, offset, line_bases, line_width })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_of_lines() {
        let entries = parse(b"a\t10\t3\t4\t5\nb\t3\t20\t3\t3\r\n\n").unwrap();
        let a = &entries[0];
        assert_eq!([0, 3, 4, 9].map(|p| a.byte_of(p)), [3, 6, 8, 14]);
        assert_eq!((a.end(), entries[1].end(), entries[1].name.as_str()), (15, 23, "b"));
        assert!(a.impossible(15).is_none() && entries[1].impossible(23).is_none());
        assert!(a.impossible(14).unwrap().contains("past the end of the file"));
    }

    #[test]
    fn lines_that_are_none() {
        for text in [
            "a\t1\t2\t3",
            "a\t1\t2\t3\t4\t5",
            "a\t-1\t2\t3\t4",
            "a\t+1\t2\t3\t4",
            "a 1 2 3 4",
            "\t1\t2\t3\t4",
            "a\t1\t2\t3\t",
        ] {
            let message = parse(format!("x\t1\t2\t3\t4\n{text}\n").as_bytes()).unwrap_err();
            assert!(message.starts_with("line 2"), "{text}: {message}");
        }
        assert!(parse(b"a\xff\t1\t2\t3\t4\n").is_err());
    }

    #[test]
    fn numbers_that_cannot_be() {
        let problem = |length, offset, line_bases, line_width| {
            Entry { name: "a".into(), length, offset, line_bases, line_width }.impossible(1000)
        };
        assert!(problem(0, 1000, 0, 0).is_none());
        for (length, offset, line_bases, line_width) in [
            (9, 3, 0, 0),
            (100, 3, 61, 61),
            (100, 3, 60, 59),
            (1 << 62, 3, 60, 61),
            (u64::MAX, u64::MAX, 1, 2),
            (5, 996, 5, 6),
            (0, 1001, 0, 0),
            (u64::MAX, 3, u64::MAX, u64::MAX),
        ] {
            assert!(
                problem(length, offset, line_bases, line_width).is_some(),
                "{length} {offset} {line_bases} {line_width}"
            );
        }
    }

    proptest! {
        /// Whatever the bytes are: no panic, and what is taken for possible lies in the file.
        #[test]
        fn any_bytes(mut text in prop::collection::vec(prop::sample::select(b"0123456789\t\n a\xff".to_vec()), 0..200), bytes in any::<u64>()) {
            text.extend(b"\n");
            for entry in parse(&text).unwrap_or_default() {
                if entry.impossible(bytes).is_none() {
                    prop_assert!(entry.offset <= entry.end() && entry.end() <= bytes);
                }
            }
        }

        #[test]
        fn any_numbers(length: u64, offset: u64, line_bases: u64, line_width: u64, bytes: u64, small in 0_u32..64) {
            let [length, offset, line_bases, line_width] = [length, offset, line_bases, line_width].map(|n| n >> small);
            let entry = Entry { name: "a".into(), length, offset, line_bases, line_width };
            if entry.impossible(bytes).is_none() {
                prop_assert!(entry.offset <= entry.end() && entry.end() <= bytes);
            }
        }
    }
}
