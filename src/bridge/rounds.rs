//! An offered login as one round of a multi round-trip request (MCP 2026-07-28): the answer asks for input, and the
//! client sends the request again with the person's answer. Not here: the older way to ask (see `client`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::offer::{LoginDesk, LoginEnd, Offer, PersonAnswer};
use super::stand_in::opens_addresses;
use crate::mcp::jsonrpc::Message;

/// Our question's key among a request's.
const KEY: &str = "mcpauth-login";
/// What a state of ours begins with; the offer's id follows, and what the request had before.
const STATE: &str = "mcpauth-login.";
/// The requests whose answers may ask for input.
const ASKABLE: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];
/// How long one round waits for the login: clients wait a minute for an answer by default.
const ROUND: Duration = Duration::from_secs(45);
/// The members of a request that belong to rounds.
const MEMBERS: [&str; 2] = ["inputResponses", "requestState"];

/// What to do with a request.
pub(super) enum RoundTurn {
    /// Send this one.
    Send(Message),
    /// The person declined, or the login failed: send this one, and offer no login again. With the reason.
    SendOnly(Message, String),
    /// Answer with this.
    Answer(String),
}

/// Whether a login may be offered as the answer to a request.
pub(super) fn is_askable(message: &Message) -> bool {
    message.is_modern()
        && message.method().is_some_and(|method| ASKABLE.contains(&method))
        && opens_addresses(message)
}

/// The answer that offers a login.
pub(super) fn question(message: &Message, offer: &Offer) -> String {
    let params = json!({"mode": "url", "message": offer.message, "url": offer.address.as_str()});
    let request = json!({"method": "elicitation/create", "params": params});
    answer(message, &json!({KEY: request}), &state(message, &offer.id))
}

/// Whether a body may be such a request, without parsing it.
pub(super) fn may_be_round(body: &[u8]) -> bool {
    memchr::memmem::find(body, STATE.as_bytes()).is_some()
}

/// Whether a request comes again after a question of ours.
pub(super) fn is_round(message: &Message) -> bool {
    message.is_modern() && earlier(message).is_some()
}

/// Reads what a request says about an offer, and waits for the login that it agreed to.
pub(super) async fn take(desk: &LoginDesk, message: &Message) -> RoundTurn {
    let Some((id, earlier)) = earlier(message) else { return RoundTurn::Send(message.clone()) };
    let given = message.value.pointer("/params/inputResponses").and_then(|given| given.get(KEY));
    let given = given.map(|given| PersonAnswer::read(Some(given)));
    let stripped = stripped(message, &earlier);
    let Some(offer) = desk.find(&id) else { return RoundTurn::Send(stripped) };
    if let Some(given) = given {
        desk.answered(&offer, given);
    } else if !offer.is_accepted() {
        return RoundTurn::Answer(question(&stripped, &offer));
    }
    match tokio::time::timeout(ROUND, offer.ended()).await {
        Ok(LoginEnd::LoggedIn) => RoundTurn::Send(stripped),
        Ok(LoginEnd::Failed(cause)) => RoundTurn::SendOnly(stripped, cause),
        Err(_) => RoundTurn::Answer(answer(&stripped, &Value::Null, &state(&stripped, &id))),
    }
}

fn answer(message: &Message, requests: &Value, state: &str) -> String {
    let mut result = json!({"resultType": "input_required", "requestState": state});
    if let (false, Some(result)) = (requests.is_null(), result.as_object_mut()) {
        result.insert("inputRequests".into(), requests.clone());
    }
    json!({"jsonrpc": "2.0", "id": message.request_id(), "result": result}).to_string()
}

/// Our state; the request's own rounds with its server are in it.
fn state(message: &Message, id: &str) -> String {
    let params = message.value.get("params").and_then(Value::as_object);
    let own = |name: &str| Some((name.to_owned(), params?.get(name)?.clone()));
    let own: Map<String, Value> = MEMBERS.iter().filter_map(|name| own(name)).collect();
    format!("{STATE}{id}.{}", URL_SAFE_NO_PAD.encode(Value::Object(own).to_string()))
}

/// The offer's id in a state of ours, and the members that the request had before.
fn earlier(message: &Message) -> Option<(String, Map<String, Value>)> {
    let state = message.value.pointer("/params/requestState")?.as_str()?.strip_prefix(STATE)?;
    let (id, own) = state.split_once('.')?;
    let own = URL_SAFE_NO_PAD.decode(own).ok()?;
    Some((id.to_owned(), serde_json::from_slice(&own).ok()?))
}

/// The request as it was before it was about a login.
fn stripped(message: &Message, earlier: &Map<String, Value>) -> Message {
    let mut value = message.value.clone();
    if let Some(params) = value.get_mut("params").and_then(Value::as_object_mut) {
        MEMBERS.iter().for_each(|name| drop(params.shift_remove(*name)));
        params.extend(earlier.clone());
    }
    value.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_out_of_our_round_as_it_went_in() {
        for own in [
            json!({"name": "x"}),
            json!({"name": "x", "requestState": "the server's", "inputResponses": {"a": {"action": "accept"}}}),
        ] {
            let asked =
                Message::from(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": own}));
            let state = state(&asked, "id-1");
            let mut again = asked.value.clone();
            again["params"]["requestState"] = json!(state);
            again["params"]["inputResponses"] = json!({KEY: {"action": "accept"}});
            let again = Message::from(again);
            let (id, earlier) = earlier(&again).unwrap();
            assert_eq!(id, "id-1");
            assert_eq!(stripped(&again, &earlier).value, asked.value);
        }
    }

    #[test]
    fn a_servers_own_state_is_no_business_of_ours() {
        for state in
            ["", "abc", "mcpauth-login.", "mcpauth-login.x", "mcpauth-login.x.%%", "mcpauth-login.x.W10"]
        {
            let message = json!({"id": 1, "method": "tools/call", "params": {"requestState": state}});
            assert!(earlier(&Message::from(message)).is_none(), "{state}");
        }
    }
}
