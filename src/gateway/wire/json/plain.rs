//! The length of a string's start that has no character special to JSON. Not here: the special ones (see `json`).

/// How many bytes come before a quote, a backslash or a control character: many at a time, because strings are most of a
/// message.
#[inline(always)]
pub(super) fn plain(bytes: &[u8]) -> usize {
    match bytes.split_first_chunk::<SHORT>() {
        Some((start, rest)) => match plain_by_eights(start) {
            SHORT => SHORT + plain_by_chunks(rest),
            at => at,
        },
        None => plain_by_eights(bytes),
    }
}

/// Most strings are shorter, in bytes.
const SHORT: usize = 32;

#[inline(always)]
fn plain_by_eights(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const TOPS: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = is_zero(word ^ (ONES * u64::from(b'"')));
        let backslash = is_zero(word ^ (ONES * u64::from(b'\\')));
        let special = (control | quote | backslash) & TOPS;
        // Borrows cause false hits only above a true one, and the lowest is the first.
        if special != 0 {
            return at * 8 + special.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The same for long strings: the compiler looks at all of a chunk together, since nothing ends that early.
#[inline(never)]
fn plain_by_chunks(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<64>();
    let is_plain = |chunk: &&[u8; 64]| chunk.iter().fold(true, |all, byte| all & !is_special(byte));
    let passed = 64 * chunks.iter().take_while(is_plain).count();
    passed + plain_by_eights(bytes.get(passed..).unwrap_or_default())
}

fn is_special(byte: &u8) -> bool {
    (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_ends_at_the_first_special_byte_wherever_that_is() {
        for length in 0..200 {
            let mut bytes = vec![b'x'; length];
            // Neighbours of the special bytes, and halves of wider characters, are plain.
            let plain_ones = [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xa2, 0xdc, 0xff];
            bytes.iter_mut().zip(plain_ones.iter().cycle()).for_each(|(to, from)| *to = *from);
            assert_eq!(plain(&bytes), length);
            for at in 0..length {
                for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                    let was = std::mem::replace(&mut bytes[at], special);
                    let end = bytes.last_mut().map(|last| std::mem::replace(last, special));
                    assert_eq!(plain(&bytes), at, "{special:#x} of {length}");
                    bytes[length - 1] = if at == length - 1 { was } else { end.unwrap_or_default() };
                    bytes[at] = was;
                }
            }
        }
    }
}
