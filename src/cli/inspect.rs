//! `mcpauth inspect`: a token's claims, its validity, and whether its issuer signed it. Neither the token nor its
//! signature is shown. Not here: the work (see `inspect`).

use clap::Args;
use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::inspect::{Inspected, SignatureCheck, find, inspect};
use crate::oauth::{Epoch, read_numeric_date};
use crate::sys::address::web_url;
use crate::sys::clock;
use crate::text::clean;

/// The longest part of a claim that is shown, in characters.
const LONGEST: usize = 400;
/// Claims that are times (RFC 7519 section 4.1, OpenID Connect Core 1.0 section 2).
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];

/// Decode a token, and verify it with its issuer's keys
///
/// Shows header and claims, never the token or its signature. Keys are fetched only from a configured issuer or the
/// one in --issuer: a token must not choose which host is contacted. The exit code is 7 if the signature is not the
/// issuer's. With --verify it is also 7 if the token has expired or cannot be verified for another reason, and 5 if
/// the issuer cannot be reached.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth inspect ingress\n  mcpauth inspect --verify --issuer https://idp.example.com - < token.txt\n\n\
                        A token in a command line is visible to every process on this machine: give it on stdin, with -."
)]
pub(super) struct InspectArgs {
    /// A credential by its name in mcpauth status, a token file, or - for a token on stdin
    #[arg(value_name = "TOKEN_OR_NAME")]
    what: String,
    /// Exit code 0 only if the token is verified and not expired
    #[arg(long)]
    verify: bool,
    /// The issuer the token must be from, and whose keys are fetched
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

pub(super) fn run(args: &InspectArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    if let Some(issuer) = args.issuer.as_deref().filter(|issuer| web_url(issuer).is_err()) {
        let message = format!("--issuer: {:?} is not an http or https URL", clean(issuer, 80));
        return Err(Error::Usage { message, hint: "give it exactly as in the tokens' iss".into() });
    }
    let config = given.config(out)?;
    let vault = out.context().vault(&config, None)?;
    let subject = find(&args.what, &config, &vault.store, out)?;
    let work =
        async { Ok(inspect(subject, &config, &vault.http, args.issuer.as_deref(), args.verify).await) };
    let inspected = flows::complete(out, work)?;
    let exit = match &inspected.verdict {
        SignatureCheck::Bad(_) => Exit::Found,
        SignatureCheck::Verified { .. } if args.verify && inspected.is_out_of_time(clock::now()) => {
            Exit::Found
        }
        SignatureCheck::Verified { .. } => Exit::Done,
        SignatureCheck::Unreachable(_) if args.verify => Exit::Network,
        SignatureCheck::Unknown(_) if args.verify => Exit::Found,
        SignatureCheck::Unreachable(_) | SignatureCheck::Unknown(_) => Exit::Done,
    };
    if out.json {
        out.object(&to_json(&inspected, exit));
    } else {
        print(&inspected, out);
    }
    Ok(exit)
}

fn to_json(inspected: &Inspected, exit: Exit) -> Value {
    let Inspected { subject, readable, verdict } = inspected;
    let (stored, readable, end) = (subject.stored.as_ref(), readable.as_ref(), inspected.end());
    json!({
        "version": 1,
        "exit_code": exit as u8,
        "name": subject.name,
        "path": subject.path,
        "format": if readable.is_some() { "jwt" } else { "opaque" },
        "verified": matches!(verdict, SignatureCheck::Verified { .. }),
        "verification": verdict.word(),
        "reason": verdict.reason(),
        "expires_at": end,
        "expires_at_rfc3339": end.map(clock::rfc3339),
        "expires_in_s": end.map(|end| end - clock::now()),
        "header": readable.map(|read| &read.header),
        "claims": readable.map(|read| &read.claims),
        "file": stored.map(|stored| json!({
            "provider": stored.provider,
            "issuer": stored.issuer,
            "client_id": stored.client_id,
            "scopes": stored.token.scopes,
            "token_type": stored.token.token_type,
            "refresh_token": stored.token.refresh_token.is_some(),
        })),
    })
}

fn print(inspected: &Inspected, out: &Out) {
    let Inspected { subject, readable, verdict } = inspected;
    let (readable, end, now) = (readable.as_ref(), inspected.end(), clock::now());
    let row = |name: &str, value: &str| out.result(&format!("  {name:14} {}", clean(value, LONGEST)));
    out.result(&subject.name);
    row("format", if readable.is_some() { "JWT" } else { "opaque: only its issuer can read it" });
    let (sign, code) = match verdict {
        SignatureCheck::Verified { .. } => ("yes", "32"),
        SignatureCheck::Bad(_) => ("NO", "31"),
        SignatureCheck::Unreachable(_) | SignatureCheck::Unknown(_) => ("not verified", "33"),
    };
    out.result(&format!(
        "  {:14} {}: {}",
        "verified",
        out.paint(code, sign),
        clean(&verdict.reason(), LONGEST)
    ));
    if let Some(end) = end {
        row("expires", &format!("{} ({})", clock::relative(end, now), clock::human(end)));
    }
    if let (Some(stored), None) = (&subject.stored, readable) {
        let texts = [
            ("provider", Some(&stored.provider)),
            ("issuer", stored.issuer.as_ref()),
            ("client", stored.client_id.as_ref()),
        ];
        for (name, text) in texts {
            text.filter(|text| !text.is_empty()).into_iter().for_each(|text| row(name, text));
        }
        row("scopes", &stored.token.scopes.join(" "));
    }
    if let Some(stored) = &subject.stored {
        row("refresh token", if stored.token.refresh_token.is_some() { "yes" } else { "no" });
    }
    let Some(readable) = readable else { return };
    for (title, members) in [("header", &readable.header), ("claims", &readable.claims)] {
        out.result(title);
        for (name, value) in members {
            row(&clean(name, 40), &display_claim(name, value, now));
        }
    }
}

fn display_claim(name: &str, value: &Value, now: Epoch) -> String {
    match (read_numeric_date(value), value) {
        (Some(at), _) if TIMES.contains(&name) => {
            format!("{} ({})", clock::human(at), clock::relative(at, now))
        }
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = 1_795_509_000;
        assert_eq!(display_claim("exp", &json!(now + 60), now), "2026-11-24 08:31:00 UTC (in 1m)");
        assert_eq!(display_claim("size", &json!(now), now), "1795509000");
        assert_eq!(display_claim("aud", &json!(["a"]), now), r#"["a"]"#);
    }
}
