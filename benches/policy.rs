//! Compares the cost of a decision in a policy of 1,000 servers with 50 tools each with that in a policy of 10
//! servers: it should be the same. Run it with `cargo bench --bench policy`, and compare.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use mcpauth::policy::{Call, Grants, Listed, Policy, Principal, decide};

const TOOLS: usize = 50;
const ROUNDS: usize = 9;
const CALLS: usize = 200_000;

fn main() {
    let (few, many) = (grants(10), grants(1_000));
    for (what, step) in [("allowed call", allowed as Step), ("refused call", refused), ("shown tool", shown)]
    {
        // Alternating, so that other load affects both equally; the best round is the least disturbed one.
        let mut best = [Duration::MAX; 2];
        for _ in 0..ROUNDS {
            for (best, (grants, servers)) in best.iter_mut().zip([(&few, 10), (&many, 1_000)]) {
                *best = (*best).min(time(grants, servers, step));
            }
        }
        let [few, many] = best.map(|all| all.as_secs_f64() * 1e9 / CALLS as f64);
        println!(
            "{what:<13} 10 servers {few:6.1} ns   1,000 servers {many:6.1} ns   ratio {:.2}",
            many / few
        );
    }
}

type Step = fn(&Grants, &str, &str) -> bool;

fn allowed(grants: &Grants, server: &str, tool: &str) -> bool {
    decide(grants, server, &Call::Message { method: "tools/call", name: Some(tool) }).is_ok()
}

fn refused(grants: &Grants, server: &str, _: &str) -> bool {
    decide(grants, server, &Call::Message { method: "tools/call", name: Some("delete_all") }).is_err()
}

fn shown(grants: &Grants, server: &str, tool: &str) -> bool {
    grants.shows(server, Listed::Tool, tool)
}

/// One pass over the same ten servers, so that both policies get the same questions and neither leaves the cache.
fn time(grants: &Grants, servers: usize, step: Step) -> Duration {
    let name = |n: usize| (format!("server{}", n * (servers / 10)), format!("tool{}", n * 7 % TOOLS));
    let asked: Vec<_> = (0..10).map(name).collect();
    let start = Instant::now();
    for (server, tool) in asked.iter().cycle().take(CALLS) {
        assert!(step(black_box(grants), black_box(server), black_box(tool)));
    }
    start.elapsed()
}

/// The grants of a caller with two scopes, each about every server.
fn grants(servers: usize) -> Grants {
    let tools: Vec<String> = (0..TOOLS).map(|n| format!("tool{n}")).collect();
    let entries = |methods: &str| {
        let entry =
            |n| format!("- {{server: server{n}, methods: {methods}, tools: [{}]}}\n", tools.join(", "));
        (0..servers).map(entry).collect::<String>()
    };
    let (read, execute) = (entries("[tools/list]"), entries("[tools/list, tools/call]"));
    let policy = match Policy::parse(&format!("read:\n{read}execute:\n{execute}")) {
        Ok(policy) => policy,
        Err(error) => {
            println!("{error}");
            std::process::abort()
        }
    };
    let scopes = vec!["read".to_owned(), "execute".to_owned()];
    policy.grants(&Principal { scopes, ..Principal::default() })
}
