//! Bodies in each content coding (RFC 9110 section 8.4.1).
#![cfg(test)]

use std::io::Write;

/// What `Content-Encoding` may say of a body that can be read, and the codings it means.
pub(crate) const SAID: [(&str, &[&str]); 15] = [
    ("gzip", &["gzip"]),
    ("br", &["br"]),
    ("zstd", &["zstd"]),
    ("deflate", &["deflate"]),
    // Without zlib's header and checksum, as many servers send it.
    ("deflate", &["raw deflate"]),
    ("deflate, br", &["raw deflate", "br"]),
    ("GZIP", &["gzip"]),
    ("x-gzip", &["gzip"]),
    ("X-Gzip", &["gzip"]),
    ("identity", &[]),
    ("Identity, gzip", &["gzip"]),
    ("gzip, br", &["gzip", "br"]),
    ("deflate,gzip ,zstd", &["deflate", "gzip", "zstd"]),
    ("gzip\r\nContent-Encoding: gzip", &["gzip", "gzip"]),
    ("br\r\ncontent-encoding: identity", &["br"]),
];

/// The body in several codings, one after the other.
pub(crate) fn encoded_by(codings: &[&str], body: &[u8]) -> Vec<u8> {
    codings.iter().fold(body.to_vec(), |body, coding| encoded(coding, &body))
}

/// As much of a body's beginning in one coding as its end needs not be known for; the end is still to come.
pub(crate) fn begun_by(codings: &[&str], body: &[u8]) -> Vec<u8> {
    let fast = flate2::Compression::default();
    match codings {
        [] => body.to_vec(),
        ["gzip"] => flushed(flate2::write::GzEncoder::new(Vec::new(), fast), body, |writer| writer.get_ref()),
        ["deflate"] => {
            flushed(flate2::write::ZlibEncoder::new(Vec::new(), fast), body, |writer| writer.get_ref())
        }
        ["raw deflate"] => {
            flushed(flate2::write::DeflateEncoder::new(Vec::new(), fast), body, |writer| writer.get_ref())
        }
        ["br"] => {
            flushed(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22), body, |writer| writer.get_ref())
        }
        ["zstd"] => flushed(zstd::Encoder::new(Vec::new(), 3).unwrap(), body, |writer| writer.get_ref()),
        other => panic!("{other:?}"),
    }
}

fn flushed<W: Write>(mut writer: W, body: &[u8], written: impl Fn(&W) -> &Vec<u8>) -> Vec<u8> {
    writer.write_all(body).unwrap();
    writer.flush().unwrap();
    written(&writer).clone()
}

/// The body in a coding.
pub(crate) fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(body).unwrap();
            writer.finish().unwrap()
        }
        "deflate" => {
            let mut writer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(body).unwrap();
            writer.finish().unwrap()
        }
        "raw deflate" => {
            let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            writer.write_all(body).unwrap();
            writer.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            brotli::BrotliCompress(&mut &*body, &mut out, &brotli::enc::BrotliEncoderParams::default())
                .unwrap();
            out
        }
        "zstd" => zstd::encode_all(body, 3).unwrap(),
        other => panic!("{other}"),
    }
}
