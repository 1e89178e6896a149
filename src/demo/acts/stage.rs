//! The environment of the demonstration: a project folder like a user's, an identity provider, sample servers and the
//! gateway in front of them. Not here: the content of the files (see `demo::setup`).

use std::path::Path;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use crate::config::{Config, Settings};
use crate::demo::idp::Idp;
use crate::demo::mcp::{ReceivedRequest, Sample};
use crate::demo::setup::{self, POOL, SERVERS, SampleServer};
use crate::deployment::{Log, VendedTokens};
use crate::error::Error;
use crate::gateway::settings::GatewaySettings as Gateway;
use crate::gateway::{FileSources, GatewayContext, RunningGateway, new_signing_key};
use crate::sys::http::Http;
use crate::sys::private_file;

/// Everything that runs, and the project it is about. The gateway is dropped first: it may still be waiting for the
/// others.
pub(crate) struct Stage {
    pub(crate) gateway: RunningGateway,
    pub(crate) servers: Vec<(SampleServer, Sample)>,
    pub(crate) idp: Idp,
    /// The issuer of ingress tokens.
    pub(crate) pool: String,
    pub(crate) config: Config,
    /// Those that the gateway vends.
    pub(crate) tokens: VendedTokens,
}

impl Stage {
    /// Writes the project to `folder` and starts everything on free loopback ports.
    ///
    /// # Errors
    /// An I/O error, or one of the gateway's.
    pub(crate) async fn set(folder: &Path, browser: bool, exchanges: &TaskTracker) -> Result<Self, Error> {
        let idp = Idp::start(setup::options(!browser))?;
        let start = |server: SampleServer| Ok((server, Sample::start(server.name, server.tools)?));
        let servers = SERVERS.into_iter().map(start).collect::<Result<Vec<_>, Error>>()?;
        let pool = idp.realm_issuer(POOL);
        private_file::create_dir(folder)?;
        let bases: Vec<_> = servers.iter().map(|(server, sample)| (*server, sample.base())).collect();
        for (name, text) in setup::files(&pool, idp.issuer(), &bases) {
            write(folder, &name, &text)?;
        }
        let key = new_signing_key().ok_or_else(|| std::io::Error::other("no random numbers"))?;
        write(folder, "keys/demo.pem", key.expose())?;
        write(folder, "session.key", oauth2::CsrfToken::new_random_len(32).secret())?;
        let gateway = gateway(folder, &pool, exchanges)?;
        // Only now is the port known.
        let env = setup::env(folder, &pool, idp.issuer(), gateway.public_url());
        let lines: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        write(folder, "demo.env", &(lines.join("\n") + "\n"))?;
        let mut config = Config::resolve(Settings::of(env))?;
        config.home = Some(folder.join("home"));
        let tokens = VendedTokens::new(Some(&folder.join("gateway.yaml")), &config)?;
        Ok(Self { gateway, servers, idp, pool, config, tokens })
    }

    /// The sample server of this name.
    pub(crate) fn server(&self, name: &str) -> Option<&Sample> {
        self.servers.iter().find(|(server, _)| server.name == name).map(|(_, sample)| sample)
    }

    /// Every request that reached a server so far, with the server's name.
    pub(crate) fn arrived(&self) -> Vec<(&'static str, ReceivedRequest)> {
        let of = |(server, sample): &(SampleServer, Sample)| {
            let name = server.name;
            sample.arrived().into_iter().map(move |arrived| (name, arrived))
        };
        self.servers.iter().flat_map(of).collect()
    }
}

/// The gateway for the folder's files, as `mcpauth gateway serve` would start it there.
fn gateway(folder: &Path, pool: &str, exchanges: &TaskTracker) -> Result<RunningGateway, Error> {
    let file = write(folder, "gateway.yaml", &setup::gateway(pool, "127.0.0.1:0"))?;
    let settings = Gateway::read(&file).map_err(std::io::Error::other)?;
    let (http, journal) = (Http::new(false), Arc::new(Log::open(&settings.audit)?));
    let sources = FileSources {
        settings,
        credentials: Box::new(|_| None),
        variables: Box::new(|_| None),
        environment: Box::new(|_| None),
        trust: http.trust().clone(),
    };
    let exchanges = exchanges.clone();
    let running = RunningGateway::start(sources, GatewayContext { journal, http, exchanges });
    let running = running.map_err(std::io::Error::other)?;
    // Written for later readers: the port it got.
    write(folder, "gateway.yaml", &setup::gateway(pool, &running.address().to_string()))?;
    Ok(running)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<std::path::PathBuf, Error> {
    let path = folder.join(name);
    private_file::create_dir(path.parent().unwrap_or(folder))?;
    private_file::write(&path, text)?;
    Ok(path)
}
