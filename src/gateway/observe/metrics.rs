//! Counters and timings, under the registry's metric names and some of our own, in the Prometheus text format. Each
//! worker counts for itself, and a scrape adds them up: no request writes memory that another core reads. Not here:
//! the events (see `request_log`).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hashbrown::{Equivalent, HashMap};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{self, DescriptorEncoder, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::audit_buffer::AuditCapacity;
use crate::text;

/// Every metric.
pub(crate) struct Metrics {
    registry: Registry,
    requests: RequestMetrics,
    health: Family<[(&'static str, String); 2], Counter>,
    keys: Family<[(&'static str, String); 1], Counter>,
    reloads: Family<[(&'static str, String); 1], Counter>,
    pub(crate) under_way: Gauge,
    pub(crate) connections: Gauge,
}

/// One worker's count of its requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkerMetrics(Arc<Mutex<HashMap<SeriesKey, Series>>>);

/// One kind of request, borrowed from it.
#[derive(Clone, Copy, Hash)]
pub(crate) struct RequestKind<'a> {
    pub(crate) server: &'a str,
    pub(crate) method: &'a str,
    /// The tool, only of an allowed `tools/call`: anyone can invent names.
    pub(crate) tool: &'a str,
    /// Why it was refused; empty if it was allowed.
    pub(crate) reason: &'a str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord)]
struct SeriesKey {
    server: String,
    method: String,
    tool: String,
    reason: String,
}

#[derive(Clone, Debug, Default)]
struct Series {
    requests: u64,
    gateway: Histogram<12>,
    upstream: Histogram<14>,
}

/// A histogram: how many values are under each bound and above the previous one.
#[derive(Clone, Debug)]
struct Histogram<const N: usize> {
    under: [u64; N],
    over: u64,
    sum: f64,
}

/// The workers' counts, added up for a scrape.
#[derive(Clone, Debug, Default)]
struct RequestMetrics(Arc<Mutex<Vec<WorkerMetrics>>>);

/// The labels of a series under a metric's name; `None` if it does not count there.
type Labelled = fn(&SeriesKey) -> Option<Labels<'_>>;
/// There are no exemplars.
type NoLabels = Labels<'static>;
/// Label names and values, in order.
type Labels<'l> = Vec<(&'static str, &'l str)>;

/// How many series a worker keeps; the rest is counted under the name `other`.
const MAX_SERIES: usize = 4096;
/// Bounds in seconds: the gateway's own work takes microseconds, a server's may take minutes.
const SHORT: [f64; 12] =
    [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1, 1.0];
const LONG: [f64; 14] =
    [0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: RequestMetrics::default(),
            health: Family::default(),
            keys: Family::default(),
            reloads: Family::default(),
            under_way: Gauge::default(),
            connections: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        registry.register_collector(Box::new(metrics.requests.clone()));
        registry.register("mcp_health_checks", "Health checks of servers", metrics.health.clone());
        registry.register("mcpauth_key_fetches", "Fetches of issuers' keys", metrics.keys.clone());
        registry.register("mcpauth_reloads", "Reloads of changed files", metrics.reloads.clone());
        registry.register("mcpauth_requests_under_way", "Requests under way", metrics.under_way.clone());
        registry.register("mcpauth_connections", "Client connections", metrics.connections.clone());
        metrics
    }
}

impl Metrics {
    /// All metrics, including the audit's.
    pub(crate) fn with(audit: &AuditCapacity) -> Self {
        let mut metrics = Self::default();
        let rows = [
            ("mcpauth_audit_failures", "Failed writes of the audit", &audit.failures),
            ("mcpauth_audit_lines_lost", "Decisions missing from the audit", &audit.lost),
        ];
        for (name, help, counter) in rows {
            metrics.registry.register(name, help, counter.clone());
        }
        metrics
    }

    /// A worker's own count.
    pub(crate) fn tally(&self) -> WorkerMetrics {
        let tally = WorkerMetrics::default();
        self.requests.lock().push(tally.clone());
        tally
    }

    /// The text format (OpenMetrics 1.0).
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = encoding::text::encode(&mut out, &self.registry);
        out
    }

    pub(crate) fn health(&self, server: &str, healthy: bool) {
        self.health.get_or_create(&[("server", server.into()), ("healthy", healthy.to_string())]).inc();
    }

    pub(crate) fn keys(&self, result: &str) {
        self.keys.get_or_create(&[("result", result.into())]).inc();
    }

    pub(crate) fn reload(&self, result: &str) {
        self.reloads.get_or_create(&[("result", result.into())]).inc();
    }
}

impl WorkerMetrics {
    /// Counts a request, with the time in the gateway and until the server began to answer.
    pub(crate) fn count(&self, kind: &RequestKind<'_>, gateway: Duration, upstream: Option<Duration>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = all.get_mut(kind) {
            return series.add(gateway, upstream);
        }
        let other = RequestKind { server: "other", method: "other", tool: "", reason: kind.reason };
        let kind = if all.len() < MAX_SERIES { kind } else { &other };
        all.entry(kind.into()).or_default().add(gateway, upstream);
    }
}

impl Series {
    fn add(&mut self, gateway: Duration, upstream: Option<Duration>) {
        self.requests += 1;
        self.gateway.add(gateway, &SHORT);
        if let Some(upstream) = upstream {
            self.upstream.add(upstream, &LONG);
        }
    }
}

impl<const N: usize> Histogram<N> {
    fn add(&mut self, time: Duration, bounds: &[f64; N]) {
        let seconds = time.as_secs_f64();
        let place = bounds.partition_point(|bound| *bound < seconds);
        *self.under.get_mut(place).unwrap_or(&mut self.over) += 1;
        self.sum += seconds;
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.under.iter_mut().zip(other.under) {
            *mine += theirs;
        }
        self.over += other.over;
        self.sum += other.sum;
    }

    fn encode(&self, bounds: &[f64; N], mut to: MetricEncoder<'_>) -> fmt::Result {
        let last = std::iter::once((f64::INFINITY, self.over));
        let buckets: Vec<(f64, u64)> = bounds.iter().copied().zip(self.under).chain(last).collect();
        let count = self.under.iter().sum::<u64>() + self.over;
        to.encode_histogram::<NoLabels>(self.sum, count, &buckets, None)
    }
}

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self { under: [0; N], over: 0, sum: 0.0 }
    }
}

impl RequestMetrics {
    fn lock(&self) -> MutexGuard<'_, Vec<WorkerMetrics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn merged(&self) -> BTreeMap<SeriesKey, Series> {
        let mut merged = BTreeMap::<SeriesKey, Series>::new();
        for tally in self.lock().iter() {
            for (key, series) in tally.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let sum = merged.entry(key.clone()).or_default();
                sum.requests += series.requests;
                sum.gateway.merge(&series.gateway);
                sum.upstream.merge(&series.upstream);
            }
        }
        merged
    }
}

