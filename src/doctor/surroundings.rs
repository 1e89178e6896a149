//! Checks what this machine does to our requests: proxies and certificates in force, and whether a browser can open.
//! Not here: network requests (see `issuer` and `gateway`).

use std::path::Path;

use url::Url;

use crate::config::{Config, Origin};
use crate::doctor::finding::Finding;
use crate::sys::http::PROXIES;
use crate::sys::{browser, regular_file};

/// The largest certificate file that is read, in bytes.
const MAX_CERTIFICATE_BYTES: u64 = 8 << 20;

const PROXY: &str = "network.proxy";
const CERTIFICATES: &str = "network.certificates";
/// The proxy schemes that the HTTP client supports; it silently ignores all others.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
/// What is shown of a proxy without a host.
const NO_ADDRESS: &str = "not an address";
/// Where the TLS library looks for certificates instead of the system's store.
const STORES: [&str; 3] = ["MCPAUTH_CA_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR"];
/// How a certificate in PEM begins (RFC 7468 section 5).
const PEM: &str = "-----BEGIN CERTIFICATE-----";

pub(super) fn check(config: &Config, someone_must_log_in: bool) -> Vec<Finding> {
    let mut findings = proxies(config);
    findings.extend(certificates(config));
    findings.push(browser(config, someone_must_log_in));
    findings
}

fn proxies(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in PROXIES.into_iter().chain(["NO_PROXY"]) {
        findings.extend(without_effect(config, name));
        let Some((value, origin)) = either_case(config, name) else { continue };
        let shown = if name == "NO_PROXY" { crate::text::clean(value, 200) } else { stripped(value) };
        let text = format!("{name} is {shown}");
        findings.push(match origin {
            Origin::Environment if name != "NO_PROXY" && !is_usable(value) => Finding::problem(
                PROXY,
                format!("{text}, which mcpauth cannot use as a proxy: requests go out directly"),
                format!(
                    "name one of {}, in lower case: export {name}=socks5h://HOST:PORT",
                    SCHEMES.join(", ")
                ),
            ),
            Origin::Environment => Finding::ok(PROXY, text),
            _ => Finding::warn(
                PROXY,
                format!("{text}, in {origin}, where it has no effect"),
                format!("set it in the environment: export {name}=..."),
            ),
        });
    }
    if findings.is_empty() {
        findings.push(Finding::ok(PROXY, "no proxy is set"));
    }
    findings
}

/// A found file must not decide what concerns the machine.
fn without_effect(config: &Config, name: &str) -> Option<Finding> {
    let given = config.sources().unheeded().iter().find(|given| given.name.eq_ignore_ascii_case(name))?;
    let check = if STORES.contains(&name) { CERTIFICATES } else { PROXY };
    let text = format!("{} is set in {}, where it has no effect", given.name, given.origin);
    Some(Finding::warn(check, text, format!("set it in the environment: export {name}=...")))
}

fn either_case<'c>(config: &'c Config, name: &str) -> Option<(&'c str, Origin)> {
    config.sources().find(name).or_else(|| config.sources().find(&name.to_lowercase()))
}

/// Whether the HTTP client supports this proxy: it takes schemes in lower case alone.
fn is_usable(value: &str) -> bool {
    let is_known = value.split_once("://").is_none_or(|(scheme, _)| SCHEMES.contains(&scheme));
    is_known && stripped(value) != NO_ADDRESS
}

/// A proxy's address without user name, password, path and query: only scheme, host and port matter.
fn stripped(text: &str) -> String {
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let Ok(url) = Url::parse(&whole) else { return NO_ADDRESS.into() };
    let Some(host) = url.host_str() else { return NO_ADDRESS.into() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}

fn certificates(config: &Config) -> Vec<Finding> {
    let set = STORES.iter().filter_map(|name| Some((*name, config.sources().find(name)?)));
    let set = set.map(|(name, (path, origin))| store(name, Path::new(path), &origin));
    let mut findings: Vec<Finding> =
        set.chain(STORES.iter().filter_map(|name| without_effect(config, name))).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CERTIFICATES, "the system's certificates are trusted"));
    }
    findings
}

