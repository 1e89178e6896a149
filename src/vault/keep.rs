//! What is stored for a credential: whether it matches, and how old it is. Not here: files (see `store`); when
//! anything is read or written (see `vault`).

use std::path::PathBuf;

use super::{IssuedToken, TokenOutcome, VaultError};
use crate::credential::{Credential, CredentialKind, GrantConfig, KEY_FORMAT};
use crate::oauth::{Epoch, TokenSet};
use crate::store::{LoginNotes, ReservedFile, Store, StoreError, StoredToken};
use crate::sys::clock;

/// What is stored, if it matches this credential: the same issuer, client and requested scopes.
pub(super) fn load(store: &Store, credential: &Credential) -> Result<Option<StoredToken>, StoreError> {
    Ok(store.read(&credential.id)?.filter(|stored| belongs(stored, credential)))
}

/// Takes over what an interrupted run had written but not put in place, if it matches this credential and is no older
/// than what is stored; under the lock. Returns whether there was any.
pub(super) fn take_up(store: &Store, credential: &Credential) -> Result<bool, StoreError> {
    store.take_up(&credential.id, |left, kept| {
        let kept = kept.filter(|kept| belongs(kept, credential));
        belongs(left, credential) && kept.is_none_or(|kept| left.token.issued_at >= kept.token.issued_at)
    })
}

/// Stores a new token.
///
/// # Errors
/// [`VaultError::Store`].
pub(super) fn save(
    store: &Store,
    place: ReservedFile,
    credential: &Credential,
    token: TokenSet,
    notes: &LoginNotes,
    outcome: TokenOutcome,
) -> Result<IssuedToken, VaultError> {
    let token = as_old_as_it_is(store, credential, token);
    let path = write(store, place, credential, &token, notes)?;
    let stored = StoredToken {
        token,
        provider: credential.provider_field.clone(),
        issuer: Some(credential.issuer.clone()),
        client_id: Some(credential.client.id.clone()),
        origin: Some(credential.owner.origin.word()),
        requested_scopes: None,
        cloud_id: notes.cloud_id.clone(),
        sites: notes.sites.clone(),
        client_forgotten: notes.client_forgotten,
        members: credential.facts.clone(),
    };
    Ok(IssuedToken { stored, outcome, path })
}

/// A token that is written again keeps its time of issue: when it is due depends on its whole lifetime.
pub(super) fn write(
    store: &Store,
    place: ReservedFile,
    credential: &Credential,
    token: &TokenSet,
    notes: &LoginNotes,
) -> Result<PathBuf, StoreError> {
    store.write(place, credential, token, notes, token.issued_at.unwrap_or_else(clock::now))
}

/// Some servers return the same token until it has nearly expired. That does not renew it, and when it is due depends
/// on its whole lifetime. (A token whose expiry moves with every request was renewed.)
fn as_old_as_it_is(store: &Store, credential: &Credential, token: TokenSet) -> TokenSet {
    // Whatever is wrong with the old file, the new token must be stored.
    let kept = load(store, credential).ok().flatten().map(|stored| stored.token);
    let is_same = |kept: &TokenSet| {
        kept.access_token == token.access_token && is_no_later(token.expires_at, kept.expires_at)
    };
    let same = kept.filter(is_same);
    let issued_at = same.map_or(token.issued_at, |kept| kept.issued_at);
    TokenSet { issued_at, ..token }
}

/// Whether what is stored was obtained by this credential's client, with its requested scopes.
fn belongs(stored: &StoredToken, credential: &Credential) -> bool {
    let wishes = match (&credential.how, &stored.requested_scopes) {
        (GrantConfig::AuthorizationCode(person), Some(asked)) => {
            let (mut asked, mut wanted) = (asked.clone(), person.scopes.clone());
            asked.sort();
            wanted.sort();
            asked == wanted
        }
        _ => true,
    };
    is_clients(stored, credential) && wishes
}

/// A login's file from the registry's scripts names neither issuer nor client; its provider's name has to do, unless
/// a found file may say where that provider is. A token that costs one request is simply obtained again.
pub fn is_clients(stored: &StoredToken, credential: &Credential) -> bool {
    let person = credential.id.kind == CredentialKind::Egress && !is_led(credential);
    let same =
        |found: &Option<String>, wanted: &str| found.as_deref().map_or(person, |found| found == wanted);
    let is_key = stored.members.contains_key(KEY_FORMAT);
    is_key == credential.key().is_some()
        && stored.provider == credential.provider_field
        && same(&stored.issuer, &credential.issuer)
        && same(&stored.client_id, &credential.client.id)
        && is_owners(stored, credential)
}

/// Whether the provider's address comes from a setting, and from a found file.
fn is_led(credential: &Credential) -> bool {
    let GrantConfig::AuthorizationCode(person) = &credential.how else { return false };
    credential.owner.origin.is_found() && !person.provider.variables.is_empty()
}

/// A client whose secret was only found in this folder has no claim on a token that was obtained with the user's own.
fn is_owners(stored: &StoredToken, credential: &Credential) -> bool {
    let origin = &credential.owner.origin;
    !origin.is_found() || stored.origin.as_ref().is_none_or(|known| *known == origin.word())
}

/// Whether a token's expiry is unchanged. One second more does not count: the server sends a duration in whole
/// seconds, and we compute the time.
pub(super) fn is_no_later(end: Option<Epoch>, before: Option<Epoch>) -> bool {
    end.zip(before).is_some_and(|(end, before)| end <= before.saturating_add(1))
}
