//! `mcpauth client-metadata`: the client id metadata document to put at an address of one's own. It leaves what is in it to
//! `oauth`, and when it is used to `login`.

use clap::Args;
use url::Url;

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::{CLIENT_METADATA_URL, Config};
use crate::error::{Error, Exit};
use crate::flow;
use crate::oauth::{client_metadata, document_address};

/// Print the document that describes mcpauth as a client, to be put at an address of yours
///
/// An issuer that reads such documents (client_id_metadata_document_supported) takes the document's address as the client's
/// identifier: nobody registers anything. Set MCPAUTH_CLIENT_METADATA_URL to the address, and login names it from then on.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth client-metadata --url https://me.example.com/mcpauth.json > mcpauth.json\n  \
                        MCPAUTH_CLIENT_METADATA_URL=https://me.example.com/mcpauth.json mcpauth client-metadata"
)]
pub(super) struct ClientMetadataArgs {
    /// Where it will be [default: MCPAUTH_CLIENT_METADATA_URL]
    #[arg(long, value_name = "URL", value_parser = address)]
    url: Option<Url>,
    /// List the redirect URI for this issuer too, which does not name itself in its answers (RFC 9207); repeatable
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
            message: format!("nobody says where the document will be: {CLIENT_METADATA_URL} is not set"),
            hint: "name the address: mcpauth client-metadata --url https://YOUR-SITE/client-metadata.json"
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
