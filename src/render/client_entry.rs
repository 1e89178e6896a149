//! A server's entry for a client, by auth mode. Not here: how the client writes it (see its template).

use std::net::SocketAddr;

use url::Url;

use super::auth_mode::AuthMode;
use super::entries::{ServerEntry, variable};
use super::targets::ClientSpec;
use super::{RenderError, shell};
use crate::secret::Secret;

/// The transport that every HTTP client and the bridge support.
const STREAMABLE: &str = "streamable-http";

/// What a client needs to reach mcpauth.
#[derive(Clone, Debug)]
pub struct LaunchContext {
    /// Our program, and the flags with which it means the same from anywhere.
    pub command: Vec<String>,
    /// The same for servers whose credentials are the user's own, and have nothing to do with a project.
    pub users_command: Vec<String>,
    /// The bridge on this machine, if it is needed.
    pub door: Option<LocalProxy>,
}

/// The bridge on this machine.
#[derive(Clone, Debug)]
pub struct LocalProxy {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The header with its secret.
    pub header: String,
    /// That header's value.
    pub secret: Secret,
}

/// A server's entry for a client.
#[derive(Clone, Debug)]
pub struct ClientEntry {
    /// Its key.
    pub name: String,
    /// The server's URL, or the bridge's.
    pub url: String,
    /// `streamable-http` or `sse`.
    pub transport: String,
    /// Headers with their values.
    pub headers: Vec<(String, Secret)>,
    /// Headers with the variables that contain their values.
    pub variables: Vec<(String, String)>,
    /// The command that prints the headers.
    pub helper: Option<String>,
    /// The program to start instead of using HTTP, with its arguments; empty if there is none.
    pub command: Vec<String>,
}

/// The entries for every server.
///
/// # Errors
/// [`RenderError::SameVariable`] when two headers would share one.
pub fn client_entries(
    entries: &[ServerEntry],
    target: &ClientSpec,
    secrets: AuthMode,
    means: &LaunchContext,
) -> Result<Vec<ClientEntry>, RenderError> {
    let mut taken: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for entry in entries {
        // A client that no longer supports this transport reaches the server through the bridge, which does.
        let unknown = entry.transport != STREAMABLE && !target.sse;
        // What a command prints is not written down.
        let unwritten = entry.place.is_printed && matches!(secrets, AuthMode::Inline | AuthMode::Env);
        let told = build_entry(entry, if unknown || unwritten { AuthMode::Bridge } else { secrets }, means);
        for (_, variable) in &told.variables {
            if taken.contains(variable) {
                let (server, variable) = (entry.name.clone(), variable.clone());
                return Err(RenderError::SameVariable { server, variable });
            }
            taken.push(variable.clone());
        }
        all.push(told);
    }
    Ok(all)
}

fn build_entry(entry: &ServerEntry, secrets: AuthMode, means: &LaunchContext) -> ClientEntry {
    let ours = |verb: &str| {
        // A server's name must never be taken for a flag.
        let end = entry.name.starts_with('-').then(|| "--".to_owned());
        let verb = [verb.to_owned()].into_iter().chain(end).chain([entry.name.clone()]);
        let command = if entry.place.is_users { &means.users_command } else { &means.command };
        command.iter().cloned().chain(verb).collect::<Vec<_>>()
    };
    let mut told = ClientEntry {
        name: entry.name.clone(),
        url: entry.url.clone(),
        transport: entry.transport.clone(),
        headers: Vec::new(),
        variables: Vec::new(),
        helper: None,
        command: Vec::new(),
    };
    match (secrets, &means.door) {
        (AuthMode::Inline, _) => told.headers = entry.headers.clone(),
        (AuthMode::Helper, _) => told.helper = Some(shell::line(&ours("headers"))),
        (AuthMode::Env, _) => {
            let named = |(header, _): &(String, Secret)| (header.clone(), variable(&entry.name, header));
            told.variables = entry.headers.iter().map(named).collect();
        }
        (AuthMode::Proxy, Some(door)) => {
            told.url = at(door, entry);
            told.headers = vec![(door.header.clone(), door.secret.clone())];
        }
        (AuthMode::Bridge, _) | (AuthMode::Proxy, None) => told.command = ours("bridge"),
    }
    told
}

