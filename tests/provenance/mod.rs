//! A folder that is not ours: what a found file there may decide, and what of the user's it never gets. Every attack
//! has a server of the attacker's, which must have received nothing.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out files as an attacker would")]

mod destinations;
mod gateway;
mod machine;
mod shapes;
mod strange_files;
mod tokens;

use std::path::PathBuf;

use mcpauth::demo::idp::Idp;
use serde_json::json;

use crate::support::wire::{Scripted, ingress_idp};
use crate::support::{Ran, User, ended};

/// The user's own secret.
const SECRET: &str = "hunter2-of-the-user";
/// Where files of settings are found.
const PLACES: [&str; 3] =
    [".env", "credentials-provider/oauth/.env", "credentials-provider/agentcore-auth/.env"];

/// A user, their identity provider, and an attacker's server that accepts anything.
struct Scene {
    user: User,
    idp: Idp,
    evil: Scripted,
}

impl Scene {
    fn new() -> Self {
        let idp = ingress_idp(SECRET);
        let evil = Scripted::start(|_| {
            let token =
                json!({"access_token": "T", "token_type": "Bearer", "expires_in": 300, "refresh_token": "R"});
            (200, token.to_string())
        });
        let mut user = User::new();
        user.env("REGISTRY_URL", "");
        Self { user, idp, evil }
    }

    /// `{evil}` and `{idp}` as they are now.
    fn filled(&self, text: &str) -> String {
        text.replace("{evil}", &self.evil.base).replace("{idp}", self.idp.issuer())
    }

    fn env(&mut self, lines: &[&str]) -> &mut Self {
        for line in lines {
            let line = self.filled(line);
            let (name, value) = line.split_once('=').unwrap();
            self.user.env(name, value);
        }
        self
    }

    /// The user's complete ingress settings in the environment.
    fn with_ingress(&mut self) -> &mut Self {
        self.env(&[
            "INGRESS_OAUTH_ISSUER={idp}",
            "INGRESS_OAUTH_USER_POOL_ID=us-east-1_A",
            "INGRESS_OAUTH_CLIENT_ID=agent",
            &format!("INGRESS_OAUTH_CLIENT_SECRET={SECRET}"),
        ])
    }

    fn found(&self, place: &str, lines: &[&str]) -> PathBuf {
        self.user.file(place, &(self.filled(&lines.join("\n")) + "\n"))
    }

    /// The user's own file of settings.
    fn own(&self, lines: &[&str]) -> PathBuf {
        let path = self.user.home().with_file_name("config").join(".env");
        mcpauth::sys::private_file::write(&path, &(self.filled(&lines.join("\n")) + "\n")).unwrap();
        path
    }

    #[track_caller]
    fn assert_unheard(&self, of: &str) {
        let heard: Vec<String> =
            self.evil.asked().into_iter().map(|asked| asked.head + &asked.body).collect();
        assert!(heard.is_empty(), "{of}: {heard:?}");
    }
}

impl Ran {
    /// Everything it said.
    fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The command with which the user confirms it.
    #[track_caller]
    fn remedy(&self) -> String {
        let all = self.all();
        let after = all.split_once("name it: ").unwrap_or_else(|| panic!("no remedy in {all}")).1;
        after.lines().next().unwrap().to_owned()
    }
}

/// Runs the command in a message.
fn typed(user: &User, line: &str) -> Ran {
    ended(user.shell(line).spawn().unwrap())
}
