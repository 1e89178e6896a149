//! The gateway with its own certificate, in front of servers with certificates of theirs: which one is shown, what is
//! replaced at run time, and what is never sent unencrypted. Not here: the messages (see the other themes).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use mcpauth::gateway::settings::{GatewaySettings, Tls};
use mcpauth::sys::private_file;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::lab::{ALLOWED, AUTHORITIES, Lab, own_server, request, until};
use crate::support::tls::{Authority, Identity, provider};
use crate::support::upstream::{Seen, Upstream, gone, say};
use crate::support::wire::TEST_TIMEOUT;

const JSON: &str = "200 OK\r\ncontent-type: application/json";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const KEPT: &str = "the previous files stay in force";
const RENEWED: &str = "certificates are in force";

/// A client's connection over TLS, kept between requests.
struct Client(StreamOwned<ClientConnection, TcpStream>);

fn connect(authority: &Authority, lab: &Lab) -> std::io::Result<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let config = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let config = config.unwrap().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), lab.connect());
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(Client(stream))
}

fn lay_out(identity: &Identity, settings: &mut GatewaySettings, dir: &Path) {
    let tls = Tls { certificate: dir.join(CERTIFICATE), key: dir.join(KEY) };
    std::fs::write(&tls.certificate, &identity.certificate).unwrap();
    private_file::write(&tls.key, &identity.key).unwrap();
    settings.tls = Some(tls);
}

/// A gateway with this certificate.
fn behind(identity: &Identity) -> Lab {
    Lab::with(|settings, dir| lay_out(identity, settings, dir))
}

impl Client {
    /// What the gateway has shown.
    fn shown(&self) -> CertificateDer<'static> {
        self.0.conn.peer_certificates().unwrap()[0].clone().into_owned()
    }

    fn send(&mut self, path: &str, token: &str) {
        let bearer = format!("Bearer {token}");
        let headers = [("X-Authorization", bearer.as_str()), ("Connection", "keep-alive")];
        self.0.write_all(&request("POST", path, &headers, ALLOWED.as_bytes())).unwrap();
    }

    /// The status and body of the next answer; the connection stays open.
    fn answer(&mut self) -> (u16, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0].into());
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap_or_else(|| panic!("{head}")).parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), String::from_utf8(body).unwrap())
    }
}

/// A server with a certificate; what it could read of its clients' messages.
fn over_tls(identity: &Identity) -> (String, Receiver<Vec<u8>>) {
    let (sender, read) = channel();
    let address = identity.serve(move |mut stream| {
        let mut heard = Vec::new();
        // It ends with the client's alert, or with its message.
        let _ = stream.read_to_end(&mut heard);
        let _ = sender.send(heard);
    });
    (format!("https://{address}"), read)
}

#[test]
fn a_caller_comes_in_by_the_gateways_certificate() {
    let authority = Authority::new();
    let identity = authority.issue();
    let lab = behind(&identity);
    assert!(lab.gateway.public_url().starts_with("https://127.0.0.1:"));
    let mut client = connect(&authority, &lab).unwrap();
    assert_eq!(client.shown(), identity.der());
    client.send("/alpha/mcp", &lab.token("worker"));
    let (status, body) = client.answer();
    assert_eq!((status, lab.alpha.arrived().len()), (200, 1), "{body}");
    client.send("/alpha/mcp", "none");
    assert_eq!(client.answer().0, 401);
    assert!(connect(&Authority::new(), &lab).is_err(), "a client that trusts another authority");
}

