//! What each page shows, as values that its template writes: worked out of the policy, the registry and the visitor's
//! rights. Not here: how they look (see `html`).

pub(super) mod changes;
mod clients;
pub(super) mod decisions;
pub(super) mod edit;
pub(super) mod explain;
pub(super) mod find;
pub(super) mod me;
mod needs;
pub(super) mod record;
pub(super) mod server;
pub(super) mod servers;
pub(super) mod tokens;

use minijinja::{Value, context};

use crate::gateway::services;
use crate::gateway::state::Upstream;
use crate::sys::clock;
use crate::text::clean;

/// How much of what is wrong with a file is shown, in characters.
const FAULT_LENGTH: usize = 200;

/// Where one is in a long list.
struct ListPage {
    first: usize,
    last: usize,
    number: usize,
    count: usize,
}

impl ListPage {
    /// The page with this number, or the last one.
    fn new(number: usize, total: usize, size: usize) -> Self {
        let count = total.div_ceil(size).max(1);
        let number = number.clamp(1, count);
        let first = (number - 1) * size;
        Self { first, last: total.min(first + size), number, count }
    }

    fn earlier(&self) -> Option<usize> {
        (self.number > 1).then(|| self.number - 1)
    }

    fn later(&self) -> Option<usize> {
        (self.number < self.count).then(|| self.number + 1)
    }

    fn part<'l, T>(&self, all: &'l [T]) -> &'l [T] {
        all.get(self.first..self.last).unwrap_or_default()
    }
}

/// A server's state in words, and the tone they are shown in.
fn state_words(upstream: &Upstream) -> Value {
    let (tone, words) = match services::status(upstream) {
        "healthy" => ("good", "Answers"),
        "disabled" => ("", "Off"),
        "unknown" => ("", "Not checked yet"),
        _ => ("bad", "Does not answer"),
    };
    context! { tone, words }
}

/// The headers of a server's file that are left out, and why, for those who may correct it.
fn faults(upstream: &Upstream, may_modify: bool) -> Vec<String> {
    let faults = upstream.route.server.faults.iter().filter(|_| may_modify);
    faults.map(|what| format!("{}; left out", clean(what, FAULT_LENGTH))).collect()
}

/// Where a server's page is.
fn server_address(name: &str) -> String {
    format!("/servers/{name}")
}

/// When a server was last checked, in words.
fn checked(upstream: &Upstream, now: i64) -> Option<String> {
    services::checked_at(upstream).map(|at| clock::relative(at, now))
}

/// `1 tool`, `3 tools`.
fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_has_pages() {
        let page = ListPage::new(3, 101, 50);
        assert_eq!((page.first, page.last, page.earlier(), page.later()), (100, 101, Some(2), None));
        assert_eq!(page.part(&(0..101).collect::<Vec<_>>()), [100]);
        let page = ListPage::new(9, 0, 50);
        assert_eq!((page.first, page.last, page.number, page.earlier(), page.later()), (0, 0, 1, None, None));
        assert_eq!((counted(1, "tool"), counted(0, "tool")), ("1 tool".into(), "0 tools".into()));
    }
}
