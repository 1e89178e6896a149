//! How requests leave this machine: through which proxy, and which certificates are trusted.
#![cfg(test)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::tls::{Authority, Secured};
use crate::support::{User, answering, nobody};

const TOKEN: &str = r#"{"access_token":"t","token_type":"Bearer","expires_in":3600}"#;
const PASSWORD: &str = "pr0xy-passw0rd";

/// A user whose ingress token comes from this address.
fn user(token_url: &str) -> User {
    let mut user = User::new();
    user.oidc("https://idp.test", "agent", "ingress-secret").env("INGRESS_OAUTH_TOKEN_URL", token_url);
    user
}

/// Answers one request with a token.
fn give_token(mut stream: Secured) {
    let reply =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{TOKEN}", TOKEN.len());
    // A client that does not trust us says so and goes.
    let _ = stream.read(&mut [0; 64 * 1024]).and_then(|_| stream.write_all(reply.as_bytes()));
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

/// A proxy that connects every tunnel to one address, and the requested names.
struct Proxy {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Serves one client, whose tunnels end at an address.
type Tunnel = fn(TcpStream, SocketAddr, &Mutex<Vec<String>>) -> std::io::Result<()>;

impl Proxy {
    fn to(target: SocketAddr) -> Self {
        Self::of(connect, target)
    }

    fn of(tunnel: Tunnel, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A client that goes away is not this proxy's matter.
                let _ = tunnel(stream, target, &log);
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The head of a CONNECT request, then bytes both ways.
fn connect(stream: TcpStream, target: SocketAddr, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut head = String::new();
    while reader.read_line(&mut head)? > 2 {}
    log.lock().unwrap().push(head);
    let (mut client, server) = (stream, TcpStream::connect(target)?);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    both_ways(client, server)
}

fn both_ways(mut client: TcpStream, mut server: TcpStream) -> std::io::Result<()> {
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(std::net::Shutdown::Both);
    });
    // The other direction holds the connection, too; a client that leaves must be seen to leave.
    let left = std::io::copy(&mut client, &mut server);
    server.shutdown(std::net::Shutdown::Both)?;
    left.map(drop)
}

#[test]
fn an_authority_of_ones_own_is_named_by_flag_or_variable() {
    let authority = Authority::new();
    let base = authority.issue().serve(give_token);
    let mut user = user(&format!("https://{base}/token"));
    let ran = user.run(&["ingress"]).code(5);
    assert!(ran.stdout.contains("certificate signed by an unknown authority"), "{}", ran.stdout);
    assert!(ran.stdout.contains("mcpauth ingress --ca-cert FILE"), "{}", ran.stdout);
    let ca = user.file("ca.pem", &authority.pem());
    let other = user.file("other.pem", &Authority::new().pem());
    user.run(&["ingress", "--ca-cert", other.to_str().unwrap()]).code(5);
    user.run(&["ingress", "--force", "--ca-cert", ca.to_str().unwrap()]).code(0);
    user.env("SSL_CERT_FILE", ca.to_str().unwrap()).run(&["ingress", "--force"]).code(0);
    // Ours are trusted in addition to the system's, which are the other ones here.
    user.env("SSL_CERT_FILE", other.to_str().unwrap()).run(&["ingress", "--force"]).code(5);
    user.env("MCPAUTH_CA_CERT", "ca.pem").run(&["ingress", "--force"]).code(0);
}

#[test]
fn a_file_without_certificates_is_a_usage_error_that_names_it() {
    let mut user = user(&format!("{}/token", answering(200, TOKEN)));
    user.file("bad.pem", "no certificate");
    for name in ["bad.pem", "gone.pem"] {
        let ran = user.run(&["ingress", "--ca-cert", name]).code(2);
        assert!(ran.stderr.contains(name) && ran.stderr.contains("--ca-cert"), "{}", ran.stderr);
    }
    let ran = user.env("MCPAUTH_CA_CERT", "bad.pem").run(&["ingress", "--json"]).code(2);
    assert_eq!(ran.json_error()["code"], "configuration");
}

#[test]
fn outside_requests_go_through_the_proxy_which_also_looks_the_name_up() {
    let authority = Authority::new();
    let proxy = Proxy::to(authority.issue_for(&["idp.test"]).serve(give_token));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let before = proxy.asked().len();
        let mut user = user("https://idp.test/token");
        let ca = user.file("ca.pem", &authority.pem());
        user.env("MCPAUTH_CA_CERT", ca.to_str().unwrap());
        user.env(variable, format!("http://me:{PASSWORD}@{}", proxy.address));
        let ran = user.run(&["ingress", "-vvv"]).code(0);
        let asked = proxy.asked();
        assert_eq!(asked.len(), before + 1, "{variable}");
        let asked = asked.last().unwrap().to_ascii_lowercase();
        assert!(
            asked.starts_with("connect idp.test:443 ") && asked.contains("\r\nproxy-authorization: basic "),
            "{asked}"
        );
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(PASSWORD));
        // A name excluded from the proxy is resolved here, where it is unknown.
        user.env("NO_PROXY", "other.test,idp.test").run(&["ingress", "--force"]).code(5);
        assert_eq!(proxy.asked().len(), before + 1, "{variable}");
    }
}

