//! `intelligent_tool_finder`: the tools that match what a caller wants to do. The tools that the caller may see are selected first, and
//! only those are searched. Not here: the search itself (see `crate::search`).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::arguments::Arguments;
use super::request::{OwnRequest, ToolResult};
use crate::gateway::authn::object::members;
use crate::gateway::catalogue::{KnownTool, KnownTools};
use crate::gateway::servers::route::ServerRoute;
use crate::gateway::services::{self, ServiceView};
use crate::gateway::settings::EgressMode;
use crate::gateway::state::Upstream;
use crate::policy::Listed;
use crate::registry::ListedTool;
use crate::search::Ranking;

/// How the tools were ranked.
#[derive(Clone, Copy)]
enum RankedBy {
    /// By words and by meaning.
    Meaning,
    /// By words alone.
    Words,
    /// Not at all: the query has only tags.
    Nothing,
}

/// A tool that was found.
pub(in crate::gateway) struct ToolMatch {
    pub(in crate::gateway) server: String,
    pub(in crate::gateway) tool: ListedTool,
    /// From 0 to 1; none where the query has only tags.
    pub(in crate::gateway) score: Option<f32>,
    pub(in crate::gateway) matched: Vec<String>,
}

/// The results of a page's search.
pub(in crate::gateway) struct ToolMatches {
    pub(in crate::gateway) matches: Vec<ToolMatch>,
    /// Whether there was anything to be searched.
    pub(in crate::gateway) sees_any: bool,
}

/// The longest query, in bytes.
pub(in crate::gateway) const LONGEST_QUERY: usize = 10_000;

pub(super) async fn find(asked: &OwnRequest<'_>, arguments: &Arguments<'_>) -> ToolResult {
    let query =
        arguments.text("natural_language_query").or_else(|| arguments.text("query")).unwrap_or_default();
    let tags = arguments.texts("tags");
    if query.is_empty() && tags.is_empty() {
        return Err("say what you want to do in natural_language_query, or name tags".into());
    }
    if query.len() > LONGEST_QUERY {
        return Err(format!("natural_language_query is longer than {LONGEST_QUERY} bytes"));
    }
    let most = arguments.number("top_n_tools").or_else(|| arguments.number("top_n")).unwrap_or(1);
    let tools = asked.shared.catalogue.tools();
    let visible = visible(asked.view(), &tools, &tags);
    let is_visible = |place: usize| visible.get(place) == Some(&true);
    let (matches, by) = match query {
        "" => (listed(&tools, &is_visible, most), RankedBy::Nothing),
        query => asked.ranked(&tools, query, &is_visible, most).await,
    };
    let results: Vec<Value> = matches.iter().filter_map(|found| asked.described(found)).collect();
    let mut notes = Vec::new();
    if arguments.value("top_k_services").is_some() {
        notes.push("top_k_services has no effect: all servers are searched");
    }
    if results.is_empty() {
        notes.push(why_nothing(asked, &visible, &tags));
    }
    let count = results.len();
    Ok(members(json!({
        "query": query, "results": results, "total_results": count,
        "ranking": by.name(), "notes": notes,
    })))
}

/// The best matches among the tools that a caller sees, by a query, by tags, or by both.
pub(in crate::gateway) fn find_tools(
    view: ServiceView<'_>,
    query: &str,
    tags: &[&str],
    most: usize,
) -> ToolMatches {
    let tools = view.shared.catalogue.tools();
    let visible = visible(view, &tools, tags);
    let is_visible = |place: usize| visible.get(place) == Some(&true);
    let matches = match query {
        "" => listed(&tools, &is_visible, most),
        query => best(&tools, &tools.index.rank(query, &is_visible), most),
    };
    ToolMatches { matches, sees_any: visible.contains(&true) }
}

/// The tools that the caller sees, of servers that are on and have all these tags.
fn visible(view: ServiceView<'_>, tools: &KnownTools, tags: &[&str]) -> Vec<bool> {
    let mut visible = vec![false; tools.all.len()];
    for (server, places) in tools.servers() {
        let upstream = view.state.upstreams.get(server);
        let Some(upstream) = upstream.filter(|upstream| upstream.route.server.enabled) else { continue };
        let own: Vec<String> =
            upstream.route.server.profile.tags.iter().map(|tag| tag.to_lowercase()).collect();
        if !tags.iter().all(|tag| own.contains(&tag.to_lowercase())) || !view.grants.opens(server) {
            continue;
        }
        let (all, list) = (view.lists_all(server), view.grants.view(server, Listed::Tool));
        let known = tools.all.get(places.clone()).unwrap_or_default();
        for (shown, known) in visible.get_mut(places).unwrap_or_default().iter_mut().zip(known) {
            *shown = all || list.shows(&known.tool.name);
        }
    }
    visible
}

