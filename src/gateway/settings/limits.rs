//! Limits for one request, one caller and all together, and their validation.

use std::num::NonZero;
use std::thread::available_parallelism;

use schemars::JsonSchema;
use serde::Deserialize;

use super::GatewaySettings;
use crate::problem::Problem;
use crate::quantity::{in_bytes, in_seconds};
use crate::sys::socket;

/// The smallest limit for request headers that hyper accepts, in bytes.
const LEAST_HEAD: usize = 8192;
/// Descriptors for other things than connections: listeners, files, keys, the runtimes' own, and each worker's.
const OWN: u64 = 64;
const OWN_OF_WORKER: u64 = 8;
/// The default number of connections.
const USUAL: usize = 10_000;

/// Limits. Sizes in bytes or as in `4MiB`, times in seconds or as in `5m`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// The largest request body.
    #[serde(deserialize_with = "in_bytes")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub max_request_bytes: usize,
    /// The largest list answer that is buffered for filtering, and the largest event of a stream.
    #[serde(deserialize_with = "in_bytes")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub max_response_bytes: usize,
    /// The largest request head. A sealed session id may take half of it, at most 16 KiB; no longer one is issued.
    #[serde(deserialize_with = "in_bytes")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub max_header_bytes: usize,
    /// How long a request's headers, and then its body, may take to arrive.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub read_timeout: u64,
    /// How long a connection to a server may take.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub connect_timeout: u64,
    /// How long a server may take to begin an answer.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub response_timeout: u64,
    /// How often a quiet event stream gets a comment; 0 for never.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub keep_alive_interval: u64,
    /// Requests in flight, including event streams.
    pub max_in_flight: usize,
    /// The same for one caller, not counting event streams (GET and `subscriptions/listen`); a quarter of the total
    /// if absent.
    pub max_in_flight_per_caller: Option<usize>,
    /// Event streams of one caller; a quarter of the total if absent.
    pub max_streams_per_caller: Option<usize>,
    /// Memory for buffered request bodies and list answers of all callers.
    #[serde(deserialize_with = "in_bytes")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub max_buffered_bytes: usize,
    /// The same for one caller.
    #[serde(deserialize_with = "in_bytes")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub max_buffered_bytes_per_caller: usize,
    /// Connections, never more than the limit on open files allows; 10,000 if absent.
    pub max_connections: Option<usize>,
    /// How long the gateway goes on serving after SIGTERM with `/readyz` at 503, so that load balancers notice.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub lame_duck: u64,
    /// How long requests in flight may then take.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub drain_timeout: u64,
    /// Requests per minute of one caller; 0 for no limit.
    pub requests_per_minute_per_caller: u32,
    /// Calls per minute of one tool by one caller; 0 for no limit.
    pub calls_per_minute_per_tool: u32,
    /// How many verified tokens each worker caches.
    pub token_cache_size: usize,
    /// Tokens per minute of one client address that only their issuer could tell were invalid; 0 for no limit.
    pub introspections_per_minute_per_address: u32,
    /// The same for all addresses together.
    pub introspections_per_minute: u32,
    /// How long reading the gateway's own files may take.
    #[serde(deserialize_with = "in_seconds")]
    #[schemars(extend("type" = ["integer", "string"]))]
    pub file_read_timeout: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_request_bytes: 4 << 20,
            max_response_bytes: 16 << 20,
            max_header_bytes: 64 << 10,
            read_timeout: 30,
            connect_timeout: 5,
            response_timeout: 600,
            keep_alive_interval: 15,
            max_in_flight: 10_000,
            max_in_flight_per_caller: None,
            max_streams_per_caller: None,
            max_buffered_bytes: 128 << 20,
            max_buffered_bytes_per_caller: 32 << 20,
            max_connections: None,
            lame_duck: 5,
            drain_timeout: 30,
            requests_per_minute_per_caller: 0,
            calls_per_minute_per_tool: 0,
            token_cache_size: 32_768,
            introspections_per_minute_per_address: 12,
            introspections_per_minute: 300,
            file_read_timeout: 5,
        }
    }
}

