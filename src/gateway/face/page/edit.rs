//! Registering a server and changing what its file says, switching it on and off, and asking it now. Not here: who may,
//! and the record of it (see `changes`); writing (see `registry`).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{needs, server_address};
use crate::gateway::changes::ChangeError;
use crate::gateway::face::fields::FormFields;
use crate::gateway::face::html::{FORM, FormChoice, PageFrame};
use crate::gateway::face::visitor::{ChosenServer, SignedIn, Visitor};
use crate::gateway::face::{FaceState, answer};
use crate::gateway::state::Upstream;
use crate::policy::UiAction;
use crate::registry::PROXY_PASS_URL;
use crate::registry::edit::{EditError, OpenedFile};
use crate::text::clean;

#[derive(Serialize)]
struct FormPage {
    heading: String,
    crumb: &'static str,
    lead: &'static str,
    action: String,
    button: &'static str,
    back: Option<String>,
    fault: Option<String>,
    /// Where to begin again, if the file is another by now.
    reopen: Option<String>,
    form: ServerForm,
    then: Vec<&'static str>,
    lines: Option<String>,
}

#[derive(Serialize)]
struct ServerForm {
    title: String,
    server_name: FormField,
    path: FormField,
    proxy_pass_url: FormField,
    description: String,
    tags: FormField,
    license: FormField,
    auth_types: Vec<FormChoice>,
    transports: Vec<FormChoice>,
    /// The version of the file that was opened.
    seen: String,
}

#[derive(Serialize)]
struct FormField {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    fault: Option<String>,
    is_required: bool,
    is_fixed: bool,
}

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

pub(in crate::gateway::face) async fn new(SignedIn(visitor): SignedIn) -> Response {
    if visitor.grants.permissions(UiAction::Register).is_empty() {
        return answer::problem(StatusCode::FORBIDDEN, "the policy gives you no register_service");
    }
    let form = ServerForm::new(&FormFields::default(), "");
    registering(&visitor, StatusCode::OK, form, None)
}

pub(in crate::gateway::face) async fn register(
    State(face): State<Arc<FaceState>>,
    SignedIn(visitor): SignedIn,
    asked: FormFields,
) -> Response {
    match visitor.editor(&face).add(new_members(&asked)).await {
        Ok(name) => answer::see_other(&after(&face, &visitor, &name, "added")),
        Err(error) => {
            let form = ServerForm::new(&asked, "");
            registering(&visitor, status(&error), form, Some(&error))
        }
    }
}

pub(in crate::gateway::face) async fn open(
    State(face): State<Arc<FaceState>>,
    ChosenServer { visitor, upstream }: ChosenServer,
) -> Response {
    match visitor.editor(&face).open(&upstream).await {
        Ok(file) => {
            let form = ServerForm::new(&written(&file), &file.version);
            editing(&visitor, StatusCode::OK, &upstream, form, None)
        }
        Err(error) => refused(&error),
    }
}

pub(in crate::gateway::face) async fn save(
    State(face): State<Arc<FaceState>>,
    ChosenServer { visitor, upstream }: ChosenServer,
    asked: FormFields,
) -> Response {
    match saved(&face, &visitor, &upstream, &asked).await {
        Ok(_) => done(&upstream, "saved"),
        Err(error @ (ChangeError::Forbidden(_) | ChangeError::Own | ChangeError::Unknown)) => refused(&error),
        Err(error) => {
            let form = ServerForm::new(&asked, asked.one("seen"));
            editing(&visitor, status(&error), &upstream, form, Some(&error))
        }
    }
}

/// Changes what a form or a program says of a server's file; gives the names of the members that were different.
///
/// # Errors
/// [`ChangeError`].
pub(in crate::gateway::face) async fn saved(
    face: &FaceState,
    visitor: &Visitor,
    upstream: &Upstream,
    asked: &FormFields,
) -> Result<Vec<String>, ChangeError> {
    let editor = visitor.editor(face);
    let file = editor.open(upstream).await?;
    let seen = asked.any("seen").map(str::to_owned);
    editor.edit(upstream, seen, changed_members(asked, &file.members)).await
}

pub(in crate::gateway::face) async fn toggle(
    State(face): State<Arc<FaceState>>,
    ChosenServer { visitor, upstream }: ChosenServer,
    asked: FormFields,
) -> Response {
    let on = asked.one("enabled") == "on";
    match visitor.editor(&face).switch(&upstream, on).await {
        Ok(()) => done(&upstream, if on { "on" } else { "off" }),
        Err(error) => refused(&error),
    }
}