impl Collector for RequestMetrics {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.merged();
        let counters: [(&str, &str, Labelled); 4] = [
            ("mcp_auth_requests", "Requests decided", |key| {
                let success = if key.reason.is_empty() { "true" } else { "false" };
                Some(vec![("success", success), ("method", &key.method), ("server", &key.server)])
            }),
            ("mcp_tool_executions", "Tool calls", tool),
            ("mcp_tool_discovery", "tools/list requests", |key| {
                (key.method == "tools/list").then(|| vec![("server_name", key.server.as_str())])
            }),
            ("mcpauth_refusals", "Requests refused, by reason", |key| {
                let labels = || vec![("reason", key.reason.as_str()), ("server", &key.server)];
                (!key.reason.is_empty()).then(labels)
            }),
        ];
        for (name, help, labels) in counters {
            let mut family = to.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (labels, count) in grouped(&all, labels, |sum: &mut u64, series| *sum += series.requests) {
                family.encode_family(&labels)?.encode_counter::<NoLabels, _, u64>(&count, None)?;
            }
        }
        let seconds = Some(&Unit::Seconds);
        let histogram = MetricType::Histogram;
        let name = "mcp_auth_request_duration";
        let mut family = to.encode_descriptor(name, "Time in the gateway itself", seconds, histogram)?;
        for (labels, times) in
            grouped(&all, server, |sum: &mut Histogram<12>, series| sum.merge(&series.gateway))
        {
            times.encode(&SHORT, family.encode_family(&labels)?)?;
        }
        let upstream = |sum: &mut Histogram<14>, series: &Series| sum.merge(&series.upstream);
        let histograms: [(&str, &str, Labelled); 2] = [
            ("mcp_protocol_latency", "Time until the server began to answer", server),
            ("mcp_tool_execution_duration", "Time until the server began to answer a tool call", tool),
        ];
        for (name, help, labels) in histograms {
            let mut family = to.encode_descriptor(name, help, seconds, MetricType::Histogram)?;
            for (labels, times) in grouped(&all, labels, upstream) {
                times.encode(&LONG, family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn server(key: &SeriesKey) -> Option<Labels<'_>> {
    (!key.server.is_empty()).then(|| vec![("server", key.server.as_str())])
}

fn tool(key: &SeriesKey) -> Option<Labels<'_>> {
    let labels = || vec![("tool_name", key.tool.as_str()), ("server_name", &key.server), ("success", "true")];
    (!key.tool.is_empty()).then(labels)
}

/// The sums of all series with the same labels; a series without labels does not count.
fn grouped<'a, T: Default>(
    all: &'a BTreeMap<SeriesKey, Series>,
    labels: impl Fn(&'a SeriesKey) -> Option<Labels<'a>>,
    add: impl Fn(&mut T, &Series),
) -> BTreeMap<Labels<'a>, T> {
    let mut sums = BTreeMap::new();
    for (key, series) in all {
        if let Some(labels) = labels(key) {
            add(sums.entry(labels).or_default(), series);
        }
    }
    sums
}

impl Equivalent<SeriesKey> for RequestKind<'_> {
    fn equivalent(&self, key: &SeriesKey) -> bool {
        self.server == key.server
            && self.method == key.method
            && self.tool == key.tool
            && self.reason == key.reason
    }
}

