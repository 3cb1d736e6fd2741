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

/// All keys and values.
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
    block(bytes, at.place()?)?; // filters, of which TensorFlow writes none
    let index = block(bytes, at.place()?)?;
    let mut pairs = Vec::new();
    for (_, place) in index {
        pairs.extend(block(bytes, Reader(&place).place()?)?);
    }
    Ok(pairs)
}

/// TensorFlow's checksum: CRC-32C, rotated and shifted so that checksums of checksums are not degenerate.
pub(super) fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The entries of the block at `(offset, size)`.
fn block(bytes: &[u8], (offset, size): (usize, usize)) -> Result<Vec<Pair>, String> {
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
    let mut pairs = Vec::new();
    let mut key: Vec<u8> = Vec::new();
    while !at.0.is_empty() {
        let (shared, rest, value) = (at.length()?, at.length()?, at.length()?);
        if shared > key.len() {
            return Err("is damaged: a key shares more than its predecessor has".into());
        }
        key.truncate(shared);
        key.extend_from_slice(at.take(rest)?);
        pairs.push((key.clone(), at.take(value)?.to_vec()));
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
