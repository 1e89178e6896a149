//! What is counted and timed, under the reference's metric names and some of our own, in the Prometheus text format.
//! It leaves what happened to `record`, and keeps each worker's handles at hand so that a request looks up once.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::{Equivalent, HashMap};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Every metric.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    gateway: Family<ServerLabels, Histogram, fn() -> Histogram>,
    upstream: Family<ServerLabels, Histogram, fn() -> Histogram>,
    tools: Family<ToolLabels, Counter>,
    tool_times: Family<ToolTimeLabels, Histogram, fn() -> Histogram>,
    discoveries: Family<ServerLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    health: Family<HealthLabels, Counter>,
    keys: Family<ResultLabels, Counter>,
    reloads: Family<ResultLabels, Counter>,
    pub(super) under_way: Gauge,
    pub(super) connections: Gauge,
}

/// A worker's own handles.
#[derive(Default)]
pub(super) struct Handles(HashMap<Key, Arc<Series>>);

/// The handles of one kind of request.
pub(super) struct Series {
    requests: Counter,
    gateway: Histogram,
    upstream: Histogram,
    discoveries: Option<Counter>,
    tool: Option<(Counter, Histogram)>,
    refusal: Option<Counter>,
}

/// One kind of request, borrowed from it.
#[derive(Clone, Copy, Hash)]
pub(super) struct Kind<'a> {
    pub(super) server: &'a str,
    pub(super) method: &'a str,
    /// The tool, of an allowed `tools/call` alone: anyone can invent names.
    pub(super) tool: &'a str,
    /// Why it was refused; empty if it was not.
    pub(super) reason: &'a str,
}

