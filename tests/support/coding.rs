//! Bodies in each content coding (RFC 9110 section 8.4.1), written by hand without compressing anything.
#![cfg(test)]

/// The codings there are.
pub(crate) const CODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// The body in a coding, fewer than 64 KiB of it.
pub(crate) fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    let size = u32::try_from(body.len()).unwrap();
    let short = u16::try_from(size).unwrap();
    // One stored block of RFC 1951.
    let stored = [&[1][..], &short.to_le_bytes(), &(!short).to_le_bytes(), body].concat();
    match coding {
        "gzip" => {
            let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
            [&head[..], &stored, &crc32(body).to_le_bytes(), &size.to_le_bytes()].concat()
        }
        "deflate" => [&[0x78, 1][..], &stored, &adler32(body).to_be_bytes()].concat(),
        // RFC 7932 section 9.2: an uncompressed meta-block, and an empty last one.
        "br" => [&((size - 1) << 4 | 1 << 20).to_le_bytes()[..3], body, &[3]].concat(),
        // RFC 8878 section 3.1.1: a single segment of a raw block.
        "zstd" => {
            let block = &(1 | size << 3).to_le_bytes()[..3];
            [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &size.to_le_bytes(), block, body].concat()
        }
        other => panic!("{other}"),
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}
