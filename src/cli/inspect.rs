//! `mcpauth inspect`: what a token says, until when it is good, and whether its issuer signed it. Neither the token nor its
//! signature is shown. It leaves asking the issuer to `inspect::verify`.

mod verify;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use self::verify::Verdict;
use crate::cli::flows;
use crate::cli::given::secret_from;
use crate::cli::out::Out;
use crate::config::{Config, Settings};
use crate::error::{Error, Exit};
use crate::oauth::{Epoch, Unverified, read_numeric_date};
use crate::secret::Secret;
use crate::servers::credentials;
use crate::store::{Store, StoreError, Stored};
use crate::sys::address::web_url;
use crate::sys::{clock, regular_file};
use crate::text::clean;
use crate::vault::VaultError;

/// The largest file that is looked into, in bytes.
const MOST: u64 = 1 << 20;
/// The longest text that is shown of a claim, in characters.
const LONGEST: usize = 400;
/// Claims that are times (RFC 7519 section 4.1, OpenID Connect Core 1.0 section 2).
const TIMES: [&str; 5] = ["exp", "iat", "nbf", "auth_time", "updated_at"];

/// Decode a token, and verify it with its issuer's keys
///
/// Shows header and claims, never the token or its signature. Keys are fetched from an issuer that is configured, or named
/// with --issuer, and from nowhere else: a token must not choose whom we talk to. A signature that is not the issuer's is
/// exit code 7. With --verify so is whatever keeps the token from being verified, its end included, and 5 means that the
/// issuer could not be reached.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth inspect ingress\n  mcpauth inspect --verify --issuer https://idp.example.com - < token.txt\n\n\
                        A token in a command line is visible to every process on this machine: give it on stdin, with -."
)]
pub(super) struct InspectArgs {
    /// A credential by its name in mcpauth status, a token's file, or - for a token on stdin
    #[arg(value_name = "TOKEN_OR_NAME")]
    what: String,
    /// Exit code 0 only if it is verified and in its time
    #[arg(long)]
    verify: bool,
    /// The issuer it must be of, whose keys are fetched
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
}

/// A token, and what is known of it beside what it says itself.
struct Subject {
    token: Secret,
    /// The credential's name, or where the token was found.
    name: String,
    path: Option<PathBuf>,
    stored: Option<Stored>,
}

pub(super) fn run(args: &InspectArgs, settings: Settings, out: &Out) -> Result<Exit, Error> {
    if let Some(issuer) = args.issuer.as_deref().filter(|issuer| web_url(issuer).is_err()) {
        let message = format!("--issuer: {:?} is not an http or https URL", clean(issuer, 80));
        return Err(Error::Usage { message, hint: "give it as its tokens have it in iss".into() });
    }
    let config = Config::resolve(settings)?;
    let vault = flows::vault(&config, None, out)?;
    let subject = find(&args.what, &config, &vault.store, out)?;
    let readable = Unverified::read(subject.token.expose());
    let work = async {
        let token = subject.token.expose();
        let issuers = verify::issuers(&config, args.issuer.as_deref());
        Ok(Ok(verify::verify(&vault.http, token, readable.as_ref(), &issuers, args.verify).await))
    };
    let verdict = match flows::until_signal(out, work, Err)? {
        Ok(verdict) => verdict,
        Err(exit) => return Ok(exit),
    };
    let now = clock::now();
    let end = readable
        .as_ref()
        .and_then(|read| read.time("exp"))
        .or(subject.stored.as_ref().and_then(|s| s.token.expires_at));
    let early = readable.as_ref().and_then(|read| read.time("nbf")).is_some_and(|start| start > now);
    let over = end.is_some_and(|end| end <= now);
    let exit = match &verdict {
        Verdict::Bad(_) => Exit::Found,
        Verdict::Verified { .. } if args.verify && (over || early) => Exit::Found,
        Verdict::Verified { .. } => Exit::Done,
        Verdict::Unreachable(_) if args.verify => Exit::Network,
        Verdict::Unknown(_) if args.verify => Exit::Found,
        Verdict::Unreachable(_) | Verdict::Unknown(_) => Exit::Done,
    };
    if out.json {
        out.object(&object(&subject, readable.as_ref(), &verdict, end, exit));
    } else {
        print(&subject, readable.as_ref(), &verdict, end, out);
    }
    Ok(exit)
}

/// What is meant: stdin, a credential, a file, or a token as such. What is none of these is not repeated: it may be a
/// token that was cut on its way here.
fn find(what: &str, config: &Config, store: &Store, out: &Out) -> Result<Subject, Error> {
    if what == "-" {
        return Ok(Subject::bare(&secret_from(Path::new("-"))?, "stdin".into()));
    }
    let all = credentials::all(config, store);
    let path = Path::new(what);
    match credentials::named(&all, what) {
        Ok(known) => {
            let nothing = || Error::Usage {
                message: format!("nothing is kept of {}", known.name),
                hint: format!("get it first: {}", known.command()),
            };
            let path = known.path(store).ok_or_else(nothing)?;
            let stored = store.read_file(&path).map_err(VaultError::Store)?.ok_or_else(nothing)?;
            Ok(Subject::kept(stored, known.name.clone(), &path))
        }
        Err(_) if path.is_file() => in_file(path, store),
        Err(_) if Unverified::read(what).is_some() => {
            out.say("every process on this machine can read a command line; give a token on stdin: mcpauth inspect -");
            Ok(Subject::bare(&Secret::new(what), "the command line".into()))
        }
        Err(unknown) => Err(unknown),
    }
}

