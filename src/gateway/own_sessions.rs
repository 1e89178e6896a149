//! Sessions of the gateway's own MCP server (until 2025-11-25): names that the gateway makes up and seals as it seals those of
//! others, so that nobody keeps a list of them. Only those that were ended are remembered, and only for as long as there is room.
//! It leaves sealing to `session`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Sessions that were ended, the latest last.
#[derive(Default)]
pub(super) struct OwnSessions(Mutex<VecDeque<String>>);

/// How many are remembered.
const MOST: usize = 10_000;

impl OwnSessions {
    /// A name for a new session; none without random numbers.
    pub(super) fn name() -> Option<String> {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// From here on the session is none.
    pub(super) fn end(&self, name: String) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.len() >= MOST {
            ended.pop_front();
        }
        ended.push_back(name);
    }

    /// Whether a session was ended.
    pub(super) fn is_over(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|ended| ended == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ended_session_is_over_and_the_memory_of_it_has_an_end() {
        let sessions = OwnSessions::default();
        let name = OwnSessions::name().unwrap();
        assert!(name.len() == 22 && name != OwnSessions::name().unwrap() && !sessions.is_over(&name));
        sessions.end(name.clone());
        assert!(sessions.is_over(&name));
        (0..MOST).for_each(|n| sessions.end(n.to_string()));
        assert!(!sessions.is_over(&name) && sessions.is_over("0"));
    }
}