fn listed(tools: &KnownTools, is_visible: &dyn Fn(usize) -> bool, most: usize) -> Vec<ToolMatch> {
    let shown = tools.all.iter().enumerate().filter(|(place, _)| is_visible(*place)).take(most);
    shown.map(|(_, known)| ToolMatch::new(known, None, Vec::new())).collect()
}

fn best(tools: &KnownTools, ranking: &Ranking<'_>, most: usize) -> Vec<ToolMatch> {
    let best = ranking.hits.iter().take(most);
    best.filter_map(|hit| {
        let matched = ranking.matched(hit.place).into_iter().map(str::to_owned).collect();
        Some(ToolMatch::new(tools.all.get(hit.place)?, Some(hit.score), matched))
    })
    .collect()
}

/// Why there are no results.
fn why_nothing(asked: &OwnRequest<'_>, visible: &[bool], tags: &[&str]) -> &'static str {
    match (&asked.caller.principal.servers, visible.contains(&true)) {
        (_, true) => "no tool that you may see has any of these words; try other words, in English",
        (Some(_), false) => "your token is for single servers only: only their tools can be found with it",
        (None, false) if !tags.is_empty() => "you may see no tool of a server that has all of these tags",
        (None, false) => {
            "you may see no tool of any server; debug_auth_context says what the policy gives you"
        }
    }
}

impl ToolMatch {
    fn new(known: &KnownTool, score: Option<f32>, matched: Vec<String>) -> Self {
        Self { server: known.server.clone(), tool: known.tool.clone(), score, matched }
    }
}

impl RankedBy {
    fn name(self) -> &'static str {
        match self {
            Self::Meaning => "embeddings",
            Self::Words => "lexical",
            Self::Nothing => "none",
        }
    }
}

impl OwnRequest<'_> {
    /// The best matches: by meaning too if there is a model and it answers in time.
    async fn ranked(
        &self,
        tools: &Arc<KnownTools>,
        query: &str,
        is_visible: &(dyn Fn(usize) -> bool + Sync),
        most: usize,
    ) -> (Vec<ToolMatch>, RankedBy) {
        let nearness = match &self.shared.embeddings {
            Some(embeddings) => embeddings.nearness(query, tools, is_visible).await,
            None => None,
        };
        match nearness {
            Some(nearness) => {
                let ranking = tools.index.rank_by_meaning(query, is_visible, &|place| nearness.of(place));
                (best(tools, &ranking, most), RankedBy::Meaning)
            }
            None => (best(tools, &tools.index.rank(query, is_visible), most), RankedBy::Words),
        }
    }

    fn described(&self, found: &ToolMatch) -> Option<Value> {
        let (server, tool) = (&found.server, &found.tool);
        let upstream = self.moment.state.upstreams.get(server)?;
        let about = &upstream.route.server;
        let score = found.score.map(|score| (f64::from(score) * 1000.).round() / 1000.);
        Some(json!({
            "tool_name": tool.name,
            "server": server,
            "service_path": services::path(upstream),
            "service_name": about.title,
            "tool_parsed_description": {"main": tool.description},
            "tool_schema": tool.schema,
            "score": score,
            "overall_similarity_score": score,
            "matched": found.matched,
            "may_call": self.view().may_call(server, &tool.name),
            "server_status": if upstream.healthy.load(Ordering::Relaxed) { services::status(upstream) } else { "unhealthy" },
            "supported_transports": about.transports.iter().map(|transport| transport.name()).collect::<Vec<_>>(),
            "auth_provider": about.profile.auth_provider,
            "call": self.way(upstream, &tool.name),
        }))
    }

    /// How to call it: directly, and through `call_tool` where that can reach it.
    fn way(&self, upstream: &Upstream, tool: &str) -> Value {
        let route: &ServerRoute = &upstream.route;
        let headers = match route.egress {
            EgressMode::Passthrough => ["x-authorization", "authorization"].as_slice(),
            EgressMode::Stored | EgressMode::None => ["x-authorization"].as_slice(),
        };
        let mut way = Map::from_iter([
            ("url".to_owned(), json!(format!("{}/{}/mcp", self.shared.public_url, upstream.name()))),
            ("headers".to_owned(), json!(headers)),
        ]);
        if self.shared.settings.mcpgw.call_tool && route.egress != EgressMode::Passthrough {
            way.insert("call_tool".into(), json!({"server": upstream.name(), "tool": tool}));
        }
        Value::Object(way)
    }
}
