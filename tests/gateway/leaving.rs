//! How a gateway stops behind a load balancer: it announces that first, serves on until everyone has noticed, and
//! loses nothing. Not here: requests in flight at the end (see `streams`).
#![cfg(test)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::serve::{Served, Site};
use crate::support::lab::{self, ALLOWED, Worker, exchange, request, until};
use crate::support::upstream::Listening;
use crate::support::wire::{TEST_TIMEOUT, free_port};

/// Longer than any test: what ends it is a signal.
const LONG: &str = "limits: {lame_duck: 600}\n";

fn readiness(gateway: SocketAddr) -> Option<u16> {
    let mut stream = TcpStream::connect(gateway).ok()?;
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream.write_all(&request("GET", "/readyz", &[], b"")).ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    text.split(' ').nth(1)?.parse().ok()
}

#[test]
fn whoever_leaves_says_so_and_still_answers() {
    let worker = Worker::start();
    let lab = &worker.lab;
    let headers = [("X-Authorization", worker.bearer.as_str()), ("Connection", "keep-alive")];
    let bytes = request("POST", "/alpha/mcp", &headers, ALLOWED.as_bytes());
    let mut kept = Listening::send(lab, &bytes);
    assert!(!kept.hear("content").contains("connection: close"));
    assert_eq!(lab.readiness(), (200, "ok\n".into()));
    lab.gateway.withdraw();
    assert_eq!(lab.readiness(), (503, "not ready: stopping\n".into()));
    assert_eq!(lab.raw(&request("GET", "/healthz", &[], b"")).status, 200);
    let fresh = lab.raw(&bytes).status(200);
    assert_eq!(fresh.header("connection"), Some("close"), "it would be answered for ever otherwise");
    kept.stream.write_all(&bytes).unwrap();
    let both = kept.end();
    assert_eq!(
        (both.matches("HTTP/1.1 200").count(), both.matches("connection: close").count()),
        (2, 1),
        "{both}"
    );
    let refused = worker.to("POST", "/alpha/mcp", &[("Connection", "keep-alive")], b"{").status(400);
    assert_eq!(refused.header("connection"), Some("close"));
}

#[test]
fn after_sigterm_it_serves_until_the_time_is_over_or_a_second_signal_comes() {
    let site = Site::new(LONG);
    for second in ["TERM", "INT"] {
        let mut served = site.serve(&[]);
        served.signal("TERM");
        let said = served.running.as_mut().unwrap().line(|line| line.contains("leaving"));
        assert!(said.contains("600 s"), "{said}");
        assert_eq!(readiness(served.address), Some(503));
        for _ in 0..3 {
            let answer = site.ask(served.address, ALLOWED).status(200);
            assert_eq!(answer.header("connection"), Some("close"));
        }
        let address = served.address;
        served.end(second).code(0);
        assert!(TcpStream::connect(address).is_err(), "the port is closed");
    }
}

#[test]
fn ctrl_c_waits_for_nobody_and_no_time_is_none() {
    for (limits, signal, code) in [(LONG, "INT", 130), ("limits: {lame_duck: 0}\n", "TERM", 0)] {
        let served = Site::new(limits).serve(&[]);
        let said = served.end(signal).code(code).stderr;
        assert!(!said.contains("leaving") && said.contains("draining"), "{said}");
    }
    let said = Site::new("limits: {lame_duck: 1}\n").serve(&[]).end("TERM").code(0).stderr;
    assert!(said.contains("leaving") && said.contains("draining"), "it ends unaided: {said}");
}

#[test]
fn files_are_still_read_again_while_it_leaves() {
    let site = Site::new(LONG);
    let mut served = site.serve(&[]);
    served.signal("TERM");
    served.running.as_mut().unwrap().line(|line| line.contains("leaving"));
    site.user.file("scopes.yml", "root: []\n");
    served.signal("HUP");
    served.running.as_mut().unwrap().line(|line| line.contains("are in force"));
    site.ask(served.address, ALLOWED).status(403);
    served.end("TERM").code(0);
}

/// A load balancer that sends callers to one of several gateways by their `/readyz`.
pub(crate) trait Balances {
    /// Where callers connect.
    fn address(&self) -> SocketAddr;

    /// Waits until it has seen whether this gateway should get requests; then until none is in flight there.
    fn has_seen(&self, gateway: usize, ready: bool);
}

