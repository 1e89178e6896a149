//! `mcpauth configure`: asks for one credential's settings and writes them to `.env`, keeping existing lines. Not
//! here: the meaning of the variables (see `config`).

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::cli::ask::{choose, confirm, hidden, need_terminal, or_default, text};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::{Config, FileTrust, Origin, login_command, name_of, set};
use crate::error::{Error, Exit};
use crate::given::secret_from;
use crate::provider::{Provider, SecretRule};
use crate::secret::{REDACTED, Secret};
use crate::sys::private_file::{self, Keep};
use crate::sys::typed_url::typed_url;
use crate::sys::{paths, regular_file};
use crate::text::clean;
use crate::text::path_word;

/// The largest file that is edited, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Ask for a credential's settings and write them to .env (0600; existing lines stay)
///
/// Every question has a flag, so it also runs without a terminal.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth configure\n  \
                        mcpauth configure --kind egress --provider NAME --client-id abc --client-secret-file secret.txt --yes\n  \
                        pass show cognito | mcpauth configure --kind cognito --user-pool-id us-east-1_AbC --client-id abc \
                        --client-secret-file - --yes")]
pub(super) struct ConfigureArgs {
    /// What to set up
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// Egress: the provider (mcpauth providers list)
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// The client id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// Egress: the redirect URI as registered
    #[arg(long, value_name = "URI")]
    redirect_uri: Option<String>,
    /// Egress, AgentCore: scopes instead of the defaults
    #[arg(long, value_name = "SCOPES")]
    scope: Option<String>,
    /// Egress: the MCP server it is for. AgentCore: the gateway's name
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Egress: that server's own address, for a server that is not behind a gateway. Server: its address
    #[arg(long, value_name = "URL")]
    server_url: Option<String>,
    /// Egress, AgentCore: the number of the set [default: the one that is there, else the first free one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    config_set: Option<u8>,
    /// Cognito, AgentCore: the user pool's id
    #[arg(long, value_name = "ID")]
    user_pool_id: Option<String>,
    /// Keycloak: its address
    #[arg(long, value_name = "URL")]
    keycloak_url: Option<String>,
    /// Keycloak: the realm
    #[arg(long, value_name = "REALM")]
    realm: Option<String>,
    /// OpenID Connect, AgentCore: the issuer
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Set any other variable, for example one a provider's endpoints need; repeatable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The file to write
    #[arg(long, value_name = "FILE", default_value = ".env")]
    write: PathBuf,
    /// Skip the confirmation prompt
    #[arg(short, long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
enum KindArg {
    /// Ingress by Amazon Cognito
    Cognito,
    /// Ingress by Keycloak
    Keycloak,
    /// Ingress by any OpenID provider
    Oidc,
    /// Egress: an outside service
    Egress,
    /// A Bedrock AgentCore gateway
    Agentcore,
    /// A server by its address, without any settings
    Server,
}

/// A variable to write.
type NewVariable = (String, Secret);

pub(super) fn run(args: &ConfigureArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let mut settings = given.settings(out)?;
    let path = paths::absolute(&args.write);
    // Set numbers in this file are taken as well, even if it is not read by default.
    if settings.files().all(|(known, _)| known != path) {
        // The secret will be in the same file as whatever says where it is sent.
        settings.read(&path, FileTrust::Found)?;
    }
    let config = Config::resolve(settings)?;
    let kind = kind(args)?;
    if kind == KindArg::Server {
        return server(args, out);
    }
    let replaced = config.clone();
    let lines = ask(args, kind, config)?;
    announce(&lines, &replaced, out);
    let shown: Vec<String> =
        lines.iter().map(|(name, value)| format!("  {name}={}", redacted(name, value))).collect();
    out.say(&format!("{}:\n{}", path.display(), shown.join("\n")));
    if !args.yes && !confirm("a yes", format!("Write {}?", path.display()), true)? {
        out.say("nothing was written");
        return Ok(Exit::Interrupted);
    }
    let before = read(&path)?;
    let values = lines.iter().map(|(name, value)| (name.as_str(), value.expose()));
    private_file::write_through(&path, &set(&before.unwrap_or_default(), values), Keep::Closed)?;
    let next = match kind {
        KindArg::Egress => "mcpauth generate --egress-only",
        KindArg::Agentcore => "mcpauth generate --agentcore-only",
        _ => "mcpauth generate",
    };
    if out.json {
        let names: Vec<&str> = lines.iter().map(|(name, _)| name.as_str()).collect();
        out.object(&json!({"version": 1, "path": path, "variables": names}));
    } else {
        out.result(&format!("written: {}\n  -> {next}", path.display()));
    }
    Ok(Exit::Done)
}

fn kind(args: &ConfigureArgs) -> Result<KindArg, Error> {
    match (args.kind, &args.provider) {
        (Some(kind), _) => Ok(kind),
        (None, Some(_)) => Ok(KindArg::Egress),
        (None, None) => choose_kind(),
    }
}

/// A server that is known by its address needs no settings: only a login, or a key.
fn server(args: &ConfigureArgs, out: &Out) -> Result<Exit, Error> {
    let address = text(args.server_url.as_ref(), "The server's address", "--server-url")?;
    let url = typed_url(&address).map_err(|error| Error::Usage {
        message: format!("--server-url: {error}"),
        hint: "for example: --server-url https://tools.example.com/mcp".into(),
    })?;
    let name = args.server_name.clone().unwrap_or_else(|| name_of(&url));
    let login = login_command(&url, &name);
    if out.json {
        let commands = [login.clone(), format!("{login} --with-token")];
        out.object(&json!({"version": 1, "path": null, "variables": [], "commands": commands}));
    } else {
        out.result(&format!(
            "nothing to write: a server that is known by its address needs no settings\n  -> {login}\n  -> {login} --with-token     if it takes a key"
        ));
    }
    Ok(Exit::Done)
}

/// Says which settings get another value, and where the old one is.
fn announce(lines: &[NewVariable], config: &Config, out: &Out) {
    for (name, value) in lines {
        let Some((old, origin)) = config.sources().find(name) else { continue };
        if old != value.expose() {
            let old = if crate::config::catalogue::is_secret(name) { REDACTED } else { old };
            out.say(&format!("{name} replaces {} ({origin})", clean(old, 200)));
        }
    }
}

fn ask(args: &ConfigureArgs, kind: KindArg, mut config: Config) -> Result<Vec<NewVariable>, Error> {
    let mut n = args.config_set.map_or(0, usize::from);
    let plain = |name: &str, value: String| (name.to_owned(), Secret::new(value));
    let mut lines = match kind {
        KindArg::Cognito => vec![
            plain("AUTH_PROVIDER", "cognito".into()),
            plain(
                "INGRESS_OAUTH_USER_POOL_ID",
                text(args.user_pool_id.as_ref(), "User pool id (us-east-1_...)", "--user-pool-id")?,
            ),
            plain("INGRESS_OAUTH_CLIENT_ID", text(args.client_id.as_ref(), "Client id", "--client-id")?),
            ("INGRESS_OAUTH_CLIENT_SECRET".into(), secret(args)?),
        ],
        KindArg::Keycloak => vec![
            plain("AUTH_PROVIDER", "keycloak".into()),
            plain("KEYCLOAK_URL", text(args.keycloak_url.as_ref(), "Keycloak's address", "--keycloak-url")?),
            plain("KEYCLOAK_REALM", text(args.realm.as_ref(), "Realm", "--realm")?),
            plain("KEYCLOAK_M2M_CLIENT_ID", text(args.client_id.as_ref(), "Client id", "--client-id")?),
            ("KEYCLOAK_M2M_CLIENT_SECRET".into(), secret(args)?),
        ],
        KindArg::Oidc => vec![
            plain("AUTH_PROVIDER", "oidc".into()),
            plain("INGRESS_OAUTH_ISSUER", text(args.issuer.as_ref(), "Issuer", "--issuer")?),
            plain("INGRESS_OAUTH_CLIENT_ID", text(args.client_id.as_ref(), "Client id", "--client-id")?),
            ("INGRESS_OAUTH_CLIENT_SECRET".into(), secret(args)?),
        ],
        KindArg::Egress => egress(args, &config, &mut n)?,
        KindArg::Agentcore => agentcore(args, &config, &mut n)?,
        KindArg::Server => Vec::new(),
    };
    lines.extend(gateway(args, &config)?);
    for pair in &args.set {
        let (name, value) = pair.split_once('=').ok_or_else(|| Error::Usage {
            message: "--set needs NAME=VALUE".into(),
            hint: "for example: --set TENANT=common".into(),
        })?;
        if !crate::config::is_name(name) {
            let message = format!("--set {:?}: not a valid variable name", crate::text::clean(name, 40));
            return Err(Error::Usage { message, hint: "for example: --set TENANT=common".into() });
        }
        if crate::config::catalogue::is_secret(name) {
            let message = format!("{name} is a secret, and any process can read the command line");
            return Err(Error::Usage {
                message,
                hint: "give it with --client-secret-file FILE, or - for stdin".into(),
            });
        }
        lines.push(plain(name, value.into()));
    }
    // Report what the flow would refuse before it is written.
    for (name, value) in &lines {
        config.set(name, value.clone());
    }
    match kind {
        KindArg::Egress => config.egress_set(n).credential.map(drop)?,
        KindArg::Agentcore => config.agentcore_gateway(n).credential.map(drop)?,
        KindArg::Server => {}
        _ => config.ingress().map(drop)?,
    }
    Ok(lines)
}

/// The gateway's address: as given, else asked for if it is not set and a terminal is there. Tokens do not need it.
fn gateway(args: &ConfigureArgs, config: &Config) -> Result<Option<NewVariable>, Error> {
    let given = args.set.iter().any(|pair| pair.starts_with("REGISTRY_URL="));
    let url = match config.sources().find("REGISTRY_URL") {
        _ if given => return Ok(None),
        Some((url, Origin::Flag)) => url.to_owned(),
        Some(_) => return Ok(None),
        None => or_default(None, "The gateway's address (REGISTRY_URL; empty for none)", "")?,
    };
    Ok((!url.is_empty()).then(|| ("REGISTRY_URL".to_owned(), Secret::new(url))))
}

fn egress(args: &ConfigureArgs, config: &Config, n: &mut usize) -> Result<Vec<NewVariable>, Error> {
    let name = match &args.provider {
        Some(name) => name.clone(),
        None => choose("Provider", &config.provider_names(), "--provider")?,
    };
    let provider = config.raw_provider(&name)?;
    let server = or_default(args.server_name.as_ref(), "MCP server it is for", &provider.name)?;
    if *n == 0 {
        *n = config.egress_set_for(&name, &server).unwrap_or_else(|| free_set(config));
    }
    let old = OldSet { config, n: *n };
    let line = |variable: &str, value: String| (format!("{variable}_{n}"), Secret::new(value));
    let id = old.text(
        "EGRESS_OAUTH_CLIENT_ID",
        args.client_id.as_ref(),
        &client_prompt(&provider),
        "--client-id",
    )?;
    let mut lines = vec![line("EGRESS_PROVIDER_NAME", name), line("EGRESS_OAUTH_CLIENT_ID", id)];
    if provider.client_secret == SecretRule::Required || args.client_secret_file.is_some() {
        lines.extend(old.secret("EGRESS_OAUTH_CLIENT_SECRET", args)?);
    }
    let host = provider.redirect.hosts.first().map_or("localhost", String::as_str);
    let usual = format!("http://{host}:8080/callback");
    let redirect = or_default(
        args.redirect_uri.as_ref(),
        "Redirect URI, as registered",
        old.value("EGRESS_OAUTH_REDIRECT_URI").unwrap_or(&usual),
    )?;
    lines.push(line("EGRESS_OAUTH_REDIRECT_URI", redirect));
    let scopes = provider.scopes.join(" ");
    let before = old.value("EGRESS_OAUTH_SCOPE");
    let scope = or_default(args.scope.as_ref(), "Scopes", before.unwrap_or(&scopes))?;
    if scope != scopes || before.is_some() {
        lines.push(line("EGRESS_OAUTH_SCOPE", scope));
    }
    lines.push(line("EGRESS_MCP_SERVER_NAME", server));
    let url = or_default(
        args.server_url.as_ref(),
        "That server's own address (empty if it is behind the gateway)",
        old.value("EGRESS_MCP_SERVER_URL").unwrap_or_default(),
    )?;
    if !url.is_empty() {
        lines.push(line("EGRESS_MCP_SERVER_URL", url));
    }
    for variable in provider
        .variables
        .iter()
        .filter(|variable| variable.default.is_none() && config.given(&variable.setting).is_none())
    {
        let given = args
            .set
            .iter()
            .any(|pair| pair.split_once('=').is_some_and(|(name, _)| name == variable.setting));
        if !given {
            lines.push((
                variable.setting.clone(),
                Secret::new(text(None, &variable.setting, "--set NAME=VALUE")?),
            ));
        }
    }
    Ok(lines)
}

fn agentcore(args: &ConfigureArgs, config: &Config, n: &mut usize) -> Result<Vec<NewVariable>, Error> {
    let name = text(args.server_name.as_ref(), "The gateway's name", "--server-name")?;
    if *n == 0 {
        *n = config.agentcore_gateway_for(&name).unwrap_or_else(|| config.free_agentcore_gateway());
    }
    let old = OldSet { config, n: *n };
    let line = |variable: &str, value: String| (format!("{variable}_{n}"), Secret::new(value));
    let id = old.text("AGENTCORE_CLIENT_ID", args.client_id.as_ref(), "Client id", "--client-id")?;
    let mut lines = vec![line("AGENTCORE_SERVER_NAME", name), line("AGENTCORE_CLIENT_ID", id)];
    lines.extend(old.secret("AGENTCORE_CLIENT_SECRET", args)?);
    let pool = or_default(
        args.user_pool_id.as_ref(),
        "User pool id (us-east-1_...; empty if another issuer makes its tokens)",
        old.value("COGNITO_USER_POOL_ID").unwrap_or_default(),
    )?;
    let issuer = if pool.is_empty() {
        or_default(args.issuer.as_ref(), "Issuer", old.value("AGENTCORE_ISSUER").unwrap_or_default())?
    } else {
        args.issuer.clone().unwrap_or_default()
    };
    let scope = or_default(args.scope.as_ref(), "Scope", old.value("AGENTCORE_SCOPE").unwrap_or_default())?;
    let more = [("COGNITO_USER_POOL_ID", pool), ("AGENTCORE_ISSUER", issuer), ("AGENTCORE_SCOPE", scope)];
    lines.extend(
        more.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| line(name, value)),
    );
    Ok(lines)
}

