//! Who we are to the issuer that a server names: a person's own client, the one that was taken the last time, the one that is
//! described at the user's address, or one that the issuer registers now, in this order. It leaves asking to `flow`.

use std::path::PathBuf;

use url::Url;

use super::args::{LoginArgs, OwnArgs};
use crate::cli::given::secret_from;
use crate::config::{Config, KeyFile, Registration, login_command, name_of, signing_key};
use crate::error::Error;
use crate::flow::{self, Discovered};
use crate::oauth::{ClientAuth, OAuthClient, own_auth};
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::sys::paths;
use crate::text::clean;
use crate::vault::VaultError;

/// The same, its files read.
#[derive(Default)]
pub(super) struct Own {
    id: Option<String>,
    secret: Option<Secret>,
    key: Option<KeyFile>,
    redirect_uri: Option<String>,
    pub(super) for_itself: bool,
}

/// A client, and how it is kept.
pub(super) struct Chosen {
    pub(super) client: OAuthClient,
    pub(super) key: Option<KeyFile>,
    pub(super) redirect_uri: String,
    /// Whether mcpauth registered it, now or before.
    pub(super) registered: bool,
    /// What somebody must know of it.
    pub(super) remark: ClientRemark,
}

/// What is said of a client beside its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientRemark {
    /// Nothing: it has been used before, or its redirect URI was typed.
    Nothing,
    /// It was registered just now.
    Registered,
    /// Its redirect URI is one that we chose.
    RedirectUri,
}

impl Own {
    /// As it was typed.
    ///
    /// # Errors
    /// The secret's file's.
    pub(super) fn read(typed: &OwnArgs) -> Result<Self, Error> {
        let path = |path: &PathBuf| KeyFile { path: paths::absolute(path), key_id: typed.key_id.clone() };
        Ok(Self {
            id: typed.client_id.clone(),
            secret: typed.client_secret_file.as_deref().map(secret_from).transpose()?,
            key: typed.private_key_file.as_ref().map(path),
            redirect_uri: typed.redirect_uri.as_ref().map(Url::to_string),
            for_itself: typed.client_credentials,
        })
    }

    /// Whether this is what is kept, as far as it was typed.
    pub(super) fn is(&self, kept: &Registration) -> bool {
        self.id.as_ref().is_none_or(|id| *id == kept.client_id)
            && self.secret.is_none_or_is(kept.client_secret.as_ref())
            && self.key.is_none_or_is(kept.private_key.as_ref())
            && self.redirect_uri.as_ref().is_none_or(|uri| *uri == kept.redirect_uri)
            && (!self.for_itself || kept.for_itself)
    }

    /// Whether a client was named.
    pub(super) fn has_id(&self) -> bool {
        self.id.is_some()
    }

    /// Whether the client can prove who it is, and so may get tokens for itself.
    pub(super) fn has_proof(&self) -> bool {
        self.secret.is_some() || self.key.is_some()
    }

    fn chosen(&self, id: &str, found: &Discovered) -> Result<Chosen, Error> {
        let auth = match &self.key {
            Some(KeyFile { path, key_id }) => {
                ClientAuth::PrivateKeyJwt(signing_key("--private-key-file", path, key_id.clone())?)
            }
            None => own_auth(self.secret.clone(), &found.issuer),
        };
        Ok(Chosen {
            client: OAuthClient { id: id.into(), auth },
            key: self.key.clone(),
            redirect_uri: self
                .redirect_uri
                .clone()
                .unwrap_or_else(|| flow::usual_redirect_uri(&found.issuer)),
            registered: false,
            remark: if self.redirect_uri.is_none() {
                ClientRemark::RedirectUri
            } else {
                ClientRemark::Nothing
            },
        })
    }
}

/// What was typed agrees with what is kept unless it says something else.
trait NoneOrIs<T> {
    fn is_none_or_is(&self, kept: Option<&T>) -> bool;
}

impl<T: PartialEq> NoneOrIs<T> for Option<T> {
    fn is_none_or_is(&self, kept: Option<&T>) -> bool {
        self.as_ref().is_none_or(|typed| kept == Some(typed))
    }
}

/// The client to be; `kept` is what there was. A new one is registered only if there is room to keep it.
pub(super) async fn choose(
    args: &LoginArgs,
    config: &Config,
    http: &Http,
    (own, kept): (&Own, Option<&Registration>),
    found: &Discovered,
    scopes: &[String],
    make_room: impl FnOnce() -> Result<(), Error>,
) -> Result<Chosen, Error> {
    if let Some(id) = &own.id {
        return own.chosen(id, found);
    }
    let document = kept.filter(|kept| kept.is_document());
    if let Some(kept) = kept.filter(|kept| !kept.registered && document.is_none_or(|_| is_of(kept, found))) {
        return taken_again(args, kept, found);
    }
    if found.issuer.client_id_metadata_document_supported {
        let address = config.client_metadata_url()?.map(String::from);
        if let Some(address) = address.or_else(|| document.map(|kept| kept.client_id.clone())) {
            return Own::default().chosen(&address, found);
        }
    }
    // What was registered may be good for the scopes alone that it was registered with.
    if let Some(kept) = kept.filter(|kept| !args.force && is_of(kept, found) && kept.scopes == scopes) {
        return taken_again(args, kept, found);
    }
    make_room()?;
    let registered = flow::register(http, &found.issuer, scopes).await;
    let (client, redirect_uri) =
        registered.map_err(|error| VaultError::Flow(found.unregistered(&args.url, error)))?;
    Ok(Chosen { client, key: None, redirect_uri, registered: true, remark: ClientRemark::Registered })
}

fn is_of(kept: &Registration, found: &Discovered) -> bool {
    kept.issuer == found.issuer.issuer
}

/// A client is nobody to another issuer than its own, and what is a person's is not replaced without them.
fn taken_again(args: &LoginArgs, kept: &Registration, found: &Discovered) -> Result<Chosen, Error> {
    let command = login_command(&args.url, args.server_name.as_deref().unwrap_or(&name_of(&args.url)));
    if !is_of(kept, found) {
        let [new, old] = [&found.issuer.issuer, &kept.issuer].map(|issuer| clean(issuer, 200));
        return Err(Error::Usage {
            message: format!("the server is now for tokens of {new}, and your client is one of {old}"),
            hint: format!(
                "register a client there, then run: {command} {}",
                flow::client_flags(&found.issuer)
            ),
        });
    }
    Ok(Chosen {
        client: kept.client(&command)?,
        key: kept.private_key.clone(),
        redirect_uri: kept.redirect_uri.clone(),
        registered: kept.registered,
        remark: ClientRemark::Nothing,
    })
}
