//! MCP over stdio: one message per line, in and out. Requests run concurrently; messages whose order matters are
//! awaited: `initialize`, and every message without an answer. Not here: how a message is handled (see `client`).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{self, AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, JoinSet};

use super::client::{ClientSide, FailureReporter};
use super::offer::LoginDesk;
use super::pipes::{ClientInput, ClientOutput, InputLine, write};
use super::tools::IgnoredTools;
use crate::mcp::jsonrpc::{self, INVALID_REQUEST, Message};
use crate::session::remote::MAX_MESSAGE_BYTES;
use crate::session::{CredentialSource, TransportOrder};
use crate::sys::http::Http;

/// How long requests may continue after the client's input has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(30);

/// What a client gets of its server.
pub struct StdioOptions {
    /// The network.
    pub http: Http,
    /// The server's headers.
    pub access: Arc<dyn CredentialSource>,
    /// Receives failures that no message can carry.
    pub report: FailureReporter,
    /// The tools that it does not get.
    pub ignored: IgnoredTools,
    /// How the server is spoken to.
    pub transport: TransportOrder,
}

/// Serves one client until it closes `input`, or until nothing can be written to it any more: the result is how writing
/// ended.
///
/// # Errors
/// `input` cannot be read.
pub async fn serve(
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin + Send + 'static,
    options: StdioOptions,
) -> io::Result<io::Result<()>> {
    let (lines, ready) = ClientOutput::new();
    let mut writer = tokio::spawn(write(output, ready));
    let desk = LoginDesk::default();
    let StdioOptions { http, access, report, ignored, transport } = options;
    let client = ClientSide::new(http, access, lines, report, desk.clone()).limited(ignored, transport);
    let result = tokio::select! {
        result = read(&client, &desk, input) => result,
        written = &mut writer => {
            client.session.close().await;
            return Ok(written?);
        }
    };
    client.session.close().await;
    drop(client);
    // A client that is there but has stopped reading must not keep the bridge alive either.
    let written = match tokio::time::timeout(LAST_ANSWERS, writer).await {
        Ok(written) => written?,
        Err(_) => Ok(()),
    };
    result.map(|()| written)
}

async fn read(client: &ClientSide, desk: &LoginDesk, input: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut tasks = JoinSet::new();
    let mut listening = None;
    let mut input = ClientInput::new(input);
    while let Some(text) = input.next().await? {
        while tasks.try_join_next().is_some() {}
        let InputLine::Whole(text) = text else {
            let text = format!("the message is larger than {} MiB", MAX_MESSAGE_BYTES >> 20);
            // The id of such a message is not known.
            client.say(jsonrpc::error(&Value::Null, INVALID_REQUEST, &text)).await;
            continue;
        };
        if text.trim().is_empty() {
            continue;
        }
        let message = match Message::read(text) {
            Ok(message) => message,
            Err(answer) => {
                client.say(answer).await;
                continue;
            }
        };
        if message.request_id().is_some() && message.method() != Some("initialize") {
            client.start(&mut tasks, message);
            continue;
        }
        input.wait_for(client.in_order(&message), LAST_ANSWERS).await?;
        let begins = message.method() == Some("notifications/initialized");
        if begins && listening.is_none() && !client.session.has_channel() {
            let session = client.session.clone();
            listening = Some(tokio::spawn(async move { session.listen().await }).abort_handle());
        }
    }
    // Nobody is left to ask.
    desk.close();
    // Tasks that never end are not awaited.
    listening.iter().for_each(AbortHandle::abort);
    client.abort(false);
    let answered = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_ANSWERS, answered).await;
    client.abort(true);
    Ok(())
}
