//! Connects to the first of a name's addresses that answers, without waiting for a silent one (RFC 8305). Not here: TLS
//! and the protocol.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::sys::address::is_forbidden;

/// How long an address may delay the next one (RFC 8305 section 8, "Connection Attempt Delay").
const DELAY: Duration = Duration::from_millis(250);

/// Resolves a name and connects to it.
///
/// # Errors
/// Those of [`resolve`]; if no address answers, the last one's.
pub async fn dial(name: &str, port: u16) -> io::Result<TcpStream> {
    first(in_turns(resolve(name, port).await?), TcpStream::connect).await
}

/// The addresses of a name that connections may use. Each is checked after resolution: a name that changes between a
/// check and its use would bypass the check.
///
/// # Errors
/// The system's, and [`io::ErrorKind::PermissionDenied`] if connections may use none of them.
pub async fn resolve(name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, port)).await?.collect();
    let allowed: Vec<SocketAddr> = found.iter().copied().filter(|to| !is_forbidden(to.ip())).collect();
    if allowed.is_empty() && !found.is_empty() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a link-local or metadata address"));
    }
    Ok(allowed)
}

/// The same addresses, but the first one that answers at `port` comes first. Their order stays if none answers, and if
/// there is only one of each family: every HTTP library tries two families at once.
pub async fn answering_first(mut found: Vec<SocketAddr>, port: u16) -> Vec<SocketAddr> {
    let of_six = found.iter().filter(|to| to.is_ipv6()).count();
    if of_six <= 1 && found.len() - of_six <= 1 {
        return found;
    }
    let targets = in_turns(found.iter().map(|to| SocketAddr::new(to.ip(), port)).collect());
    let answers = first(targets, async |to| TcpStream::connect(to).await.map(|_| to.ip())).await;
    if let Ok(answers) = answers {
        // Stable: the others keep their order.
        found.sort_by_key(|to| to.ip() != answers);
    }
    found
}

/// The addresses with alternating families, starting with the family of the first one (RFC 8305 section 4).
fn in_turns(found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let family = found.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut other): (Vec<_>, Vec<_>) = found.into_iter().partition(|to| to.is_ipv6() == family);
    let mut turns = Vec::with_capacity(ours.len() + other.len());
    ours.reverse();
    other.reverse();
    while !(ours.is_empty() && other.is_empty()) {
        turns.extend(ours.pop());
        turns.extend(other.pop());
    }
    turns
}

/// The first successful connection: the next address is tried when one has failed or has been silent for a moment.
async fn first<T, F>(targets: Vec<SocketAddr>, connect: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut targets = targets.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    loop {
        attempts.extend(targets.next().map(&connect));
        let more = targets.len() > 0;
        tokio::select! {
            biased;
            done = attempts.next() => match done {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(DELAY), if more => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    fn to(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn families_take_turns() {
        let all = ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1", "2.2.2.2:1"].map(to);
        let expected = ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1", "[::3]:1"].map(to);
        assert_eq!(in_turns(all.to_vec()), expected);
        let all = ["1.1.1.1:1", "[::1]:1", "2.2.2.2:1"].map(to);
        assert_eq!(in_turns(all.to_vec()), all);
        assert_eq!(in_turns(Vec::new()), []);
    }

    /// Black holes (`b`), closed ports (`c`) and servers (`s`): which answers, and after how many delays.
    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_an_address_that_says_nothing() {
        for (doors, expected, delays) in [
            ("s", Some(0), 0),
            ("bs", Some(1), 1),
            ("bbbs", Some(3), 3),
            ("cs", Some(1), 0),
            ("cccs", Some(3), 0),
            ("bcs", Some(2), 1),
            ("cbs", Some(2), 1),
            ("ccc", None, 0),
        ] {
            let targets = (0..).zip(doors.chars()).map(|(at, _)| SocketAddr::from(([10, 0, 0, at], 1)));
            let (tried, began) = (Mutex::new(0), Instant::now());
            let connected = first(targets.collect(), |target| {
                *tried.lock().unwrap() += 1;
                let at = target.ip().to_string().rsplit('.').next().unwrap().parse::<usize>().unwrap();
                let door = doors.as_bytes()[at];
                async move {
                    match door {
                        b'b' => pending().await,
                        b's' => ready(Ok(at)).await,
                        _ => Err(io::ErrorKind::ConnectionRefused.into()),
                    }
                }
            });
            assert_eq!(connected.await.ok(), expected, "{doors}");
            assert_eq!(began.elapsed(), DELAY * delays, "{doors}");
            assert_eq!(*tried.lock().unwrap(), expected.map_or(doors.len(), |at| at + 1), "{doors}");
        }
    }

    #[tokio::test]
    async fn no_address_is_no_connection() {
        let none = first(Vec::new(), |_| ready(Ok(()))).await;
        assert_eq!(none.unwrap_err().kind(), io::ErrorKind::NotFound);
        let forbidden = dial("169.254.169.254", 80).await;
        assert_eq!(forbidden.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