/// The set that is edited: what it has is the default.
struct OldSet<'a> {
    config: &'a Config,
    n: usize,
}

impl OldSet<'_> {
    fn value(&self, variable: &str) -> Option<&str> {
        self.config.sources().get(&format!("{variable}_{}", self.n))
    }

    fn text(
        &self,
        variable: &str,
        given: Option<&String>,
        prompt: &str,
        flag: &'static str,
    ) -> Result<String, Error> {
        match (given, self.value(variable)) {
            (None, Some(old)) => or_default(None, prompt, old),
            (given, _) => text(given, prompt, flag),
        }
    }

    /// A secret that is there stays unless another one is given.
    fn secret(&self, variable: &str, args: &ConfigureArgs) -> Result<Option<NewVariable>, Error> {
        if args.client_secret_file.is_none() && self.value(variable).is_some() {
            return Ok(None);
        }
        Ok(Some((format!("{variable}_{}", self.n), secret(args)?)))
    }
}

fn client_prompt(provider: &Provider) -> String {
    match &provider.console_url {
        Some(url) => format!("Client id (register at {url})"),
        None => "Client id".into(),
    }
}

/// The first unused number: a gap may be intentional, but an unused number is free.
fn free_set(config: &Config) -> usize {
    (1..=100).find(|n| !config.has_egress_set(*n)).unwrap_or(100)
}