#[derive(Hash, PartialEq, Eq)]
struct Key {
    server: String,
    method: String,
    tool: String,
    reason: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    success: String,
    method: String,
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServerLabels {
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ToolLabels {
    tool_name: String,
    server_name: String,
    success: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ToolTimeLabels {
    tool_name: String,
    server_name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    reason: String,
    server: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HealthLabels {
    server: String,
    healthy: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: String,
}

/// Series a worker keeps; the rest is counted under the name `other`.
const MOST: usize = 4096;

impl Default for Metrics {
    fn default() -> Self {
        let short: fn() -> Histogram = || Histogram::new(SHORT);
        let long: fn() -> Histogram = || Histogram::new(LONG);
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            gateway: Family::new_with_constructor(short),
            upstream: Family::new_with_constructor(long),
            tools: Family::default(),
            tool_times: Family::new_with_constructor(long),
            discoveries: Family::default(),
            refusals: Family::default(),
            health: Family::default(),
            keys: Family::default(),
            reloads: Family::default(),
            under_way: Gauge::default(),
            connections: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register("mcp_auth_requests", "Requests decided", metrics.requests.clone());
        registry.register_with_unit(
            "mcp_auth_request_duration",
            "Time in the gateway itself",
            Unit::Seconds,
            metrics.gateway.clone(),
        );
        registry.register_with_unit(
            "mcp_protocol_latency",
            "Time until the server began to answer",
            Unit::Seconds,
            metrics.upstream.clone(),
        );
        registry.register("mcp_tool_executions", "Tool calls", metrics.tools.clone());
        registry.register_with_unit(
            "mcp_tool_execution_duration",
            "Time until the server began to answer a tool call",
            Unit::Seconds,
            metrics.tool_times.clone(),
        );
        registry.register("mcp_tool_discovery", "tools/list requests", metrics.discoveries.clone());
        registry.register("mcp_health_checks", "Health checks of servers", metrics.health.clone());
        registry.register("mcpauth_refusals", "Requests refused, by reason", metrics.refusals.clone());
        registry.register("mcpauth_key_fetches", "Fetches of issuers' keys", metrics.keys.clone());
        registry.register("mcpauth_reloads", "Readings of changed files", metrics.reloads.clone());
        registry.register("mcpauth_requests_under_way", "Requests under way", metrics.under_way.clone());
        registry.register("mcpauth_connections", "Client connections", metrics.connections.clone());
        metrics
    }
}

/// Bounds in seconds: the gateway's own work is microseconds, a server's may be minutes.
const SHORT: [f64; 12] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1, 1.0];
const LONG: [f64; 14] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

impl Metrics {
    /// The text format (OpenMetrics 1.0).
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }

    pub(super) fn health(&self, server: &str, healthy: bool) {
        let labels = HealthLabels { server: server.into(), healthy: healthy.to_string() };
        self.health.get_or_create(&labels).inc();
    }

    pub(super) fn keys(&self, result: &str) {
        self.keys.get_or_create(&ResultLabels { result: result.into() }).inc();
    }

    pub(super) fn reload(&self, result: &str) {
        self.reloads.get_or_create(&ResultLabels { result: result.into() }).inc();
    }

    fn series(&self, kind: &Kind<'_>) -> Series {
        let server = || kind.server.to_owned();
        let success = kind.reason.is_empty();
        let labels = ServerLabels { server: server() };
        let tool = (!kind.tool.is_empty()).then(|| {
            let (tool_name, server_name) = (kind.tool.to_owned(), server());
            let times = ToolTimeLabels { tool_name: tool_name.clone(), server_name: server_name.clone() };
            let labels = ToolLabels { tool_name, server_name, success: success.to_string() };
            (self.tools.get_or_create_owned(&labels), self.tool_times.get_or_create_owned(&times))
        });
        Series {
            requests: self.requests.get_or_create_owned(&RequestLabels {
                success: success.to_string(),
                method: kind.method.to_owned(),
                server: server(),
            }),
            gateway: self.gateway.get_or_create_owned(&labels),
            upstream: self.upstream.get_or_create_owned(&labels),
            discoveries: (kind.method == "tools/list").then(|| self.discoveries.get_or_create_owned(&labels)),
            refusal: (!success).then(|| {
                let labels = RefusalLabels { reason: kind.reason.to_owned(), server: server() };
                self.refusals.get_or_create_owned(&labels)
            }),
            tool,
        }
    }
}

impl Handles {
    /// The handles for this kind of request.
    pub(super) fn of(&mut self, metrics: &Metrics, kind: &Kind<'_>) -> Arc<Series> {
        if let Some(series) = self.0.get(kind) {
            return series.clone();
        }
        if self.0.len() >= MOST {
            let other = Kind { server: "other", method: "other", tool: "", reason: kind.reason };
            return match self.0.get(&other) {
                Some(series) => series.clone(),
                None => self.keep(metrics, &other),
            };
        }
        self.keep(metrics, kind)
    }

    fn keep(&mut self, metrics: &Metrics, kind: &Kind<'_>) -> Arc<Series> {
        let series = Arc::new(metrics.series(kind));
        let key = Key {
            server: kind.server.into(),
            method: kind.method.into(),
            tool: kind.tool.into(),
            reason: kind.reason.into(),
        };
        self.0.insert(key, series.clone());
        series
    }
}

impl Series {
    /// One more, with the time in the gateway and until the server began to answer.
    pub(super) fn count(&self, gateway: Duration, upstream: Option<Duration>) {
        self.requests.inc();
        self.gateway.observe(gateway.as_secs_f64());
        if let Some(counter) = &self.discoveries {
            counter.inc();
        }
        if let Some(counter) = &self.refusal {
            counter.inc();
        }
        if let Some((counter, _)) = &self.tool {
            counter.inc();
        }
        if let Some(upstream) = upstream {
            self.upstream.observe(upstream.as_secs_f64());
            if let Some((_, times)) = &self.tool {
                times.observe(upstream.as_secs_f64());
            }
        }
    }
}

impl Equivalent<Key> for Kind<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.server == key.server
            && self.method == key.method
            && self.tool == key.tool
            && self.reason == key.reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_references_names_are_kept_and_invented_names_do_not_fill_memory() {
        let metrics = Metrics::default();
        let mut handles = Handles::default();
        let kind = Kind { server: "time", method: "tools/call", tool: "now", reason: "" };
        handles.of(&metrics, &kind).count(Duration::from_micros(20), Some(Duration::from_millis(2)));
        handles.of(&metrics, &kind).count(Duration::from_micros(20), None);
        for n in 0..2 * MOST {
            let tool = n.to_string();
            handles.of(&metrics, &Kind { tool: &tool, ..kind }).count(Duration::ZERO, None);
        }
        assert_eq!(handles.0.len(), MOST + 1);
        let text = metrics.text();
        for line in [
            "mcp_auth_requests_total{success=\"true\",method=\"other\",server=\"other\"} 4097\n",
            "mcp_tool_executions_total{tool_name=\"now\",server_name=\"time\",success=\"true\"} 2\n",
            "mcp_tool_execution_duration_seconds_count{tool_name=\"now\",server_name=\"time\"} 1\n",
            "mcp_auth_request_duration_seconds_bucket{le=\"0.000025\",server=\"time\"}",
        ] {
            assert!(text.contains(line), "{line}\n{}", text.get(..4000).unwrap_or(&text));
        }
    }
}