pub(in crate::gateway::face) async fn refresh(
    State(face): State<Arc<FaceState>>,
    ChosenServer { visitor, upstream }: ChosenServer,
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
    let members = json!({
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
    });
    let mut members = members.as_object().cloned().unwrap_or_default();
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

fn registering(
    visitor: &Visitor,
    status: StatusCode,
    form: ServerForm,
    error: Option<&ChangeError>,
) -> Response {
    let name = form.path.value.trim_matches('/');
    let lines = needs::entry(if name.is_empty() { "your-server" } else { name }, std::iter::empty());
    let page = FormPage {
        heading: "Register a server".into(),
        crumb: "Register",
        lead: "Put an MCP server behind this gateway.",
        action: "/register".into(),
        button: "Register",
        back: None,
        fault: error.map(sentence),
        reopen: None,
        form: form.with(error),
        then: REGISTERED.into(),
        lines: Some(lines),
    };
    PageFrame::new("Register a server", Some(visitor), "/").page(status, FORM, &page)
}

fn editing(
    visitor: &Visitor,
    status: StatusCode,
    upstream: &Upstream,
    form: ServerForm,
    error: Option<&ChangeError>,
) -> Response {
    let (name, title) = (upstream.name(), &clean(&upstream.route.server.title, SHOWN));
    let is_other = matches!(error, Some(ChangeError::Edit(EditError::Changed)));
    let mut form = form.with(error);
    form.title.clone_from(title);
    form.path.value = format!("/{name}");
    form.path.is_fixed = true;
    form.path.hint = "The path stays; for another one, register another server.";
    let page = FormPage {
        heading: format!("Edit {title}"),
        crumb: "Edit",
        lead: "What the registry's file says about this server.",
        action: format!("/edit/{name}"),
        button: "Save",
        back: Some(server_address(name)),
        fault: error.map(sentence),
        reopen: is_other.then(|| format!("/edit/{name}")),
        form,
        then: EDITED.into(),
        lines: None,
    };
    PageFrame::new(format!("Edit {title}"), Some(visitor), "/").page(status, FORM, &page)
}

/// An error as a sentence, with a field called as in the form.
fn sentence(error: &ChangeError) -> String {
    let text = error.to_string().replace(PROXY_PASS_URL, "the address");
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", chars.as_str())
}

impl ServerForm {
    fn new(asked: &FormFields, seen: &str) -> Self {
        let field = |name, label, hint, is_required| FormField {
            name,
            label,
            hint,
            value: asked.one(name).to_owned(),
            fault: None,
            is_required,
            is_fixed: false,
        };
        let choices = |all: &[(&str, &str)], name: &str| {
            let said = asked.one(name);
            let mut choices: Vec<FormChoice> =
                all.iter().map(|(value, words)| FormChoice::new(*value, *words, *value == said)).collect();
            // What else a file has stays to be chosen.
            if !said.is_empty() && !all.iter().any(|(value, _)| *value == said) {
                choices.push(FormChoice::new(said, said, true));
            }
            choices
        };
        Self {
            title: asked.one("server_name").to_owned(),
            server_name: field("server_name", "Name", "What people call it.", true),
            path: field("path", "Path", "Where clients find it at this gateway, as in /currenttime.", true),
            proxy_pass_url: field(
                PROXY_PASS_URL,
                "Address",
                "Where it runs, as the gateway reaches it, as in http://currenttime-server:8000/.",
                true,
            ),
            description: asked.one("description").to_owned(),
            tags: field("tags", "Tags", "Its tags, separated by commas.", false),
            license: field("license", "Licence", "As in Apache-2.0.", false),
            auth_types: choices(&AUTH_TYPES, "auth_type"),
            transports: choices(&TRANSPORTS, "supported_transports"),
            seen: seen.to_owned(),
        }
    }

    /// The same, with what is wrong at the field that is about.
    fn with(mut self, error: Option<&ChangeError>) -> Self {
        let fault = error.map(sentence);
        match error {
            Some(ChangeError::Edit(EditError::Exists(_))) => self.path.fault = fault,
            Some(ChangeError::Edit(EditError::Server(what)))
                if what.contains("path") && !what.contains("proxy_pass") =>
            {
                self.path.fault = fault;
            }
            Some(ChangeError::Edit(EditError::Server(_))) => self.proxy_pass_url.fault = fault,
            _ => {}
        }
        self
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
