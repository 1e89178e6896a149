//! A gateway with its pages, an issuer that gives anybody any group, and servers whose files are full of markup.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use mcpauth::gateway::settings::{Face, GatewaySettings};
use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, exchange, request};
use crate::support::mint::{Key, Mint};

/// Markup that would show if it were not escaped, wherever others' text is.
pub(crate) const MARKUP: &str = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&";

/// Groups by what they may do. `hidden` is a server that nobody but `root` sees.
const POLICY: &str = "\
UI-Scopes:
  mcp-registry-admin:
    list_service: [all]
    register_service: [all]
    health_check_service: [all]
    toggle_service: [all]
    modify_service: [all]
  user: {list_service: [alpha, beta, Gamma Server]}
  operator: {list_service: [all], health_check_service: [all], toggle_service: [all]}
  developer: {list_service: [all], register_service: [all]}
group_mappings:
  admins: [mcp-registry-admin, everything]
  users: [user, use-alpha]
  operators: [operator, everything]
  developers: [developer, everything]
use-alpha:
  - server: alpha
    methods: [initialize, tools/list]
    tools: [echo, delete_all]
  - server: alpha
    methods: [initialize, tools/list, tools/call]
    tools: [echo]
everything:
  - server: '*'
    methods: ['*']
    tools: ['*']
";

/// The laboratory with pages.
pub(crate) struct FaceLab {
    pub(crate) lab: Lab,
    mint: Mint,
    key: Key,
}

impl FaceLab {
    pub(crate) fn start() -> Self {
        Self::with(|_, _| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut GatewaySettings, &Path)) -> Self {
        let key = Key::new("k");
        let mint = Mint::of(&[&key]);
        let lab = Lab::with(|settings, dir| {
            std::fs::write(dir.join("scopes.yml"), POLICY).unwrap();
            for name in ["alpha", "beta", "gamma"] {
                describe(dir, name);
            }
            settings.issuers = vec![mint.settings()];
            settings.face = Some(Face { listen: ([127, 0, 0, 1], 0).into(), ..Face::default() });
            std::fs::write(
                dir.join("oauth2_providers.yml"),
                "providers: {keycloak: {enabled: true, client_id: c, issuer: \"http://127.0.0.1:9/\"}}\n",
            )
            .unwrap();
            settings.face.as_mut().unwrap().providers = dir.join("oauth2_providers.yml");
            change(settings, dir);
        });
        crate::support::lab::until("ready", || lab.gateway.is_ready());
        Self { lab, mint, key }
    }

    /// A token of a person in this group.
    pub(crate) fn token(&self, group: &str) -> String {
        self.token_of(json!({"groups": [group]}))
    }

    pub(crate) fn token_of(&self, claims: Value) -> String {
        let usual = json!({"scope": null, "name": format!("Ann {MARKUP}"), "preferred_username": format!("ann{MARKUP}")});
        let mut claims_of = self.mint.claims(usual);
        for (name, value) in claims.as_object().unwrap() {
            claims_of[name] = value.clone();
        }
        self.key.sign(json!({}), &claims_of)
    }

    pub(crate) fn url(&self) -> String {
        self.lab.gateway.face().unwrap().1.to_owned()
    }

    /// Asks for a page or for data; nobody in particular without a token.
    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>, form: Option<&str>) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers: Vec<(&str, &str)> =
            bearer.iter().map(|bearer| ("X-Authorization", bearer.as_str())).collect();
        headers.push(("Content-Type", "application/x-www-form-urlencoded"));
        self.send(method, path, &headers, form.unwrap_or_default())
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (address, url) = self.lab.gateway.face().unwrap();
        let host = url.split("://").nth(1).unwrap();
        let mut all = vec![("Host", host)];
        all.extend(headers);
        exchange(address, &request(method, path, &all, body.as_bytes()))
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        self.ask("GET", path, Some(token), None)
    }

    pub(crate) fn post(&self, token: &str, path: &str, form: &str) -> Answer {
        self.ask("POST", path, Some(token), Some(form))
    }

    /// A server's file as it is.
    pub(crate) fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.lab.path(&format!("servers/{name}.json"))).unwrap()
    }
}

/// Writes a server's file again, with markup in every text that people see.
fn describe(dir: &Path, name: &str) {
    let path = dir.join(format!("servers/{name}.json"));
    let old: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let title = if name == "gamma" { "Gamma Server".to_owned() } else { format!("{name} {MARKUP}") };
    let tool = |tool: &str| json!({"name": tool, "parsed_description": {"main": format!("The tool {tool} {MARKUP}")}, "schema": {"type": "object"}});
    let file = json!({
        "server_name": title, "path": format!("/{name}"), "proxy_pass_url": old["proxy_pass_url"], "auth_type": "none",
        "description": format!("The {name} server {MARKUP}"), "tags": [format!("tag{MARKUP}"), "demo"], "license": MARKUP,
        "auth_provider": MARKUP, "headers": [{"X-Key": "k3y-of-the-server"}], "unknown_member": {"kept": true},
        "tool_list": [tool("echo"), tool("delete_all"), tool(MARKUP)],
    });
    std::fs::write(path, format!("{file:#}\n")).unwrap();
}
