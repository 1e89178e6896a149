//! The challenge of an MCP server to a request without a token. Not here: what follows from it (see `by_address`).

use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::Map;
use url::Url;

use crate::flow::FlowError;
use crate::mcp::jsonrpc::Message;
use crate::mcp::{ACCEPTED, METHOD, MODERN, SESSION, VERSION, add_client_meta, initialize_params};
use crate::oauth::{Challenge, ReplyError, is_unavailable};
use crate::sys::http::{Http, HttpError, Incoming};

/// How long the server may take to answer.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it may take to end a session.
const GOODBYE: Duration = Duration::from_secs(2);
/// The requests that show whether a server requires a token.
const LIST: &str = "tools/list";

/// A server's status for a request without a token, and its challenge.
///
/// Many servers accept the first messages from everyone and require a token later: so `tools/list` is tried first, as
/// the newest revision sends it, and the handshake of the older ones only if that brings no challenge.
pub(super) async fn demand(http: &Http, server: &Url) -> Result<(u16, Challenge), FlowError> {
    match ask(http, server, list_headers(), list_of_tools()).await {
        Ok(answer) if answer.status == 401 => return Ok((401, challenge(&answer))),
        Ok(answer) => leave(http, server, &answer).await,
        Err(error @ HttpError::Redirect { .. }) => return Err(error.into()),
        Err(error) if error.unsent() => return Err(error.into()),
        Err(_) => {}
    }
    let answer = ask(http, server, json_headers(ACCEPTED), handshake()).await?;
    leave(http, server, &answer).await;
    unavailable(server, answer.status)?;
    Ok((answer.status, challenge(&answer)))
}

async fn ask(http: &Http, server: &Url, headers: HeaderMap, message: Bytes) -> Result<Incoming, HttpError> {
    let within = server.join("/").unwrap_or_else(|_| server.clone());
    let asked = http.open(Method::POST, (server, &within), headers, Some(message));
    let host = || server.host_str().unwrap_or_default().to_owned();
    let late = |_| HttpError::Lost { host: host(), cause: "the deadline passed".into() };
    tokio::time::timeout(FIRST_ANSWER_TIMEOUT, asked).await.map_err(late)?
}

/// Ends a session that the server opened for a question: older ones open one for whatever comes without. Errors are
/// ignored: many servers refuse this.
async fn leave(http: &Http, server: &Url, answer: &Incoming) {
    if let Some(session) = answer.headers.get(SESSION) {
        let headers = HeaderMap::from_iter([(SESSION, session.clone())]);
        let within = server.join("/").unwrap_or_else(|_| server.clone());
        let ended = http.open(Method::DELETE, (&answer.url, &within), headers, None);
        let _ = tokio::time::timeout(GOODBYE, ended).await;
    }
}

fn challenge(answer: &Incoming) -> Challenge {
    let values = answer.headers.get_all(WWW_AUTHENTICATE).iter().map(|value| value.as_bytes());
    Challenge::read(values).unwrap_or_default()
}

fn handshake() -> Bytes {
    Message::request(1, "initialize", &initialize_params()).text
}

fn list_of_tools() -> Bytes {
    let mut params = Map::new();
    add_client_meta(&mut params);
    Message::request(1, LIST, &params).text
}

fn list_headers() -> HeaderMap {
    let mut headers = json_headers(ACCEPTED);
    headers.insert(VERSION, HeaderValue::from_static(MODERN));
    headers.insert(METHOD, HeaderValue::from_static(LIST));
    headers
}

/// A JSON body, and an answer of these types.
pub(super) fn json_headers(accept: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

/// Fails if the server cannot answer now.
///
/// # Errors
/// [`FlowError::Reply`].
pub(super) fn unavailable(url: &Url, status: u16) -> Result<(), FlowError> {
    if is_unavailable(status) {
        return Err(FlowError::reply(url, ReplyError::Unavailable { status, said: None }));
    }
    Ok(())
}
