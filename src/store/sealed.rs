//! Files with secrets that are plain in a 0600 file, or sealed (AES-256-GCM) with a key that only the keyring has: a client's file as
//! it was, for which a keyring's entries are too small, and a registration, which one step must replace. Not here: what is in
//! them (see `import` and `config`).

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{Storage, Store, StoreError, format, keyring};
use crate::sys::private_file;

/// The member with the sealed members.
const SEALED: &str = "sealed";
/// The name that the keyring has the key under, in the file's folder.
const KEY_NAME: &str = ".key";
/// The member of the keyring's entry.
const KEY: &str = "key";
/// The length of a key, in bytes.
const KEY_LEN: usize = 32;
/// The largest file that is read, in bytes: a client's largest file, in JSON and in Base64.
const LARGEST: u64 = 1 << 30;

impl Store {
    /// Writes a file whose members `secret` must not be in a plain file where a keyring is used. What was sealed once stays so.
    pub fn write_sealed(
        &self,
        path: &Path,
        mut object: Map<String, Value>,
        secret: &[&str],
    ) -> Result<(), StoreError> {
        let was = private_file::read_long(path, LARGEST).ok().flatten();
        let was_sealed = was.is_some_and(|was| format::parse(&was).is_ok_and(|was| is_sealed(&was)));
        let storage = if was_sealed { Storage::Keyring } else { self.storage };
        seal(path, &mut object, secret, storage)?;
        Ok(private_file::write(path, &format::print(&object))?)
    }

    /// Reads such a file; `None` if it is not there.
    ///
    /// # Errors
    /// As [`StoreError`] says: also a keyring without the key.
    pub fn read_sealed(&self, path: &Path) -> Result<Option<Map<String, Value>>, StoreError> {
        let Some(text) = private_file::read_long(path, LARGEST)? else { return Ok(None) };
        let odd = |reason| StoreError::Format { path: path.into(), reason };
        let mut object = format::parse(&text).map_err(odd)?;
        unseal(path, &mut object)?;
        Ok(Some(object))
    }
}

/// Whether anything is sealed in an object from a file.
pub fn is_sealed(object: &Map<String, Value>) -> bool {
    object.contains_key(SEALED)
}

/// Seals the members `secret` of what becomes the file at `path`, if `storage` is a keyring.
pub fn seal(
    path: &Path,
    object: &mut Map<String, Value>,
    secret: &[&str],
    storage: Storage,
) -> Result<(), StoreError> {
    if storage == Storage::File {
        return Ok(());
    }
    let members: Map<String, Value> =
        secret.iter().filter_map(|name| Some(((*name).to_owned(), object.remove(*name)?))).collect();
    let mut text = Value::Object(members).to_string().into_bytes();
    let key = key(path, true)?.ok_or_else(|| no_key(path))?;
    let nonce = key.seal_in_place_append_tag(Aad::empty(), &mut text).map_err(|_| broken(path))?;
    text.extend(nonce.as_ref());
    object.insert(SEALED.into(), STANDARD.encode(text).into());
    Ok(())
}

/// Opens what is sealed in an object from the file at `path`, if anything is.
///
/// # Errors
/// As [`StoreError`] says: also a keyring without the key.
pub fn unseal(path: &Path, object: &mut Map<String, Value>) -> Result<(), StoreError> {
    let Some(sealed) = object.remove(SEALED) else { return Ok(()) };
    let mut bytes = STANDARD.decode(sealed.as_str().unwrap_or_default()).map_err(|_| broken(path))?;
    let nonce = bytes.split_off(bytes.len().checked_sub(NONCE_LEN).ok_or_else(|| broken(path))?);
    let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| broken(path))?;
    let key = key(path, false)?.ok_or_else(|| no_key(path))?;
    let opened = key.open_in_place(nonce, Aad::empty(), &mut bytes).map_err(|_| broken(path))?;
    match serde_json::from_slice(opened) {
        Ok(Value::Object(members)) => {
            object.extend(members);
            Ok(())
        }
        _ => Err(broken(path)),
    }
}

/// The keyring's key for the files in the folder of `path`: made once, and never replaced, because a file and the keyring cannot be
/// changed in one step.
fn key(path: &Path, make: bool) -> Result<Option<RandomizedNonceKey>, StoreError> {
    let place = path.with_file_name(KEY_NAME);
    let mut kept = Map::new();
    if !keyring::fill(&place, &mut kept)? {
        if !make {
            return Ok(None);
        }
        let mut new = zeroize::Zeroizing::new([0; KEY_LEN]);
        SystemRandom::new().fill(new.as_mut()).map_err(|_| broken(path))?;
        kept.insert(KEY.into(), STANDARD.encode(new.as_ref()).into());
        keyring::take(&place, &mut kept.clone(), &[KEY])?;
    }
    let bytes = kept.get(KEY).and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
    let bytes = zeroize::Zeroizing::new(bytes.unwrap_or_default());
    RandomizedNonceKey::new(&AES_256_GCM, &bytes).map(Some).map_err(|_| broken(path))
}

fn no_key(path: &Path) -> StoreError {
    StoreError::Keyring(format!("it has no key for {}", path.display()))
}

fn broken(path: &Path) -> StoreError {
    StoreError::Format { path: path.into(), reason: "it cannot be opened with the keyring's key".into() }
}
