//! The bytes of a `*.index` file -> its keys and values, in order.
//!
//! The format is that of `LevelDB`'s tables (`doc/table_format.md` there; `tensorflow/core/lib/io/format.h`): blocks of entries
//! that share the beginning of their key with the one before; an index block of the blocks' places; a footer of 48 bytes. Each
//! block is followed by its compression (0: none, which is what TensorFlow writes) and its checksum.

/// Ends every table.
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
const FOOTER_BYTES: usize = 48;
/// Compression and CRC behind a block.
const TRAILER_BYTES: usize = 5;

/// A key and its value.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Bytes of keys and values for each byte of the file: keys share beginnings, in TensorFlow's tables less than half of that.
const MOST_GROWTH: usize = 16;

/// All keys and values. They take no more memory than the file's size allows for.
///
/// # Errors
/// What is wrong with the table.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Pair>, String> {
    let start = bytes.len().checked_sub(FOOTER_BYTES).ok_or("is too short for a checkpoint's index")?;
    let footer = &bytes[start..];
    if footer[FOOTER_BYTES - 8..] != MAGIC.to_le_bytes() {
        return Err("is not a checkpoint's index, or is cut short (its last 8 bytes are not a table's)".into());
    }
    let mut at = Reader(footer);
    let mut budget = bytes.len().saturating_mul(MOST_GROWTH);
    block(bytes, at.place()?, &mut budget)?; // filters, of which TensorFlow writes none
    let index = block(bytes, at.place()?, &mut budget)?;
    let mut pairs: Vec<Pair> = Vec::new();
    let mut read_to = 0;
    for (_, place) in index {
        let (offset, size) = Reader(&place).place()?;
        // Each block once: what is named many times would be in memory as often.
        if offset < read_to {
            return Err("is damaged: its blocks overlap or are out of order".into());
        }
        read_to = offset.saturating_add(size);
        let found = block(bytes, (offset, size), &mut budget)?;
        if let (Some((last, _)), Some((first, _))) = (pairs.last(), found.first())
            && last >= first
        {
            return Err("is damaged: its keys are not in order".into());
        }
        pairs.extend(found);
    }
    Ok(pairs)
}

/// TensorFlow's checksum: CRC-32C, rotated and shifted so that checksums of checksums are not degenerate.
pub(super) fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The entries of the block at `(offset, size)`, whose bytes are taken off the budget.
fn block(bytes: &[u8], (offset, size): (usize, usize), budget: &mut usize) -> Result<Vec<Pair>, String> {
    let end = offset.checked_add(size).and_then(|end| end.checked_add(TRAILER_BYTES));
    let whole = end.and_then(|end| bytes.get(offset..end)).ok_or("is cut short: a block lies beyond its end")?;
    let (checked, crc) = whole.split_at(size + 1);
    if masked(crc32c::crc32c(checked)).to_le_bytes() != crc {
        return Err(format!("is damaged: the checksum of its block at byte {offset} is wrong"));
    }
    let (content, compression) = checked.split_at(size);
    if compression != [0] {
        return Err("is compressed, which TensorFlow's own checkpoints are not; it cannot be read".into());
    }
    // Restart points at the end: their number, before it as many offsets.
    let entries = content
        .len()
        .checked_sub(4)
        .and_then(|at| {
            let restarts = u32::from_le_bytes(content[at..].try_into().ok()?);
            at.checked_sub(usize::try_from(restarts).ok()?.checked_mul(4)?)
        })
        .ok_or("is damaged: a block has no room for its restart points")?;
    let mut at = Reader(&content[..entries]);
    let mut pairs: Vec<Pair> = Vec::new();
    let mut key: Vec<u8> = Vec::new();
    while !at.0.is_empty() {
        let (shared, rest, value) = (at.length()?, at.length()?, at.length()?);
        if shared > key.len() {
            return Err("is damaged: a key shares more than its predecessor has".into());
        }
        key.truncate(shared);
        key.extend_from_slice(at.take(rest)?);
        let value = at.take(value)?;
        if pairs.last().is_some_and(|(last, _)| *last >= key) {
            return Err("is damaged: its keys are not in order".into());
        }
        let needed = size_of::<Pair>() + key.len() + value.len();
        *budget = budget.checked_sub(needed).ok_or("is damaged: its keys repeat more than its size allows")?;
        pairs.push((key.clone(), value.to_vec()));
    }
    Ok(pairs)
}

