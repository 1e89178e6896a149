//! Registering a server and changing what its file says, switching it on and off, and asking it now. Not here: who may,
//! and the record of it (see `changes`); writing (see `registry`).

use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use serde_json::{Map, Value, json};

use super::{needs, server_address};
use crate::gateway::authn::object::members;
use crate::gateway::changes::ChangeError;
use crate::gateway::face::error_page::sentence;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::html::{FORM, PageFrame, choice, choices};
use crate::gateway::face::visitor::{ChosenServer, SignedIn, Visitor};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::registry::PROXY_PASS_URL;
use crate::registry::edit::{EditError, OpenedFile};
use crate::text::clean;

/// The longest title that is shown, in characters.
const SHOWN: usize = 200;
/// What the forms have of a server's file.
const TEXTS: [&str; 6] =
    ["server_name", PROXY_PASS_URL, "description", "license", "auth_type", "auth_provider"];
const AUTH_TYPES: [(&str, &str); 3] = [("none", "None"), ("oauth", "OAuth token"), ("api_key", "API key")];
const TRANSPORTS: [(&str, &str); 3] = [
    ("streamable-http", "Streamable HTTP"),
    ("sse", "HTTP with SSE, the older one"),
    ("streamable-http,sse", "Both"),
];

const REGISTERED: [&str; 4] = [
    "The server is written to the registry, switched off.",
    "Nobody can use it yet: the policy alone decides who may, and registering grants no rights to anyone, including you.",
    "Once it is on, the gateway sends MCP's ping to its address, and again each time its health is checked.",
    "Addresses of link-local or metadata services are rejected; internal addresses are accepted.",
];
const EDITED: [&str; 3] = [
    "What is not shown here stays unchanged in the file, including the server's own headers.",
    "If another editor changes the file meanwhile, nothing is saved and you are told.",
    "If the server is on, a new address is checked at once.",
];

pub(in crate::gateway::face) async fn new(SignedIn { visitor, .. }: SignedIn) -> Response {
    if visitor.grants.permissions(UiAction::Register).is_empty() {
        return answer::problem(StatusCode::FORBIDDEN, "the policy gives you no register_service");
    }
    registering(&visitor, &FormFields::default(), None)
}

pub(in crate::gateway::face) async fn register(
    SignedIn { face, visitor, .. }: SignedIn,
    asked: FormFields,
) -> Response {
    match visitor.editor(&face).add(new_members(&asked)).await {
        Ok(name) => answer::see_other(&after(&face, &visitor, &name, "added")),
        Err(error) => registering(&visitor, &asked, Some(&error)),
    }
}

pub(in crate::gateway::face) async fn open(chosen: ChosenServer) -> Response {
    match chosen.visitor.editor(&chosen.face).open(&chosen.upstream).await {
        Ok(file) => editing(&chosen, &written(&file), &file.version, None),
        Err(error) => refused(&error),
    }
}

pub(in crate::gateway::face) async fn save(chosen: ChosenServer, asked: FormFields) -> Response {
    match saved(&chosen, &asked).await {
        Ok(_) => done(&chosen.upstream, "saved"),
        Err(error @ (ChangeError::Forbidden(_) | ChangeError::Own | ChangeError::Unknown)) => refused(&error),
        Err(error) => editing(&chosen, &asked, asked.one("seen"), Some(&error)),
    }
}

/// Changes what a form or a program says of a server's file; gives the names of the members that were different.
pub(in crate::gateway::face) async fn saved(
    ChosenServer { face, visitor, upstream, .. }: &ChosenServer,
    asked: &FormFields,
) -> Result<Vec<String>, ChangeError> {
    let editor = visitor.editor(face);
    let file = editor.open(upstream).await?;
    let seen = asked.any("seen").map(str::to_owned);
    editor.edit(upstream, seen, changed_members(asked, &file.members)).await
}

pub(in crate::gateway::face) async fn toggle(
    ChosenServer { face, visitor, upstream, .. }: ChosenServer,
    asked: FormFields,
) -> Response {
    let on = asked.one("enabled") == "on";
    match visitor.editor(&face).switch(&upstream, on).await {
        Ok(()) => done(&upstream, if on { "on" } else { "off" }),
        Err(error) => refused(&error),
    }
}

pub(in crate::gateway::face) async fn refresh(
    ChosenServer { face, visitor, upstream, .. }: ChosenServer,
) -> Response {
    match visitor.editor(&face).refresh(&upstream).await {
        Ok(()) => done(&upstream, "checked"),
        Err(error) => refused(&error),
    }
}

/// Leads back to a server's page, which says what was done.
fn done(upstream: &Upstream, what: &str) -> Response {
    answer::see_other(&format!("{}?done={what}", server_address(upstream.name())))
}

/// A change that was not made, as a page of its own.
fn refused(error: &ChangeError) -> Response {
    answer::problem(status(error), &error.to_string())
}

