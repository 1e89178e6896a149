//! The vectors that were made, and the file that keeps them: one JSON object a line, each vector by the hash of its text and
//! model. No text is in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::sys::private_file::FileError;
use crate::sys::regular_file;

/// What identifies a text for a model: SHA-256 of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct TextHash([u8; 32]);

/// A vector of length 1, so that the product of two is the cosine of the angle between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct UnitVector(Arc<[f32]>);

/// Vectors by their texts.
#[derive(Default)]
pub(super) struct Vectors(HashMap<TextHash, UnitVector>);

#[derive(Serialize, Deserialize)]
struct VectorLine {
    /// SHA-256 of model and text, in Base64.
    text: String,
    /// The numbers, four bytes each, the least significant first, in Base64.
    vector: String,
}

/// The largest file that is read, in bytes: 20,000 vectors of 3,000 numbers.
const LARGEST: u64 = 400 << 20;
/// Vectors that the file may have in addition to two for each that is used: a server that is off may come back.
const SPARE: usize = 1000;

impl TextHash {
    pub(super) fn of(model: &str, text: &str) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(model.as_bytes());
        hash.update(&[0]);
        hash.update(text.as_bytes());
        Self(hash.finish().as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl UnitVector {
    /// The vector in this direction; `None` if it has none.
    pub(super) fn new(numbers: Vec<f32>) -> Option<Self> {
        let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
        let has_direction = length.is_finite() && length > 0.;
        has_direction.then(|| Self(numbers.iter().map(|number| number / length).collect()))
    }

    pub(super) fn cosine(&self, other: &Self) -> f32 {
        self.0.iter().zip(&*other.0).map(|(one, other)| one * other).sum()
    }

    /// How many numbers it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn written(&self) -> String {
        STANDARD_NO_PAD.encode(self.0.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>())
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = STANDARD_NO_PAD.decode(text).ok()?;
        let (numbers, odd) = bytes.as_chunks::<4>();
        Self::new(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
            .filter(|_| odd.is_empty())
    }
}

impl Vectors {
    /// Those in a file; none if it is not there. A line that is something else is ignored.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let text = match regular_file::read_text(path, LARGEST) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(|source| FileError::Io { path: path.into(), source })?,
        };
        Ok(Self(text.lines().filter_map(VectorLine::read).collect()))
    }

    pub(super) fn get(&self, hash: &TextHash) -> Option<UnitVector> {
        self.0.get(hash).cloned()
    }

    pub(super) fn add(&mut self, vectors: impl Iterator<Item = (TextHash, UnitVector)>) {
        self.0.extend(vectors);
    }

    /// The texts without a vector, each once.
    pub(super) fn missing<'t>(&self, hashes: &[TextHash], texts: &'t [String]) -> Vec<(TextHash, &'t str)> {
        let mut missing = HashMap::new();
        for (place, (hash, text)) in
            hashes.iter().zip(texts).enumerate().filter(|(_, (hash, _))| !self.0.contains_key(hash))
        {
            if let Entry::Vacant(entry) = missing.entry(*hash) {
                entry.insert((place, text.as_str()));
            }
        }
        let mut missing: Vec<_> = missing.into_iter().collect();
        missing.sort_unstable_by_key(|(_, (place, _))| *place);
        missing.into_iter().map(|(hash, (_, text))| (hash, text)).collect()
    }

    /// The file's text. Vectors that nothing uses are dropped, here too, once there are too many of them.
    pub(super) fn written(&mut self, used: &[TextHash]) -> String {
        if self.0.len() > 2 * used.len() + SPARE {
            let kept = used.iter().filter_map(|hash| Some((*hash, self.get(hash)?)));
            self.0 = kept.collect();
        }
        let line = |(hash, vector): (&TextHash, &UnitVector)| {
            serde_json::to_string(&VectorLine {
                text: STANDARD_NO_PAD.encode(hash.0),
                vector: vector.written(),
            })
        };
        self.0.iter().filter_map(|pair| line(pair).ok()).map(|line| line + "\n").collect()
    }
}

impl VectorLine {
    fn read(line: &str) -> Option<(TextHash, UnitVector)> {
        let Self { text, vector } = serde_json::from_str(line).ok()?;
        let hash = STANDARD_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some((TextHash(hash), UnitVector::read(&vector)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::private_file;

    fn vector(numbers: &[f32]) -> UnitVector {
        UnitVector::new(numbers.to_vec()).unwrap()
    }

    #[test]
    fn a_file_gives_back_what_was_written_and_ignores_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vectors.jsonl");
        assert!(Vectors::read(&path).unwrap().0.is_empty());
        let (one, other) = (TextHash::of("m", "one"), TextHash::of("m", "other"));
        let mut vectors = Vectors::default();
        vectors.add([(one, vector(&[3., 4.])), (other, vector(&[1., 0.]))].into_iter());
        let text = vectors.written(&[one]);
        let odd = "{\"text\":\"AA\",\"vector\":\"AAAA\"}\nnonsense\n{\"text\":";
        private_file::write(&path, &format!("{text}{odd}")).unwrap();
        let read = Vectors::read(&path).unwrap();
        assert_eq!(
            (read.get(&one), read.get(&other), read.0.len()),
            (Some(vector(&[0.6, 0.8])), Some(vector(&[1., 0.])), 2)
        );
        assert!(Vectors::read(dir.path()).is_err(), "a folder");
    }

    #[test]
    fn a_text_is_known_by_itself_and_its_model() {
        let hash = TextHash::of;
        assert_eq!(hash("m", "t"), hash("m", "t"));
        assert!(
            hash("m", "t") != hash("n", "t")
                && hash("m", "t") != hash("m", "u")
                && hash("ab", "c") != hash("a", "bc")
        );
    }

    #[test]
    fn a_text_without_a_vector_is_missing_once_and_unused_ones_go() {
        let texts: Vec<String> = ["a", "b", "a", "c"].map(str::to_owned).to_vec();
        let hashes: Vec<TextHash> = texts.iter().map(|text| TextHash::of("m", text)).collect();
        let mut vectors = Vectors::default();
        vectors.add(std::iter::once((hashes[1], vector(&[1.]))));
        let missing: Vec<&str> = vectors.missing(&hashes, &texts).into_iter().map(|(_, text)| text).collect();
        assert_eq!(missing, ["a", "c"]);
        vectors.add((0..SPARE + 9).map(|n| (TextHash::of("old", &n.to_string()), vector(&[1.]))));
        vectors.written(&hashes);
        assert_eq!(vectors.0.len(), 1);
    }
}
