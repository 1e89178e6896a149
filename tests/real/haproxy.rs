//! HAProxy in front of two gateways that are restarted in turn: it polls `/readyz`, and no caller notices. Not here:
//! the restarts themselves (see the gateway's own tests).

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::gateway::leaving::{Balances, rolling_restart};
use crate::support::wire::{free_port, send};

/// Longer than anything here takes on a machine that is busy with other things.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

struct Haproxy {
    child: Child,
    address: SocketAddr,
    statistics: String,
    _dir: tempfile::TempDir,
}

impl Haproxy {
    fn start(gateways: &[SocketAddr]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let [callers, statistics] = [free_port(), free_port()];
        let servers: String = (gateways.iter().enumerate())
            .map(|(n, at)| format!("  server g{n} {at} check inter 50ms fall 1 rise 1\n"))
            .collect();
        // Without retries: what is lost is seen.
        let text = format!(
            "defaults\n  mode http\n  retries 0\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
             frontend callers\n  bind 127.0.0.1:{callers}\n  default_backend gateways\n\
             backend gateways\n  balance roundrobin\n  option httpchk GET /readyz\n{servers}\
             frontend statistics\n  bind 127.0.0.1:{statistics}\n  stats enable\n  stats uri /stats\n"
        );
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, text).expect("its settings");
        let program = ["/usr/sbin/haproxy", "haproxy"];
        let start = |program: &&str| {
            let mut command = Command::new(program);
            command.arg("-db").arg("-f").arg(&file).stdin(Stdio::null()).stdout(Stdio::null());
            command.spawn().ok()
        };
        let child = program.iter().find_map(start).expect("haproxy: run tests/real/setup.sh");
        let address = SocketAddr::from(([127, 0, 0, 1], callers));
        let statistics = format!("http://127.0.0.1:{statistics}/stats;csv");
        let started = Self { child, address, statistics, _dir: dir };
        started.until("it listens", || started.of(0).is_some());
        started
    }

    /// A gateway's status, and the requests under way there.
    fn of(&self, gateway: usize) -> Option<(String, usize)> {
        let text = send("GET", &self.statistics, "").ok()?.body;
        let names: Vec<&str> = text.lines().find_map(|line| line.strip_prefix("# "))?.split(',').collect();
        let place = |name| names.iter().position(|other| *other == name);
        let row = format!("gateways,g{gateway},");
        let row: Vec<&str> = text.lines().find(|line| line.starts_with(&row))?.split(',').collect();
        Some((row.get(place("status")?)?.to_string(), row.get(place("scur")?)?.parse().ok()?))
    }

    fn until(&self, what: &str, is: impl Fn() -> bool) {
        let began = Instant::now();
        while !is() {
            assert!(
                began.elapsed() < TEST_TIMEOUT,
                "{what} does not come about: {:?} {:?}",
                self.of(0),
                self.of(1)
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Balances for Haproxy {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn has_seen(&self, gateway: usize, ready: bool) {
        let word = if ready { "UP" } else { "DOWN" };
        let is = |(status, under_way): (String, usize)| status.starts_with(word) && (ready || under_way == 0);
        self.until(word, || self.of(gateway).is_some_and(is));
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn a_rolling_restart_behind_haproxy_loses_no_request() {
    rolling_restart(Haproxy::start);
}