/// The token that is meant by a credential's name, a file or `-`.
///
/// # Errors
/// [`Error::Usage`] if there is none.
pub(super) fn token_of(what: &str, config: &Config, store: &Store, out: &Out) -> Result<Secret, Error> {
    find(what, config, store, out).map(|subject| subject.token)
}

/// The token of a token file, or the token that is all there is in it.
fn in_file(path: &Path, store: &Store) -> Result<Subject, Error> {
    let name = path.display().to_string();
    match store.read_file(path) {
        Ok(Some(stored)) => Ok(Subject::kept(stored, name, path)),
        Ok(None) => Err(Error::Usage {
            message: format!("the keyring has no token for {name}"),
            hint: "get it again: mcpauth generate".into(),
        }),
        Err(StoreError::Format { .. }) if holds_token(path) => Ok(Subject::bare(&secret_from(path)?, name)),
        // Nobody is told to close a file that is no secret, such as the system's own.
        Err(StoreError::Format { .. } | StoreError::File(_)) if !holds_token(path) => Err(Error::Usage {
            message: format!("{name} is not a token file"),
            hint: "name a credential (mcpauth status shows them), a file that holds a token and nothing else, or - for stdin"
                .into(),
        }),
        Err(error) => Err(VaultError::Store(error).into()),
    }
}

/// Whether a file, whoever may read it, has a token in it: a word alone, or a member of a JSON object. One that cannot be
/// read may have.
fn holds_token(path: &Path) -> bool {
    let Ok(text) = regular_file::read_text(path, MOST).map(Zeroizing::new) else { return true };
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(members) => members.contains_key("access_token"),
        Err(_) => is_token(text.trim()),
    }
}

/// Whether a text may be a token (RFC 6749 appendix A.12), and is no line of settings and no other format's.
fn is_token(text: &str) -> bool {
    let token = text.strip_prefix("Bearer ").unwrap_or(text);
    let begins = token.starts_with(|c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
    let assigns = token.trim_end_matches('=').contains('=');
    begins && !assigns && token.chars().all(|c| c.is_ascii_graphic())
}

impl Subject {
    fn bare(text: &Secret, name: String) -> Self {
        let token = text.expose().trim();
        let token = Secret::new(token.strip_prefix("Bearer ").unwrap_or(token));
        Self { token, name, path: None, stored: None }
    }

    fn kept(stored: Stored, name: String, path: &Path) -> Self {
        let token = stored.token.access_token.clone();
        Self { token, name, path: Some(path.into()), stored: Some(stored) }
    }
}

fn object(
    subject: &Subject,
    readable: Option<&Unverified>,
    verdict: &Verdict,
    end: Option<Epoch>,
    exit: Exit,
) -> Value {
    let stored = subject.stored.as_ref();
    json!({
        "version": 1,
        "exit_code": exit as u8,
        "name": subject.name,
        "path": subject.path,
        "format": if readable.is_some() { "jwt" } else { "opaque" },
        "verified": matches!(verdict, Verdict::Verified { .. }),
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

fn print(subject: &Subject, readable: Option<&Unverified>, verdict: &Verdict, end: Option<Epoch>, out: &Out) {
    let now = clock::now();
    let row = |name: &str, value: &str| out.result(&format!("  {name:14} {}", clean(value, LONGEST)));
    out.result(&subject.name);
    row("format", if readable.is_some() { "JWT" } else { "opaque: only its issuer can read it" });
    let (sign, code) = match verdict {
        Verdict::Verified { .. } => ("yes", "32"),
        Verdict::Bad(_) => ("NO", "31"),
        Verdict::Unreachable(_) | Verdict::Unknown(_) => ("not verified", "33"),
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
            row(&clean(name, 40), &shown(name, value, now));
        }
    }
}

fn shown(name: &str, value: &Value, now: Epoch) -> String {
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
    fn a_token_is_a_word_alone() {
        for token in ["abc", "a.b-c_d~e+f/g==", "Bearer abc", "12|abc", "xoxb-1-2"] {
            assert!(is_token(token), "{token}");
        }
        for other in [
            "",
            "a b",
            "A=b",
            "{}",
            "[a]",
            "<a>",
            "#a",
            "a\nb",
            "\"a\"",
            "root:x:0:0:root:/root:/bin/sh\nbin:x:1",
        ] {
            assert!(!is_token(other), "{other:?}");
        }
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        let now = 1_795_509_000;
        assert_eq!(shown("exp", &json!(now + 60), now), "2026-11-24 08:31:00 UTC (in 1m)");
        assert_eq!(shown("size", &json!(now), now), "1795509000");
        assert_eq!(shown("aud", &json!(["a"]), now), r#"["a"]"#);
    }
}