/// The status of a change that was not made.
pub(in crate::gateway::face) fn status(error: &ChangeError) -> StatusCode {
    match error {
        ChangeError::Unknown | ChangeError::Edit(EditError::NoFile) => StatusCode::NOT_FOUND,
        ChangeError::Forbidden(_) | ChangeError::Own | ChangeError::Operator(_) => StatusCode::FORBIDDEN,
        ChangeError::Edit(EditError::Changed | EditError::Exists(_)) => StatusCode::CONFLICT,
        ChangeError::Edit(EditError::Server(_)) => StatusCode::BAD_REQUEST,
        ChangeError::Edit(EditError::Io(_) | EditError::Malformed { .. }) | ChangeError::Failed => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        ChangeError::Audit => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Where to go after a server was added: to its page if the visitor sees it.
fn after(face: &FaceState, visitor: &Visitor, name: &str, done: &str) -> String {
    let now = face.shared.state();
    let sees = now.upstreams.get(name).is_some_and(|upstream| visitor.lists(upstream));
    let page = if sees { server_address(name) } else { "/".into() };
    format!("{page}?done={done}")
}

/// What a form says of a new server, as the registry writes it.
pub(in crate::gateway::face) fn new_members(asked: &FormFields) -> Map<String, Value> {
    let or = |name: &str, otherwise: &str| match asked.one(name) {
        "" => otherwise.to_owned(),
        text => text.to_owned(),
    };
    let path =
        format!("/{}", asked.any("path").or(asked.any("service_path")).unwrap_or_default().trim_matches('/'));
    let title = asked.any("server_name").or(asked.any("name")).unwrap_or_default();
    let title = if title.is_empty() { path.trim_matches('/') } else { title };
    let number = |name: &str| asked.one(name).parse::<u64>().unwrap_or_default();
    let is = |name: &str| matches!(asked.one(name), "true" | "on" | "1");
    let mut members = members(json!({
        "server_name": title,
        "description": asked.one("description"),
        "path": path,
        "proxy_pass_url": asked.one(PROXY_PASS_URL),
        "supported_transports": transports(asked, &["streamable-http"]),
        "auth_type": or("auth_type", "none"),
        "tags": asked.list("tags"),
        "num_tools": number("num_tools"),
        "num_stars": number("num_stars"),
        "is_python": is("is_python"),
        "license": or("license", "N/A"),
        "tool_list": [],
    }));
    if !asked.one("auth_provider").is_empty() {
        members.insert("auth_provider".into(), asked.one("auth_provider").into());
    }
    members
}

/// What a form changes of a server's file: what it does not name stays, and so does what it says as it is.
fn changed_members(asked: &FormFields, before: &Map<String, Value>) -> Map<String, Value> {
    let mut members = Map::new();
    for name in TEXTS {
        let said = asked.any(name).or(if name == "server_name" { asked.any("name") } else { None });
        if let Some(text) = said {
            members.insert(name.into(), text.into());
        }
    }
    if asked.any("tags").is_some() {
        members.insert("tags".into(), json!(asked.list("tags")));
    }
    if asked.any("supported_transports").is_some() {
        members.insert("supported_transports".into(), json!(transports(asked, &[])));
    }
    for name in ["num_tools", "num_stars"] {
        if let Some(number) = asked.any(name).and_then(|text| text.parse::<u64>().ok()) {
            members.insert(name.into(), number.into());
        }
    }
    // An empty field of the form is not there in the file either, in many of them.
    let says =
        |value: &Value| !matches!(value, Value::Null) && value.as_str() != Some("") && *value != json!([]);
    members.retain(|name, value| before.contains_key(name) || says(value));
    // A file that does not say it means the usual one.
    let usual = [("auth_type", json!("none")), ("supported_transports", json!(["streamable-http"]))];
    for (name, usual) in usual {
        members.retain(|other, value| other != name || before.contains_key(name) || *value != usual);
    }
    members
}

fn transports<'f>(asked: &'f FormFields, otherwise: &[&'f str]) -> Vec<&'f str> {
    let said = asked.list("supported_transports");
    if said.is_empty() { otherwise.to_vec() } else { said }
}

/// A server's file as its form has it.
fn written(file: &OpenedFile) -> FormFields {
    let mut shown = file.members.clone();
    if let Some(Value::String(one)) = shown.get("transport").cloned() {
        shown.entry("supported_transports").or_insert(json!([one]));
    }
    FormFields::of_object(&shown)
}

fn registering(visitor: &Visitor, asked: &FormFields, error: Option<&ChangeError>) -> Response {
    let name = asked.one("path").trim_matches('/');
    let lines = needs::entry(if name.is_empty() { "your-server" } else { name }, std::iter::empty());
    let page = context! {
        heading => "Register a server",
        crumb => "Register",
        lead => "Put an MCP server behind this gateway.",
        action => "/register",
        button => "Register",
        back => (),
        reopen => (),
        form => form(asked, "", error, None),
        then => &REGISTERED,
        lines,
    };
    formed(visitor, "Register a server", error, page)
}

fn editing(
    ChosenServer { visitor, upstream, .. }: &ChosenServer,
    asked: &FormFields,
    seen: &str,
    error: Option<&ChangeError>,
) -> Response {
    let name = upstream.name();
    let heading = format!("Edit {}", clean(&upstream.route.server.title, SHOWN));
    let is_other = matches!(error, Some(ChangeError::Edit(EditError::Changed)));
    let page = context! {
        heading => &heading,
        crumb => "Edit",
        lead => "What the registry's file says of this server.",
        action => format!("/edit/{name}"),
        button => "Save",
        back => server_address(name),
        // Where to begin again, if the file is another by now.
        reopen => is_other.then(|| format!("/edit/{name}")),
        form => form(asked, seen, error, Some(upstream)),
        then => &EDITED,
        lines => (),
    };
    formed(visitor, &heading, error, page)
}

/// The page of a form, with the error of the change that was not made.
fn formed(visitor: &Visitor, title: &str, error: Option<&ChangeError>, page: minijinja::Value) -> Response {
    let page = context! { fault => error.map(in_words), ..page };
    PageFrame::new(title, Some(visitor), "/").page(error.map_or(StatusCode::OK, status), FORM, page)
}

/// An error as a sentence, with a field called as in the form.
fn in_words(error: &ChangeError) -> String {
    sentence(&error.to_string().replace(PROXY_PASS_URL, "the address"))
}

/// A form for a server's file: for a new one, or for the one of a server that is there, in the version `seen`.
fn form(
    asked: &FormFields,
    seen: &str,
    error: Option<&ChangeError>,
    upstream: Option<&Upstream>,
) -> minijinja::Value {
    let wrong = error.and_then(wrong_field);
    let field = |name, label, hint, is_required| {
        let fault = error.filter(|_| wrong == Some(name)).map(in_words);
        context! { name, label, hint, value => asked.one(name), fault, is_required, is_fixed => false }
    };
    // What else a file has stays to be chosen.
    let listed = |all: &[(&str, &str)], name: &str| {
        let said = asked.one(name);
        let is_other = !said.is_empty() && all.iter().all(|(value, _)| *value != said);
        choices(all, said).into_iter().chain(is_other.then(|| choice(said, said, true))).collect::<Vec<_>>()
    };
    let path = field("path", "Path", "Where clients find it at this gateway, as in /currenttime.", true);
    let path = upstream.map_or(path.clone(), |upstream| {
        let hint = "The path stays; for another one, register another server.";
        context! { value => format!("/{}", upstream.name()), is_fixed => true, hint, ..path }
    });
    let address = "Where it runs, as the gateway reaches it, as in http://currenttime-server:8000/.";
    let title = upstream.map(|upstream| clean(&upstream.route.server.title, SHOWN));
    context! {
        title => title.as_deref().unwrap_or(asked.one("server_name")),
        server_name => field("server_name", "Name", "What people call it.", true),
        path,
        proxy_pass_url => field(PROXY_PASS_URL, "Address", address, true),
        description => asked.one("description"),
        tags => field("tags", "Tags", "Its tags, separated by commas.", false),
        license => field("license", "Licence", "As in Apache-2.0.", false),
        auth_types => listed(&AUTH_TYPES, "auth_type"),
        transports => listed(&TRANSPORTS, "supported_transports"),
        // The version of the file that was opened.
        seen,
    }
}

/// The field that an error is about.
fn wrong_field(error: &ChangeError) -> Option<&'static str> {
    let ChangeError::Edit(error) = error else { return None };
    match error {
        EditError::Exists(_) => Some("path"),
        EditError::Server(what) if what.contains("path") && !what.contains("proxy_pass") => Some("path"),
        EditError::Server(_) => Some(PROXY_PASS_URL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_changes_what_it_says_and_nothing_else() {
        let before = json!({"server_name": "A", "path": "/a", "proxy_pass_url": "http://a/", "tags": ["x"], "headers": [{"K": "v"}]});
        let before = before.as_object().unwrap();
        let form = "server_name=B&path=%2Fother&proxy_pass_url=http%3A%2F%2Fa%2F&description=&tags=&license=&auth_type=none\
                    &supported_transports=streamable-http&seen=1&headers=x&unknown=y";
        let changed = changed_members(&FormFields::parse(form.as_bytes()), before);
        let expected = json!({"server_name": "B", "proxy_pass_url": "http://a/", "tags": []});
        assert_eq!(Value::Object(changed), expected);
        let changed = changed_members(&FormFields::parse(b"auth_type=oauth&name=C"), before);
        assert_eq!(Value::Object(changed), json!({"server_name": "C", "auth_type": "oauth"}));
    }

    #[test]
    fn a_new_server_is_written_as_the_registry_does() {
        let form = "name=My+Server&path=my%2Fserver%2F&proxy_pass_url=http%3A%2F%2Fm%3A1%2F&tags=a,%20b&num_tools=3&is_python=true";
        let members = new_members(&FormFields::parse(form.as_bytes()));
        let said =
            ["server_name", "path", "license", "auth_type"].map(|name| members[name].as_str().unwrap());
        assert_eq!(said, ["My Server", "/my/server", "N/A", "none"]);
        assert_eq!((&members["tags"], &members["num_tools"]), (&json!(["a", "b"]), &json!(3)));
        assert_eq!(
            (&members["is_python"], &members["supported_transports"]),
            (&json!(true), &json!(["streamable-http"]))
        );
    }
}