/// Sends each connection to one of the gateways that were ready at the last check.
struct Balancer {
    address: SocketAddr,
    backends: Arc<Vec<Backend>>,
    over: Arc<AtomicBool>,
}

struct Backend {
    address: SocketAddr,
    ready: AtomicBool,
    under_way: AtomicUsize,
}

impl Balancer {
    fn start(gateways: &[SocketAddr]) -> Self {
        let backend =
            |address| Backend { address, ready: AtomicBool::new(false), under_way: AtomicUsize::new(0) };
        let backends = Arc::new(gateways.iter().copied().map(backend).collect::<Vec<_>>());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, over) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
        for at in 0..backends.len() {
            let (backends, over) = (backends.clone(), over.clone());
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let ready = readiness(backends[at].address) == Some(200);
                    backends[at].ready.store(ready, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
        }
        let known = backends.clone();
        std::thread::spawn(move || {
            for (turn, client) in listener.incoming().flatten().enumerate() {
                let known = known.clone();
                std::thread::spawn(move || pass(client, &known, turn));
            }
        });
        Self { address, backends, over }
    }
}

impl Balances for Balancer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn has_seen(&self, gateway: usize, ready: bool) {
        let backend = &self.backends[gateway];
        until("the balancer has looked", || backend.ready.load(Ordering::SeqCst) == ready);
        if !ready {
            until("nothing is under way", || backend.under_way.load(Ordering::SeqCst) == 0);
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Passes one request on and its answer back.
fn pass(mut client: TcpStream, backends: &[Backend], turn: usize) {
    let mut head = [0; 16_384];
    let read = client.read(&mut head).unwrap_or_default();
    let chosen = (0..backends.len()).map(|n| &backends[(turn + n) % backends.len()]).find(|backend| {
        backend.under_way.fetch_add(1, Ordering::SeqCst);
        // Read after it is counted: a waiter for zero requests sees one of both.
        let ready = backend.ready.load(Ordering::SeqCst);
        if !ready {
            backend.under_way.fetch_sub(1, Ordering::SeqCst);
        }
        ready
    });
    let Some(backend) = chosen else { return };
    let answered = TcpStream::connect(backend.address).and_then(|mut gateway| {
        gateway.set_read_timeout(Some(TEST_TIMEOUT))?;
        gateway.write_all(&head[..read])?;
        std::io::copy(&mut gateway, &mut client)
    });
    backend.under_way.fetch_sub(1, Ordering::SeqCst);
    // A failure is seen by the client, who gets nothing.
    let _ = answered;
}

#[test]
fn a_rolling_restart_loses_no_request() {
    rolling_restart(Balancer::start);
}

/// Restarts two gateways in turn, twice each, while callers ask all the time: all of them are answered.
pub(crate) fn rolling_restart<B: Balances + Sync>(start: impl FnOnce(&[SocketAddr]) -> B) {
    let site = Site::new(LONG);
    let addresses = [free_port(), free_port()].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let serve = |address: SocketAddr| {
        Served::of(site.user.start(&["gateway", "serve", "--listen", &address.to_string()]))
    };
    let mut gateways: Vec<Option<Served>> = addresses.map(|address| Some(serve(address))).into();
    let balancer = start(&addresses);
    (0..2).for_each(|n| balancer.has_seen(n, true));
    let bearer = format!("Bearer {}", lab::token(&site.idp, "worker"));
    let bytes = request("POST", "/delta/mcp", &[("X-Authorization", &bearer)], ALLOWED.as_bytes());
    let (over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let address = balancer.address();
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let one = std::panic::catch_unwind(|| exchange(address, &bytes).status);
                    match one {
                        Ok(200) => drop(answered.fetch_add(1, Ordering::Relaxed)),
                        other => failures.lock().unwrap().push(format!("{other:?}")),
                    }
                }
            });
        }
        for round in 0..4 {
            let (n, before) = (round % 2, answered.load(Ordering::Relaxed));
            let served = gateways[n].take().unwrap();
            served.signal("TERM");
            balancer.has_seen(n, false);
            served.end("TERM").code(0);
            until("more requests", || answered.load(Ordering::Relaxed) > before + 5);
            gateways[n] = Some(serve(addresses[n]));
            balancer.has_seen(n, true);
        }
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(*failures.lock().unwrap(), Vec::<String>::new(), "of {}", answered.load(Ordering::Relaxed));
    assert!(answered.load(Ordering::Relaxed) >= 20);
}