#[test]
fn a_proxy_that_does_not_answer_is_named_without_its_password() {
    let mut user = user("https://idp.test/token");
    user.env("HTTPS_PROXY", nobody().replace("http://", &format!("http://me:{PASSWORD}@")));
    let ran = user.run(&["ingress", "-vvv"]).code(5);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(PASSWORD), "{}", ran.stdout);
}

#[test]
fn loopback_never_goes_through_a_proxy() {
    let authority = Authority::new();
    let plain = format!("{}/token", answering(200, TOKEN));
    let secure = format!("https://{}/token", authority.issue().serve(give_token));
    let proxy = Proxy::to(nobody().trim_start_matches("http://").parse().unwrap());
    for address in [plain, secure] {
        let mut user = user(&address);
        let ca = user.file("ca.pem", &authority.pem());
        user.env("MCPAUTH_CA_CERT", ca.to_str().unwrap());
        for variable in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
            user.env(variable, format!("http://{}", proxy.address));
        }
        user.run(&["ingress"]).code(0);
    }
    assert!(proxy.asked().is_empty());
}

fn take<const N: usize>(stream: &mut TcpStream) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).map(|()| bytes)
}

fn text(stream: &mut TcpStream, length: usize) -> std::io::Result<String> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn until_zero(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    loop {
        match take::<1>(stream)? {
            [0] => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            [byte] => bytes.push(byte),
        }
    }
}

/// SOCKS (RFC 1928, RFC 1929, and SOCKS 4a), then bytes both ways; a requested name is one that the proxy resolves itself, or an
/// address.
fn socks(mut client: TcpStream, target: SocketAddr, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let [version] = take(&mut client)?;
    if version == 4 {
        let [_, _, _, a, b, c, d] = take(&mut client)?;
        until_zero(&mut client)?;
        let name = if [a, b, c] == [0; 3] { until_zero(&mut client)? } else { format!("{a}.{b}.{c}.{d}") };
        log.lock().unwrap().push(name);
        client.write_all(&[0, 90, 0, 0, 0, 0, 0, 0])?;
    } else {
        let [methods] = take(&mut client)?;
        let methods = text(&mut client, methods.into())?;
        let by_password = methods.contains('\u{2}');
        client.write_all(&[5, if by_password { 2 } else { 0 }])?;
        if by_password {
            let [_, length] = take(&mut client)?;
            let user = text(&mut client, length.into())?;
            let [length] = take(&mut client)?;
            assert_eq!((user.as_str(), text(&mut client, length.into())?.as_str()), ("me", PASSWORD));
            client.write_all(&[1, 0])?;
        }
        let [_, _, _, kind] = take(&mut client)?;
        let name = match kind {
            1 => std::net::Ipv4Addr::from(take::<4>(&mut client)?).to_string(),
            3 => {
                let [length] = take(&mut client)?;
                text(&mut client, length.into())?
            }
            _ => std::net::Ipv6Addr::from(take::<16>(&mut client)?).to_string(),
        };
        take::<2>(&mut client)?;
        log.lock().unwrap().push(name);
        client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    }
    both_ways(client, TcpStream::connect(target)?)
}

#[test]
fn a_socks_proxy_is_used_and_looks_the_name_up_where_its_scheme_says_so() {
    let authority = Authority::new();
    let proxy = Proxy::of(socks, authority.issue_for(&["idp.test"]).serve(give_token));
    for (variable, scheme) in [
        ("ALL_PROXY", "socks5h"),
        ("all_proxy", "socks5h"),
        ("HTTPS_PROXY", "socks5h"),
        ("https_proxy", "socks4a"),
    ] {
        for who in ["", "me:PASSWORD@"] {
            if scheme == "socks4a" && !who.is_empty() {
                continue;
            }
            let before = proxy.asked().len();
            let mut user = user("https://idp.test/token");
            let ca = user.file("ca.pem", &authority.pem());
            user.env("MCPAUTH_CA_CERT", ca.to_str().unwrap());
            user.env(variable, format!("{scheme}://{}{}", who.replace("PASSWORD", PASSWORD), proxy.address));
            let ran = user.run(&["ingress", "-vvv"]).code(0);
            assert_eq!(proxy.asked()[before..], ["idp.test"], "{variable} {scheme}");
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(PASSWORD));
            let said = user.run(&["doctor", "--json"]).stdout;
            assert!(said.contains(&format!("is {scheme}://{}", proxy.address)), "{said}");
            assert!(!said.contains(PASSWORD), "{said}");
        }
    }
    // Looked up here, where nobody knows it.
    let mut user = user("https://idp.test/token");
    user.env("ALL_PROXY", format!("socks5://{}", proxy.address));
    let before = proxy.asked().len();
    user.run(&["ingress"]).code(5);
    assert_eq!(proxy.asked().len(), before);
}

#[test]
fn a_proxy_of_a_kind_that_cannot_be_used_is_said_by_doctor() {
    for value in [
        "socks://proxy.test:1080",
        "ftp://proxy.test:21",
        "SOCKS5H://proxy.test:1080",
        "http://",
        "  ",
        "a:b:c",
    ] {
        let mut user = user("https://idp.test/token");
        user.env("ALL_PROXY", value);
        let said = user.run(&["doctor", "--json"]).code(7).stdout;
        assert!(said.contains("which mcpauth cannot use as a proxy") && said.contains("socks5h"), "{said}");
    }
}