impl From<&RequestKind<'_>> for SeriesKey {
    /// If everything is allowed, names can be anything: characters that are not printable do not get into a label.
    fn from(kind: &RequestKind<'_>) -> Self {
        let label = |name: &str| text::clean(name, usize::MAX);
        Self {
            server: label(kind.server),
            method: label(kind.method),
            tool: label(kind.tool),
            reason: kind.reason.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: RequestKind<'_> =
        RequestKind { server: "time", method: "tools/call", tool: "now", reason: "" };

    #[test]
    fn workers_are_added_up_under_the_references_names() {
        let metrics = Metrics::default();
        let (one, two) = (metrics.tally(), metrics.tally());
        one.count(&CALL, Duration::from_micros(20), Some(Duration::from_millis(2)));
        two.count(&CALL, Duration::from_micros(30), None);
        two.count(
            &RequestKind { tool: "", reason: "name_not_allowed", ..CALL },
            Duration::from_secs(9),
            None,
        );
        let text = metrics.text();
        for line in [
            "mcp_auth_requests_total{success=\"true\",method=\"tools/call\",server=\"time\"} 2\n",
            "mcp_auth_requests_total{success=\"false\",method=\"tools/call\",server=\"time\"} 1\n",
            "mcp_tool_executions_total{tool_name=\"now\",server_name=\"time\",success=\"true\"} 2\n",
            "mcp_auth_request_duration_seconds_bucket{le=\"0.000025\",server=\"time\"} 1\n",
            "mcp_auth_request_duration_seconds_bucket{le=\"+Inf\",server=\"time\"} 3\n",
            "mcp_protocol_latency_seconds_count{server=\"time\"} 1\n",
            "mcpauth_refusals_total{reason=\"name_not_allowed\",server=\"time\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn invented_names_do_not_fill_memory() {
        let metrics = Metrics::default();
        let tally = metrics.tally();
        for n in 0..2 * MAX_SERIES {
            tally.count(&RequestKind { tool: &n.to_string(), ..CALL }, Duration::ZERO, None);
        }
        assert_eq!(metrics.requests.merged().len(), MAX_SERIES + 1);
        assert!(metrics.text().contains("method=\"other\",server=\"other\"} 4096\n"));
    }
}