/// Reads from the front of bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, n: usize) -> Result<&'a [u8], String> {
        let (front, rest) = self.0.split_at_checked(n).ok_or("is damaged: a length leads beyond its end")?;
        self.0 = rest;
        Ok(front)
    }

    /// A length: base 128, lowest digits first.
    pub(super) fn length(&mut self) -> Result<usize, String> {
        let value = prost::encoding::decode_varint(&mut self.0).map_err(|_| "is damaged: a length does not end")?;
        usize::try_from(value).map_err(|_| "is damaged: a length is too great".into())
    }

    fn place(&mut self) -> Result<(usize, usize), String> {
        Ok((self.length()?, self.length()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::checkpoint::table;

    fn pairs() -> Vec<Pair> {
        (0..100).map(|i| (format!("layer-{i:03}/kernel").into_bytes(), vec![i; usize::from(i)])).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read(&table(&pairs())).unwrap(), pairs());
        assert_eq!(read(&table(&[])).unwrap(), Vec::new());
    }

    #[test]
    fn masks_are_tensorflows() {
        // CRC-32C of 32 zeros is known (RFC 3720, B.4).
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked(0x8a91_36aa), 0x8a91_36aa_u32.rotate_right(15).wrapping_add(0xa282_ead8));
    }

    /// A block's content: each key shares what it can with the one before.
    fn content(pairs: &[Pair]) -> Vec<u8> {
        let mut content = Vec::new();
        let mut last: &[u8] = &[];
        for (key, value) in pairs {
            let shared = key.iter().zip(last).take_while(|(a, b)| a == b).count();
            for length in [shared, key.len() - shared, value.len()] {
                prost::encoding::encode_varint(length as u64, &mut content);
            }
            content.extend_from_slice(&key[shared..]);
            content.extend_from_slice(value);
            last = key;
        }
        content.extend([0; 4]);
        content
    }

    /// A table of blocks with right checksums; `order` are the blocks that its index names, with keys in order.
    fn table_of(blocks: &[Vec<u8>], order: &[usize]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut add = |content: &[u8]| {
            let mut place = Vec::new();
            prost::encoding::encode_varint(file.len() as u64, &mut place);
            prost::encoding::encode_varint(content.len() as u64, &mut place);
            file.extend_from_slice(content);
            file.push(0);
            let crc = masked(crc32c::crc32c(&file[file.len() - content.len() - 1..]));
            file.extend_from_slice(&crc.to_le_bytes());
            place
        };
        let places: Vec<Vec<u8>> = blocks.iter().map(|content| add(content)).collect();
        let named = order.iter().enumerate();
        let index: Vec<Pair> = named
            .map(|(i, &block)| (u32::try_from(i).unwrap().to_be_bytes().to_vec(), places[block].clone()))
            .collect();
        let mut footer = [add(&content(&[])), add(&content(&index))].concat();
        footer.resize(40, 0);
        footer.extend_from_slice(&MAGIC.to_le_bytes());
        file.extend_from_slice(&footer);
        file
    }

    #[test]
    fn a_prefix_that_multiplies_is_refused() {
        // 200 keys of 100,000 bytes, each of which changes the last two bytes of the one before.
        let key = |i: u16| [&b"a".repeat(100_000)[..], &i.to_be_bytes()].concat();
        let pairs: Vec<Pair> = (0..200).map(|i| (key(i), Vec::new())).collect();
        let bomb = table_of(&[content(&pairs)], &[0]);
        assert!(bomb.len() < 110_000, "{}", bomb.len());
        assert!(read(&bomb).unwrap_err().contains("repeat more"));
        assert_eq!(read(&table_of(&[content(&pairs[..3])], &[0])).unwrap(), pairs[..3]);
    }

    #[test]
    fn blocks_are_read_once_and_keys_are_in_order() {
        let good = pairs();
        let blocks = [content(&good[..10]), content(&good[10..20])];
        assert_eq!(read(&table_of(&blocks, &[0, 1])).unwrap(), good[..20]);
        assert!(read(&table_of(&blocks, &vec![0; 20_000])).unwrap_err().contains("overlap or are out of order"));
        assert!(read(&table_of(&blocks, &[1, 0])).unwrap_err().contains("overlap or are out of order"));
        let turned = [content(&good[10..20]), content(&good[..10])];
        assert!(read(&table_of(&turned, &[0, 1])).unwrap_err().contains("keys are not in order"));
        let same = [good[5].clone(), good[5].clone()];
        assert!(read(&table_of(&[content(&same)], &[0])).unwrap_err().contains("keys are not in order"));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_table_or_refused(changes in proptest::collection::vec((0_usize..2000, 0_u8..=255), 1..6)) {
            let good = pairs();
            let mut blocks = [content(&good[..10]), content(&good[10..20])];
            for (at, with) in changes {
                let block = &mut blocks[at % 2];
                let at = at % block.len();
                block[at] = with;
            }
            let bytes = table_of(&blocks, &[0, 1]);
            if let Ok(pairs) = read(&bytes) {
                let held: usize = pairs.iter().map(|(key, value)| size_of::<Pair>() + key.len() + value.len()).sum();
                proptest::prop_assert!(held <= bytes.len() * MOST_GROWTH);
            }
        }
    }

    #[test]
    fn damage_anywhere_is_found() {
        let good = table(&pairs());
        for length in 0..good.len() {
            assert!(read(&good[..length]).is_err(), "cut to {length} bytes");
        }
        for at in 0..good.len() - FOOTER_BYTES {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            assert!(read(&bad).is_err(), "byte {at}");
        }
        for at in good.len() - FOOTER_BYTES..good.len() {
            let mut bad = good.clone();
            bad[at] = bad[at].wrapping_add(1);
            let _ = read(&bad); // padding may change; nothing may panic
        }
    }
}