fn choose_kind() -> Result<KindArg, Error> {
    let kinds = KindArg::value_variants();
    let names: Vec<String> =
        kinds.iter().filter_map(|kind| Some(kind.to_possible_value()?.get_help()?.to_string())).collect();
    let chosen = choose("What to set up", &names, "--kind")?;
    Ok(names
        .iter()
        .position(|name| *name == chosen)
        .and_then(|at| kinds.get(at).copied())
        .unwrap_or(KindArg::Egress))
}

fn secret(args: &ConfigureArgs) -> Result<Secret, Error> {
    if let Some(path) = &args.client_secret_file {
        return secret_from(path);
    }
    need_terminal("the client secret", "--client-secret-file FILE (or -)")?;
    hidden("Client secret (hidden)")
}

fn redacted<'a>(name: &str, value: &'a Secret) -> &'a str {
    if crate::config::catalogue::is_secret(name) { REDACTED } else { value.expose() }
}

/// The file's text, including a byte order mark. A file that others can read is accepted: writing it restricts its
/// mode. A link to another folder is refused: another user could have placed it to redirect the write.
fn read(path: &Path) -> Result<Option<String>, Error> {
    let refused = |what: &str, hint: &str| {
        let hint = format!("{hint}: --write FILE");
        Error::Usage { message: format!("{}: {what}", path.display()), hint }
    };
    if private_file::is_symlink(path) && !path.parent().is_some_and(|folder| paths::is_inside(path, folder)) {
        let real = std::fs::canonicalize(path)?;
        let message = format!("{} is a symbolic link to another folder", path.display());
        let hint = format!("to write there, name its target: --write {}", path_word(&real));
        return Err(Error::Usage { message, hint });
    }
    match regular_file::read(path, MAX_FILE_BYTES) {
        Ok(bytes) => {
            let text = String::from_utf8(bytes);
            text.map(Some)
                .map_err(|_| refused(regular_file::NOT_TEXT, "save it as UTF-8, or name another file"))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(refused(&e.to_string(), "replace it with a text file, or name another file")),
    }
}