impl Limits {
    /// The invalid values.
    pub(super) fn check(&self, found: &mut Vec<Problem>) {
        let zeros = [
            ("max_request_bytes", self.max_request_bytes == 0),
            ("max_response_bytes", self.max_response_bytes == 0),
            ("read_timeout", self.read_timeout == 0),
            ("connect_timeout", self.connect_timeout == 0),
            ("response_timeout", self.response_timeout == 0),
            ("max_in_flight", self.max_in_flight == 0),
            ("max_in_flight_per_caller", self.max_in_flight_per_caller == Some(0)),
            ("max_streams_per_caller", self.max_streams_per_caller == Some(0)),
            ("max_connections", self.max_connections == Some(0)),
            ("file_read_timeout", self.file_read_timeout == 0),
        ];
        for (key, _) in zeros.iter().filter(|(_, zero)| *zero) {
            let at = format!("limits.{key}");
            found.push(Problem::error(
                at,
                "is 0, so no request would be served",
                "set 1 or more, or remove it",
            ));
        }
        if self.max_header_bytes < LEAST_HEAD {
            let what = format!("is less than {LEAST_HEAD}, too little for most tokens");
            found.push(Problem::error("limits.max_header_bytes", what, format!("set {LEAST_HEAD} or more")));
        }
        let largest = self.max_request_bytes.max(self.max_response_bytes);
        for (key, size, least, other) in [
            (
                "max_buffered_bytes_per_caller",
                self.max_buffered_bytes_per_caller,
                largest,
                "limits.max_request_bytes or limits.max_response_bytes",
            ),
            (
                "max_buffered_bytes",
                self.max_buffered_bytes,
                self.max_buffered_bytes_per_caller,
                "limits.max_buffered_bytes_per_caller",
            ),
        ] {
            if size < least {
                let what = format!("is less than {other}, so one of that size would always be refused");
                found.push(Problem::error(format!("limits.{key}"), what, format!("set {least} or more")));
            }
        }
    }
}

impl GatewaySettings {
    /// One per core; a single one where several cannot share a port.
    pub(in crate::gateway) fn worker_count(&self) -> usize {
        let cores = available_parallelism().map_or(1, NonZero::get);
        if socket::PORTS_ARE_SHARED { self.workers.unwrap_or(cores).max(1) } else { 1 }
    }

    /// Whether this process can open as many files as `limits.max_connections` needs; `descriptors` is how many
    /// it is allowed, if there is a limit.
    pub fn validate_descriptors(&self, descriptors: Option<u64>) -> Option<Problem> {
        let (wanted, allowed) = (self.limits.max_connections?, descriptors?);
        let fitting = most(Some(wanted), descriptors, self.worker_count());
        let what = format!(
            "{wanted} connections are more than fit: each may need one to a server as well, and {allowed} files may be open"
        );
        let remedy = format!(
            "raise the limit (LimitNOFILE= in systemd, ulimit -Hn in a shell), or set {fitting} or less"
        );
        (fitting < wanted).then(|| Problem::remark("limits.max_connections", what, remedy))
    }
}

/// How many connections fit into this many descriptors: each may need another one to a server.
pub(in crate::gateway) fn most(wanted: Option<usize>, descriptors: Option<u64>, workers: usize) -> usize {
    let wanted = wanted.unwrap_or(USUAL);
    let Some(descriptors) = descriptors else { return wanted };
    let own = (OWN + OWN_OF_WORKER * workers as u64).min(descriptors / 2);
    let fitting = usize::try_from((descriptors - own) / 2).unwrap_or(usize::MAX);
    wanted.min(fitting).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_servers_and_files() {
        for (wanted, descriptors, expected) in [
            (None, None, 10_000),
            (None, Some(1 << 20), 10_000),
            (None, Some(20_000), 9_960),
            (None, Some(1024), 472),
            (Some(100), Some(1024), 100),
            (Some(1024), Some(1024), 472),
            (Some(50_000), None, 50_000),
            (None, Some(64), 16),
            (None, Some(0), 1),
        ] {
            assert_eq!(most(wanted, descriptors, 2), expected, "{wanted:?} {descriptors:?}");
        }
    }
}