#[test]
fn plain_http_gets_nothing_where_tls_is_spoken() {
    let lab = behind(&Authority::new().issue());
    let bearer = format!("Bearer {}", lab.token("worker"));
    for path in ["/alpha/mcp", "/healthz"] {
        let mut stream = lab.connect();
        let bytes = request("POST", path, &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        // A reset is not an answer either.
        let _ = stream.read_to_end(&mut answer);
        // At most the alert of RFC 8446 section 6: seven bytes, of type 21.
        assert!(answer.len() <= 7 && answer.first().is_none_or(|kind| *kind == 21), "{answer:?}");
    }
    assert_eq!(lab.arrived(), 0);
    let kept = lab.kept.clone();
    drop(lab);
    assert_eq!(kept.audit_text(), "");
}

#[test]
fn a_new_certificate_is_shown_from_the_reload_on_and_costs_no_request() {
    let (release, held) = channel::<()>();
    let (told, arrived): (Sender<()>, _) = channel();
    let ends = Mutex::new((told, held));
    let upstream = Upstream::start(move |seen: &Seen, stream| {
        let ends = ends.lock().unwrap();
        ends.0.send(()).unwrap();
        ends.1.recv_timeout(TEST_TIMEOUT).unwrap();
        say(stream, JSON, &seen.body);
    });
    let authority = Authority::new();
    let (old, new) = (authority.issue(), authority.issue());
    let lab = Lab::with(|settings, dir| {
        lay_out(&old, settings, dir);
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let token = lab.token("worker");
    let mut busy = connect(&authority, &lab).unwrap();
    let mut idle = connect(&authority, &lab).unwrap();
    busy.send("/delta/mcp", &token);
    arrived.recv_timeout(TEST_TIMEOUT).unwrap();
    std::fs::write(lab.path(KEY), &new.key).unwrap();
    lab.reload(CERTIFICATE, &new.certificate, RENEWED);
    let mut late = connect(&authority, &lab).unwrap();
    assert_eq!(late.shown(), new.der());
    release.send(()).unwrap();
    assert_eq!(busy.answer(), (200, ALLOWED.into()), "what was under way");
    for (client, shown) in [(&mut busy, &old), (&mut idle, &old), (&mut late, &new)] {
        release.send(()).unwrap();
        client.send("/delta/mcp", &token);
        assert_eq!(client.answer(), (200, ALLOWED.into()));
        assert_eq!(client.shown(), shown.der());
    }
}

#[test]
fn a_broken_certificate_is_never_put_in_force_and_its_key_never_shown() {
    let authority = Authority::new();
    let (good, other) = (authority.issue(), authority.issue());
    let lab = behind(&good);
    let begun = "-----BEGIN CERTIFICATE-----\n";
    let half = |text: &str| text.split_at(text.len() / 2).0.to_owned();
    let broken = [
        (CERTIFICATE, ""),
        (CERTIFICATE, "no certificate"),
        (CERTIFICATE, &*half(&good.certificate)),
        (CERTIFICATE, &format!("{begun}AAAA\n-----END CERTIFICATE-----\n")),
        (CERTIFICATE, &other.certificate),
        (KEY, ""),
        (KEY, &half(&good.key)),
        (KEY, &other.key),
    ];
    for (file, text) in broken {
        lab.reload(file, text, KEPT);
        assert_eq!(connect(&authority, &lab).unwrap().shown(), good.der(), "{file}: {text}");
        let whole = if file == KEY { &good.key } else { &good.certificate };
        lab.reload(file, whole, RENEWED);
    }
    std::fs::set_permissions(lab.path(KEY), Permissions::from_mode(0o644)).unwrap();
    lab.reload(KEY, &other.key, KEPT);
    assert_eq!(connect(&authority, &lab).unwrap().shown(), good.der());
    let said = lab.kept.events().join("\n");
    for line in good.key.lines().chain(other.key.lines()).filter(|line| !line.starts_with('-')) {
        assert!(!said.contains(line), "{said}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused_at_the_start() {
    let identity = Authority::new().issue();
    let started = |mode| {
        Lab::started(|settings, dir| {
            lay_out(&identity, settings, dir);
            std::fs::set_permissions(dir.join(KEY), Permissions::from_mode(mode)).unwrap();
        })
    };
    for mode in [0o604, 0o644, 0o660, 0o620, 0o602] {
        let error = started(mode).err().unwrap().to_string();
        assert!(error.contains(KEY) && error.contains("chmod 600"), "{error}");
    }
    for mode in [0o600, 0o400, 0o440, 0o640] {
        assert!(started(mode).is_ok(), "{mode:o}");
    }
}

/// Creates certificate and key like certbot: links in `live/` to numbered files in `archive/`.
fn live(identity: &Identity, number: u32, dir: &Path) -> Tls {
    for folder in ["archive", "live"] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
    }
    let lay = |name: &str, text: &str, mode| {
        let (file, link) = (format!("{name}{number}.pem"), dir.join(format!("live/{name}.pem")));
        let path = dir.join("archive").join(&file);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let new = dir.join("live/new");
        std::os::unix::fs::symlink(format!("../archive/{file}"), &new).unwrap();
        std::fs::rename(&new, &link).unwrap();
        link
    };
    let key = lay("privkey", &identity.key, 0o640);
    Tls { certificate: lay("fullchain", &identity.certificate, 0o644), key }
}

#[test]
fn a_certificate_under_live_is_served_and_its_renewal_seen() {
    let authority = Authority::new();
    let (old, new) = (authority.issue(), authority.issue());
    let lab = Lab::with(|settings, dir| settings.tls = Some(live(&old, 1, dir)));
    assert_eq!(connect(&authority, &lab).unwrap().shown(), old.der());
    live(&new, 2, &lab.path(""));
    until("the renewal", || lab.kept.events().iter().any(|event| event.contains(RENEWED)));
    assert_eq!(connect(&authority, &lab).unwrap().shown(), new.der());
}

#[test]
fn a_server_that_cannot_prove_its_name_gets_no_message() {
    let (untrusted, read) = over_tls(&Authority::new().issue());
    let plain = Upstream::answering(JSON, ALLOWED);
    let lab = Lab::with(|_, dir| {
        own_server(dir, "delta", &untrusted, "streamable-http");
        own_server(dir, "omega", &plain.base.replace("http:", "https:"), "streamable-http");
    });
    let root = lab.token("root");
    for name in ["delta", "omega"] {
        let answer = lab.call(&root, name, "echo").status(502);
        assert_eq!(answer.json()["error"]["data"]["reason"], "unreachable", "{name}");
    }
    assert_eq!(
        read.recv_timeout(TEST_TIMEOUT),
        Ok(Vec::new()),
        "the handshake fails before anything is said"
    );
    assert!(read.try_recv().is_err(), "and nothing is tried again");
    assert!(plain.seen().is_empty());
    let warned = lab.kept.events().iter().filter(|event| event.starts_with("upstream: ")).count();
    assert_eq!(warned, 2);
}

#[test]
fn a_server_of_an_authority_that_the_user_named_is_believed() {
    let authority = Authority::new();
    let address = authority.issue().serve(|mut stream| {
        let reply = format!(
            "HTTP/1.1 {JSON}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{ALLOWED}",
            ALLOWED.len()
        );
        let _ = stream.read(&mut [0; 64 * 1024]).and_then(|_| stream.write_all(reply.as_bytes()));
        stream.conn.send_close_notify();
        let _ = stream.flush();
    });
    let lab = Lab::with(|_, dir| {
        std::fs::write(dir.join(AUTHORITIES), authority.pem()).unwrap();
        own_server(dir, "delta", &format!("https://{address}"), "streamable-http");
    });
    lab.call(&lab.token("root"), "delta", "echo").status(200);
}

#[test]
fn a_handshake_that_stalls_leaves_when_there_is_no_room() {
    let authority = Authority::new();
    let lab = Lab::with(|settings, dir| {
        (settings.limits.max_connections, settings.workers) = (Some(8), Some(1));
        lay_out(&authority.issue(), settings, dir);
    });
    let beginnings: [&[u8]; 3] = [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"];
    let stalled = |beginning: &&[u8]| {
        let mut stream = lab.connect();
        stream.write_all(beginning).unwrap();
        stream
    };
    let mut all: Vec<TcpStream> = beginnings.iter().cycle().take(40).map(stalled).collect();
    connect(&authority, &lab).unwrap();
    assert!(all.drain(..20).all(|mut stream| gone(&mut stream)), "the first of them have been closed");
}
