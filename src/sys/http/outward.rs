//! Resolves names for the HTTP library: only to addresses that connections may use, beginning with the one that answers.
//! The library itself waits for a silent address for seconds before it tries the next of the same family.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::task_local;
use url::Url;

use crate::sys::address::is_loopback;
use crate::sys::dial::{answering_first, resolve};
use crate::sys::env;

/// The variables with a proxy that the HTTP library reads, in both of their cases.
pub const PROXIES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];

/// The proxy that a request to this address goes through, without its credentials. Loopback addresses never use one.
pub fn proxy_for(url: &Url) -> Option<String> {
    let address = url.as_str().parse().ok().filter(|_| !is_loopback(url))?;
    let found = Matcher::from_system().intercept(&address)?;
    let proxy = found.uri();
    let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{}://{}{port}", proxy.scheme_str()?, proxy.host()?))
}

task_local! {
    /// The host and the port that a request is for: the library tells its resolver no port.
    static TARGET: (String, u16);
}

/// The HTTP library's resolver.
pub(super) struct Outward;

impl Resolve for Outward {
    fn resolve(&self, name: Name) -> Resolving {
        let of = name.as_str().to_owned();
        beginning_with_who_answers(name, async move { resolve(&of, 0).await })
    }
}

fn beginning_with_who_answers(
    name: Name,
    found: impl Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
) -> Resolving {
    // A proxy's name is not the request's.
    let port = TARGET.try_with(|(host, port)| (host == name.as_str()).then_some(*port)).ok().flatten();
    Box::pin(async move {
        let mut found = found.await?;
        if let Some(port) = port {
            found = answering_first(found, port).await;
        }
        Ok(Box::new(found.into_iter()) as Addrs)
    })
}

/// Does `work`, a request to `url` that may connect.
pub(super) async fn connecting<T>(url: &Url, work: impl Future<Output = T>) -> T {
    let host = url.host_str().filter(|_| !behind_socks()).unwrap_or_default().to_owned();
    TARGET.scope((host, url.port_or_known_default().unwrap_or(0)), work).await
}

/// Whether a SOCKS proxy is set: it may be given addresses that were resolved here, and only it may connect to them.
fn behind_socks() -> bool {
    let is_socks = |name: &str| env::get(name).is_some_and(|proxy| proxy.starts_with("socks"));
    PROXIES.iter().any(|name| is_socks(name) || is_socks(&name.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A port that lets nobody in, while these are open: its queue is full of connections that nobody accepts.
    fn black_hole(at: SocketAddr) -> Vec<Socket> {
        let stream = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let hole = stream();
        hole.bind(&at.into()).unwrap();
        hole.listen(0).unwrap();
        let waiting = (0..3).map(|_| {
            let waiting = stream();
            waiting.set_nonblocking(true).unwrap();
            drop(waiting.connect(&at.into()));
            waiting
        });
        waiting.chain([hole]).collect()
    }

    /// What a name resolves to.
    struct Fixed(Vec<SocketAddr>);

    impl Resolve for Fixed {
        fn resolve(&self, name: Name) -> Resolving {
            beginning_with_who_answers(name, std::future::ready(Ok(self.0.clone())))
        }
    }

    /// A server at 127.0.0.1 that answers `count` requests, each on a connection of its own that says something.
    fn serve(count: usize) -> (u16, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = move |mut stream: TcpStream| {
            let spoken = stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0);
            spoken && stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").is_ok()
        };
        let work = move || {
            let mut answered = 0;
            while answered < count {
                answered += usize::from(answer(listener.accept().unwrap().0));
            }
        };
        (port, std::thread::spawn(work))
    }

    #[tokio::test]
    async fn nobody_waits_for_a_silent_address_of_the_same_family() {
        let names: [&[&str]; 4] = [
            &["127.0.0.2", "127.0.0.1"],
            &["127.0.0.3", "127.0.0.2", "127.0.0.1"],
            &["127.0.0.2", "::1", "127.0.0.1"],
            &["127.0.0.1", "127.0.0.2"],
        ];
        let (port, server) = serve(names.len());
        let _holes =
            ["127.0.0.2", "127.0.0.3"].map(|ip| black_hole(SocketAddr::new(ip.parse().unwrap(), port)));
        let url = Url::parse(&format!("http://many.localhost:{port}/")).unwrap();
        for name in names {
            let found = name.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), 0)).collect();
            // Less than what the library gives the first of three addresses.
            let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).dns_resolver(Fixed(found));
            let client = client.connect_timeout(Duration::from_secs(30)).build().unwrap();
            let sent = client.get(url.clone()).timeout(Duration::from_secs(9)).send();
            assert_eq!(connecting(&url, sent).await.unwrap().status(), 204, "{name:?}");
        }
        server.join().unwrap();
    }
}
