//! Who we are to the issuer that a server names: a person's own client, the one that was taken the last time, the one that is
//! described at the user's address, or one that the issuer registers now, in this order. It leaves asking to `flow`.

use super::request::{LoginRequest, Own};
use crate::config::{Config, KeyFile, Registration, login_command, signing_key};
use crate::error::Error;
use crate::flow::{self, Discovered};
use crate::oauth::{ClientAuth, OAuthClient, own_auth};
use crate::sys::http::Http;
use crate::text::clean;
use crate::vault::VaultError;

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

/// The client to be; `kept` is what there was. A new one is registered only if there is room to keep it.
pub(super) async fn choose(
    request: &LoginRequest,
    config: &Config,
    http: &Http,
    kept: Option<&Registration>,
    found: &Discovered,
    scopes: &[String],
    make_room: impl FnOnce() -> Result<(), Error>,
) -> Result<Chosen, Error> {
    if let Some(id) = &request.own.id {
        return request.own.chosen(id, found);
    }
    let document = kept.filter(|kept| kept.is_document());
    if let Some(kept) = kept.filter(|kept| !kept.registered && document.is_none_or(|_| is_of(kept, found))) {
        return taken_again(request, kept, found);
    }
    if found.issuer.client_id_metadata_document_supported {
        let address = config.client_metadata_url()?.map(String::from);
        if let Some(address) = address.or_else(|| document.map(|kept| kept.client_id.clone())) {
            return Own::default().chosen(&address, found);
        }
    }
    // What was registered may be good for the scopes alone that it was registered with.
    if let Some(kept) = kept.filter(|kept| !request.force && is_of(kept, found) && kept.scopes == scopes) {
        return taken_again(request, kept, found);
    }
    make_room()?;
    let registered = flow::register(http, &found.issuer, scopes).await;
    let (client, redirect_uri) =
        registered.map_err(|error| VaultError::Flow(found.unregistered(&request.url, error)))?;
    Ok(Chosen { client, key: None, redirect_uri, registered: true, remark: ClientRemark::Registered })
}

fn is_of(kept: &Registration, found: &Discovered) -> bool {
    kept.issuer == found.issuer.issuer
}

/// A client is nobody to another issuer than its own, and what is a person's is not replaced without them.
fn taken_again(request: &LoginRequest, kept: &Registration, found: &Discovered) -> Result<Chosen, Error> {
    let command = login_command(&request.url, &request.name);
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