fn store(name: &str, path: &Path, origin: &Origin) -> Finding {
    let text = format!("{name} is {}", path.display());
    // The TLS library reads only the environment; our own variable is a setting.
    if name != "MCPAUTH_CA_CERT" && *origin != Origin::Environment {
        let text = format!("{text}, in {origin}, where it has no effect");
        return Finding::warn(CERTIFICATES, text, format!("set it in the environment: export {name}=..."));
    }
    let remedy = format!("correct {name}, or unset it; it must name certificates in PEM");
    let wrong = |cause: String| Finding::problem(CERTIFICATES, text.clone(), remedy.clone()).because(cause);
    if name == "SSL_CERT_DIR" {
        return if path.is_dir() {
            Finding::ok(CERTIFICATES, text)
        } else {
            wrong("there is no such folder".into())
        };
    }
    match regular_file::read(path, MAX_CERTIFICATE_BYTES) {
        Err(error) => wrong(error.to_string()),
        Ok(bytes) if String::from_utf8_lossy(&bytes).contains(PEM) => Finding::ok(CERTIFICATES, text),
        Ok(_) => wrong("it has no PEM certificate".into()),
    }
}

/// Whether a login page can open here.
fn browser(config: &Config, needed: bool) -> Finding {
    const BROWSER_CHECK: &str = "login.browser";
    if config.no_browser() {
        return Finding::ok(
            BROWSER_CHECK,
            "login addresses are printed, and no browser is opened (MCPAUTH_NO_BROWSER)",
        );
    }
    let Some(why) = headless(&|name| config.sources().get(name).is_some()) else {
        return Finding::ok(BROWSER_CHECK, "a browser can open login pages");
    };
    let text = format!("no browser can open here ({why})");
    let remedy =
        "log in with: mcpauth egress --no-browser; open the address anywhere and paste the one it ends up at";
    if needed {
        Finding::warn(BROWSER_CHECK, text, remedy)
    } else {
        Finding::ok(BROWSER_CHECK, text).remedy(remedy)
    }
}

/// Why no window can open, where none can.
fn headless(set: &dyn Fn(&str) -> bool) -> Option<&'static str> {
    if set("SSH_CONNECTION") || set("SSH_TTY") {
        return Some("this is an SSH session");
    }
    // BROWSER names a program that needs no display here: remote editors open pages that way.
    let shown = ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME"].into_iter().any(set);
    (!browser::NEEDS_NO_DISPLAY && !shown).then_some("there is no DISPLAY")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_proxy_is_shown_by_its_host_alone() {
        for (text, expected) in [
            ("http://user:hunter2@proxy.test:3128/x?k=hunter2", "http://proxy.test:3128"),
            ("user:hunter2@proxy.test:3128", "http://proxy.test:3128"),
            ("socks5h://proxy.test:1080", "socks5h://proxy.test:1080"),
            ("proxy.test", "http://proxy.test"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("http://", "not an address"),
            ("hunter2 with blanks", "not an address"),
        ] {
            assert_eq!(stripped(text), expected, "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_session_without_a_window_is_known_by_its_variables() {
        for (set, expected) in [
            (&["DISPLAY"][..], None),
            (&["WAYLAND_DISPLAY"], None),
            (&["BROWSER"], None),
            (&[], Some("there is no DISPLAY")),
            (&["SSH_CONNECTION", "DISPLAY"], Some("this is an SSH session")),
        ] {
            assert_eq!(headless(&|name| set.contains(&name)), expected, "{set:?}");
        }
    }

    proptest! {
        #[test]
        fn no_proxys_password_is_shown(user in "[a-z]{1,8}", host in "[a-z]{1,8}", scheme in "(http://|https://|socks5://|)") {
            let shown = stripped(&format!("{scheme}{user}:HUNTER2%40@{host}.test:3128"));
            prop_assert!(!shown.contains("HUNTER2"), "{}", shown);
        }
    }
}