/// The server's address at the bridge, which passes on whichever transport is used.
fn at(door: &LocalProxy, entry: &ServerEntry) -> String {
    let (base, name) = (format!("http://{}", door.listen), &entry.name);
    let end = if entry.transport == STREAMABLE { "mcp" } else { "sse" };
    let Ok(mut url) = Url::parse(&base) else { return format!("{base}/{name}/{end}") };
    if let Ok(mut path) = url.path_segments_mut() {
        path.clear().extend(name.split('/')).push(end);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::entries::CredentialPlace;
    use crate::tokens::Bearers;

    fn entry(name: &str, transport: &str) -> ServerEntry {
        ServerEntry {
            name: name.into(),
            url: format!("https://gw.test/{name}/mcp"),
            transport: transport.into(),
            headers: vec![("X-Authorization".into(), Secret::new("Bearer T"))],
            bearers: Bearers::default(),
            place: CredentialPlace::default(),
        }
    }

    fn means() -> LaunchContext {
        let door = LocalProxy {
            listen: ([127, 0, 0, 1], 8191).into(),
            header: "X-Door".into(),
            secret: Secret::new("key"),
        };
        LaunchContext {
            command: ["/bin/mcpauth", "--tokens-dir", "/t"].map(str::to_owned).into(),
            users_command: ["/bin/mcpauth", "--tokens-dir", "/u"].map(str::to_owned).into(),
            door: Some(door),
        }
    }

    fn shown(entry: &ServerEntry, client: &str, secrets: AuthMode) -> String {
        let target = ClientSpec::find(client).unwrap();
        let told = client_entries(std::slice::from_ref(entry), target, secrets, &means()).unwrap().remove(0);
        let headers = told.headers.iter().map(|(name, value)| format!(" {name}={}", value.expose()));
        let variables = told.variables.iter().map(|(name, variable)| format!(" {name}=${variable}"));
        let helper = told.helper.map(|helper| format!(" !{helper}")).unwrap_or_default();
        if !told.command.is_empty() {
            assert!(headers.chain(variables).next().is_none());
            return told.command.join(" ");
        }
        format!("{} {}{helper}", told.transport, told.url)
            + &headers.chain(variables).collect::<Vec<_>>().concat()
    }

    #[test]
    fn each_way_tells_what_it_needs_and_nothing_more() {
        let (news, files) = (entry("news", "sse"), entry("files", STREAMABLE));
        let cases = [
            (
                &files,
                "claude-code",
                AuthMode::Inline,
                "streamable-http https://gw.test/files/mcp X-Authorization=Bearer T",
            ),
            (
                &files,
                "claude-code",
                AuthMode::Helper,
                "streamable-http https://gw.test/files/mcp !/bin/mcpauth --tokens-dir /t headers files",
            ),
            (&files, "claude-code", AuthMode::Bridge, "/bin/mcpauth --tokens-dir /t bridge files"),
            (
                &files,
                "claude-code",
                AuthMode::Proxy,
                "streamable-http http://127.0.0.1:8191/files/mcp X-Door=key",
            ),
            (
                &files,
                "codex",
                AuthMode::Env,
                "streamable-http https://gw.test/files/mcp X-Authorization=$MCPAUTH_FILES_X_AUTHORIZATION",
            ),
            (&news, "claude-code", AuthMode::Inline, "sse https://gw.test/news/mcp X-Authorization=Bearer T"),
            (&news, "claude-code", AuthMode::Proxy, "sse http://127.0.0.1:8191/news/sse X-Door=key"),
            (&news, "codex", AuthMode::Env, "/bin/mcpauth --tokens-dir /t bridge news"),
            (&news, "codex", AuthMode::Proxy, "/bin/mcpauth --tokens-dir /t bridge news"),
        ];
        for (entry, client, secrets, expected) in cases {
            assert_eq!(shown(entry, client, secrets), expected, "{client} {secrets}");
        }
    }

    #[test]
    fn the_users_own_servers_need_no_project_and_what_a_command_prints_is_not_written() {
        let place = CredentialPlace { is_users: true, is_printed: false };
        let mine = ServerEntry { place, ..entry("files", STREAMABLE) };
        assert_eq!(shown(&mine, "roo", AuthMode::Bridge), "/bin/mcpauth --tokens-dir /u bridge files");
        let place = CredentialPlace { is_printed: true, ..place };
        let printed = ServerEntry { place, headers: Vec::new(), ..mine };
        for (client, mode) in [("roo", AuthMode::Inline), ("codex", AuthMode::Env), ("roo", AuthMode::Bridge)]
        {
            assert_eq!(shown(&printed, client, mode), "/bin/mcpauth --tokens-dir /u bridge files", "{mode}");
        }
        let helper = shown(&printed, "claude-code", AuthMode::Helper);
        assert!(helper.ends_with("!/bin/mcpauth --tokens-dir /u headers files"), "{helper}");
    }

    #[test]
    fn odd_names_stay_names() {
        let dash = entry("-v", STREAMABLE);
        assert_eq!(shown(&dash, "roo", AuthMode::Bridge), "/bin/mcpauth --tokens-dir /t bridge -- -v");
        let odd = entry("a b/c?d", STREAMABLE);
        let expected = "streamable-http http://127.0.0.1:8191/a%20b/c%3Fd/mcp X-Door=key";
        assert_eq!(shown(&odd, "roo", AuthMode::Proxy), expected);
        let helper = shown(&odd, "claude-code", AuthMode::Helper);
        assert!(helper.ends_with("headers 'a b/c?d'"), "{helper}");
    }

    #[test]
    fn two_servers_never_share_a_variable() {
        let both = [entry("a-b", STREAMABLE), entry("a_b", STREAMABLE)];
        let target = ClientSpec::find("codex").unwrap();
        let error = client_entries(&both, target, AuthMode::Env, &means()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "server a_b: another server has the variable MCPAUTH_A_B_X_AUTHORIZATION"
        );
    }
}
