//! `mcpauth client-metadata`: prints the client id metadata document, for the user to publish. Not here: its content
//! (see `oauth`); when it is used (see `login`).

use clap::Args;
use url::Url;

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::{CLIENT_METADATA_URL, Config};
use crate::error::{Error, Exit};
use crate::flow;
use crate::oauth::{client_metadata, document_address};

/// Print the document that describes mcpauth as a client, for you to publish
///
/// An issuer that supports such documents (client_id_metadata_document_supported) takes the document's address as the
/// client id, without registration. Set MCPAUTH_CLIENT_METADATA_URL to the address, and login uses it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth client-metadata --url https://me.example.com/mcpauth.json > my.json\n  \
                        MCPAUTH_CLIENT_METADATA_URL=https://me.example.com/mcpauth.json \\\n    mcpauth client-metadata"
)]
pub(super) struct ClientMetadataArgs {
    /// Where it will be published [default: MCPAUTH_CLIENT_METADATA_URL]
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<Url>,
    /// Also list the redirect URI for this issuer, which sends no iss in its answers (RFC 9207); repeatable
    #[arg(long, value_name = "URL")]
    issuer: Vec<String>,
}

pub(super) fn run(args: &ClientMetadataArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let address = match &args.url {
        Some(url) => Some(url.clone()),
        None => Config::for_names(given.settings(out)?)?.client_metadata_url()?,
    };
    let Some(address) = address else {
        return Err(Error::Usage {
            message: format!("the document has no address: {CLIENT_METADATA_URL} is not set"),
            hint: "give the address: mcpauth client-metadata --url https://YOUR-SITE/client-metadata.json"
                .into(),
        });
    };
    let document = client_metadata(&address, &flow::listed_redirect_uris(&args.issuer));
    out.data(&format!("{document:#}"));
    Ok(Exit::Done)
}

fn address(text: &str) -> Result<Url, String> {
    document_address(text).map_err(|error| error.to_string())
}
