//! One request with a server's credentials of the moment, and once more with others where they are refused.
//! It leaves what is asked to `upstream` and `legacy_sse`.

use std::future::Future;
use std::sync::Arc;

use reqwest::header::HeaderMap;

use super::message::Failure;
use super::{Access, Given};
use crate::mcp::Answer;
use crate::sys::http::HttpError;
use crate::tokens::retry;

/// The id under which a client's `initialize` is said again; its answer is not for the client.
pub(super) const AGAIN: &str = "mcpauth-initialize-again";

/// Asks with the credentials of the moment, and once more with others if they are refused.
pub(super) async fn ask<F>(
    access: &dyn Access,
    request: impl Fn(Arc<Given>, HeaderMap) -> F,
) -> Result<Answer, Failure>
where
    F: Future<Output = Result<Answer, HttpError>>,
{
    let mut turn = retry::Once::begin(access).await?;
    loop {
        let given = turn.token();
        let answer = request(given.clone(), given.headers.clone()).await?;
        if answer.status != 401 || !turn.again().await? {
            return Ok(answer);
        }
    }
}
