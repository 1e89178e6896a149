//! The tools of all servers, for the search: as the registry's files list them, and as servers listed them
//! to callers, before anything was cut out for the one who asked. Kept by a thread of its own, which makes another
//! index when something changed; a search uses the current one.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use bytes::Bytes;
use hashbrown::DefaultHashBuilder;
use memchr::memmem;
use serde_json::Value;
use tokio::sync::watch;

use super::servers::route::ServerRoute;
use super::settings::EgressMode;
use crate::mcp::jsonrpc;
use crate::registry::ListedTool;
use crate::search::{Document, Index};
use crate::sys::clock;

/// The tools there are.
pub(super) struct Catalogue {
    /// The gateway's own, which no search finds: its caller has them already.
    pub(super) own: Vec<ListedTool>,
    tools: ArcSwap<KnownTools>,
    heard: SyncSender<CatalogueNews>,
    /// Told of other tools.
    changed: watch::Sender<()>,
    recent: Mutex<RecentLists>,
}

/// What servers listed lately, so that a list that everybody asks for is neither kept nor read each time.
#[derive(Default)]
struct RecentLists {
    hasher: DefaultHashBuilder,
    /// Each server's, and when they were heard, in seconds since 1970.
    by_server: HashMap<String, VecDeque<(ListFingerprint, i64)>>,
}

/// Tells one list, or page of one, from another; and whether it is all that its server has.
type ListFingerprint = (u64, bool);

/// The tools of all servers that are on, and their index. It never changes.
#[derive(Default)]
pub(super) struct KnownTools {
    /// In the order of their servers' names.
    pub(super) all: Vec<KnownTool>,
    /// Each server's.
    by_server: HashMap<String, Range<usize>>,
    pub(super) index: Index,
    /// What a model reads of each, in the same order; nothing if there is no model.
    pub(super) texts: Vec<String>,
}

/// A tool.
pub(super) struct KnownTool {
    pub(super) server: String,
    pub(super) tool: ListedTool,
    /// When its server listed it last, in seconds since 1970; never, if only the file does.
    pub(super) listed_at: Option<i64>,
}

/// What the thread is told.
enum CatalogueNews {
    /// The servers there are now.
    Servers(Vec<Arc<ServerRoute>>),
    /// A server's answer to `tools/list`.
    List { server: String, request: Bytes, answer: Bytes },
}

/// What one server listed.
#[derive(Default)]
struct ServerList {
    tools: Vec<ListedTool>,
    at: i64,
    /// Whether that was all of it.
    is_whole: bool,
}

/// Listens to the answer to one `tools/list`.
pub(super) struct ListListener {
    catalogue: Arc<Catalogue>,
    server: String,
    request: Bytes,
}

/// What is not looked at yet; more than that is not kept.
const WAITING: usize = 64;
/// For how long an identical list is not recorded again, in seconds: how exact [`KnownTool::listed_at`] is.
const SAME: i64 = 60;
/// The most lists of a server that are remembered: pages, as a rule.
const RECENT: usize = 64;
/// The most tools of a server that are remembered of its own lists.
const MAX_TOOLS: usize = 10_000;
/// The largest list that is remembered, in bytes, and in elements and members: each takes some 200 bytes as a value.
const MAX_LIST_BYTES: usize = 4 << 20;
const MAX_LIST_PARTS: usize = 1 << 17;

impl Catalogue {
    /// Of these servers' files, and of what is heard from here on; `has_model` if a model is to read of each tool. `own` are the
    /// gateway's.
    ///
    /// # Errors
    /// The system's, if no thread can be started.
    pub(super) fn start(
        servers: &[Arc<ServerRoute>],
        own: Vec<ListedTool>,
        has_model: bool,
    ) -> io::Result<Arc<Self>> {
        let (heard, hears) = sync_channel(WAITING);
        let mut keeper = CatalogueThread { servers: servers.to_vec(), seen: HashMap::new(), has_model };
        let tools = ArcSwap::from_pointee(keeper.tools());
        let (recent, changed) = (Mutex::default(), watch::Sender::new(()));
        let catalogue = Arc::new(Self { own, tools, heard, recent, changed });
        let weak = Arc::downgrade(&catalogue);
        std::thread::Builder::new().name("search".into()).spawn(move || keeper.keep(&hears, &weak))?;
        Ok(catalogue)
    }

    /// The tools there are now.
    pub(super) fn tools(&self) -> Arc<KnownTools> {
        self.tools.load_full()
    }

    /// Notified of other tools from here on.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Other servers are in force from here on.
    pub(super) fn serve(&self, servers: &[Arc<ServerRoute>]) {
        // Only a thread that is gone takes nothing; one that is busy is waited for, because nobody says it twice.
        let _ = self.heard.send(CatalogueNews::Servers(servers.to_vec()));
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).by_server.clear();
    }

    /// Listens to what a server answers to this request, if everybody would be told the same: what a server tells a caller who
    /// has a credential of their own there is between the two.
    pub(super) fn listener(self: &Arc<Self>, route: &ServerRoute, request: &Bytes) -> Option<ListListener> {
        let is_everybodys = route.egress != EgressMode::Passthrough && !route.identity_headers;
        is_everybodys.then(|| ListListener {
            catalogue: self.clone(),
            server: route.server.name.clone(),
            request: request.clone(),
        })
    }
}

impl ListListener {
    /// Takes note of a message of the server's, unless it says what was heard a moment ago, or is too large. If the thread is
    /// busy, or there is no room to keep the message, the next one will do.
    pub(super) fn hear(&self, answer: &[u8], keep: impl FnOnce() -> Option<Bytes>) {
        let mut recent = self.catalogue.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(list) = recent.fingerprint(&self.request, answer) else { return };
        let now = clock::now();
        if recent.has(&self.server, list, now) {
            return;
        }
        let Some(answer) = keep() else { return };
        let (server, request) = (self.server.clone(), self.request.clone());
        if self.catalogue.heard.try_send(CatalogueNews::List { server, request, answer }).is_ok() {
            recent.add(&self.server, list, now);
        }
    }
}

impl RecentLists {
    /// Of the tools in an answer, whatever its id; nothing if it has none, or is too large to be remembered.
    fn fingerprint(&self, request: &[u8], answer: &[u8]) -> Option<ListFingerprint> {
        if answer.len() > MAX_LIST_BYTES {
            return None;
        }
        let start = memmem::find(answer, b"\"tools\"")?;
        let end = memchr::memrchr(b']', answer)?;
        let has = |bytes, name: &[u8]| memmem::find(bytes, name).is_some();
        // Whether pages come before it, and after.
        let (follows, is_followed) = (has(request, b"\"cursor\""), has(answer, b"\"nextCursor\""));
        let hash = self.hasher.hash_one((answer.get(start..end)?, follows, is_followed));
        Some((hash, !follows && !is_followed))
    }

    fn has(&self, server: &str, list: ListFingerprint, now: i64) -> bool {
        let lists = self.by_server.get(server).into_iter().flatten();
        lists.into_iter().any(|(known, at)| *known == list && (*at..*at + SAME).contains(&now))
    }

    /// A list without pages replaces all others: what the server said before is news again.
    fn add(&mut self, server: &str, list: ListFingerprint, now: i64) {
        let lists = self.by_server.entry(server.to_owned()).or_default();
        lists.retain(|(known, _)| !list.1 && *known != list);
        if lists.len() == RECENT {
            lists.pop_front();
        }
        lists.push_back((list, now));
    }
}

impl KnownTools {
    /// A server's tools, by their places in [`KnownTools::all`].
    pub(super) fn of(&self, server: &str) -> Range<usize> {
        self.by_server.get(server).cloned().unwrap_or_default()
    }

    /// The same.
    pub(super) fn known(&self, server: &str) -> &[KnownTool] {
        self.all.get(self.of(server)).unwrap_or_default()
    }

    /// Every server that has a tool.
    pub(super) fn servers(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.by_server.iter().map(|(server, places)| (server.as_str(), places.clone()))
    }
}

/// What the thread knows.
struct CatalogueThread {
    servers: Vec<Arc<ServerRoute>>,
    /// By server.
    seen: HashMap<String, ServerList>,
    has_model: bool,
}

impl CatalogueThread {
    fn keep(&mut self, hears: &Receiver<CatalogueNews>, catalogue: &Weak<Catalogue>) {
        while let Ok(first) = hears.recv() {
            let mut changed = self.hear(first);
            while let Ok(next) = hears.try_recv() {
                changed |= self.hear(next);
            }
            let Some(catalogue) = catalogue.upgrade() else { return };
            if changed {
                catalogue.tools.store(Arc::new(self.tools()));
                catalogue.changed.send_replace(());
            }
        }
    }

    /// Takes note; whether the index is to be rebuilt.
    fn hear(&mut self, heard: CatalogueNews) -> bool {
        match heard {
            CatalogueNews::Servers(servers) => {
                self.servers = servers;
                let is_there = |name: &String| self.servers.iter().any(|route| route.server.name == *name);
                self.seen.retain(|name, _| is_there(name));
                true
            }
            CatalogueNews::List { server, request, answer } => {
                let Some((tools, is_whole)) = listed(&request, &answer) else { return false };
                let seen = self.seen.entry(server).or_default();
                let before = std::mem::take(&mut seen.tools);
                seen.at = clock::now();
                seen.is_whole |= is_whole;
                seen.tools = if is_whole { tools } else { merged(&before, tools) };
                seen.tools.truncate(MAX_TOOLS);
                seen.tools != before
            }
        }
    }

    fn tools(&self) -> KnownTools {
        let mut tools = KnownTools::default();
        let mut servers: Vec<_> = self
            .servers
            .iter()
            .filter(|route| route.server.enabled && route.server.place.is_some())
            .collect();
        servers.sort_by(|one, other| one.server.name.cmp(&other.server.name));
        let mut about = Vec::new();
        for route in servers {
            let (start, name) = (tools.all.len(), &route.server.name);
            tools.all.extend(self.of(route));
            about.resize(tools.all.len(), route);
            tools.by_server.insert(name.clone(), start..tools.all.len());
        }
        (tools.index, tools.texts) = index(&tools.all, &about, self.has_model);
        tools
    }

    /// What a server publishes counts before what its file says of it; only the file has hints.
    fn of(&self, route: &ServerRoute) -> Vec<KnownTool> {
        let server = &route.server;
        let known = |tool: ListedTool, listed_at| KnownTool { server: server.name.clone(), tool, listed_at };
        let filed = &server.profile.tools;
        let Some(seen) = self.seen.get(&server.name) else {
            return filed.iter().map(|tool| known(tool.clone(), None)).collect();
        };
        let hints = |tool: &ListedTool| {
            filed.iter().find(|filed| filed.name == tool.name).map(|filed| filed.hints.clone())
        };
        let listed = seen.tools.iter().map(|tool| {
            known(ListedTool { hints: hints(tool).unwrap_or_default(), ..tool.clone() }, Some(seen.at))
        });
        let unlisted =
            |tool: &&ListedTool| !seen.is_whole && !seen.tools.iter().any(|seen| seen.name == tool.name);
        let further = filed.iter().filter(unlisted).map(|tool| known(tool.clone(), None));
        listed.chain(further).collect()
    }
}

/// The index, and what a model reads of each tool if there is one.
fn index(tools: &[KnownTool], about: &[&Arc<ServerRoute>], has_model: bool) -> (Index, Vec<String>) {
    let lists: Vec<[Vec<String>; 4]> = tools
        .iter()
        .zip(about)
        .map(|(KnownTool { tool, .. }, route)| {
            let server = &route.server;
            let names = vec![server.name.clone(), server.title.clone()];
            let hints = [tool.hints.as_slice(), &server.profile.hints].concat();
            [parameters(&tool.schema), names, server.profile.tags.clone(), hints]
        })
        .collect();
    let borrowed: Vec<[Vec<&str>; 4]> = lists
        .iter()
        .map(|lists| lists.each_ref().map(|list| list.iter().map(String::as_str).collect()))
        .collect();
    let documents = tools.iter().zip(&borrowed).map(|(known, [parameters, server, tags, hints])| Document {
        name: &known.tool.name,
        title: &known.tool.title,
        description: &known.tool.description,
        parameters,
        server,
        tags,
        hints,
    });
    let texts = documents.clone().filter(|_| has_model).map(|document| document.text()).collect();
    (Index::build(documents), texts)
}

/// The names of a tool's arguments.
fn parameters(schema: &Value) -> Vec<String> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// The tools of an answer, and whether they are all that the server has; nothing if it is not a list, or is not for others.
fn listed(request: &[u8], answer: &[u8]) -> Option<(Vec<ListedTool>, bool)> {
    let read = |bytes| jsonrpc::parse_within(std::str::from_utf8(bytes).ok()?, MAX_LIST_PARTS).ok();
    let answer = read(answer)?;
    let result = answer.get("result")?;
    let tools = result.get("tools")?.as_array()?;
    // MCP 2026-07-28, "Caching": what may be shown to others.
    if result.get("cacheScope").is_some_and(|scope| scope == "private") {
        return None;
    }
    let asked_on = read(request).is_some_and(|request| request.pointer("/params/cursor").is_some());
    let goes_on = result.get("nextCursor").is_some_and(|cursor| !cursor.is_null());
    Some((tools.iter().filter_map(ListedTool::read).collect(), !asked_on && !goes_on))
}

/// Further tools among those that were known; of two of one name the newer.
fn merged(before: &[ListedTool], tools: Vec<ListedTool>) -> Vec<ListedTool> {
    let is_old = |old: &&ListedTool| !tools.iter().any(|tool| tool.name == old.name);
    let mut all: Vec<ListedTool> = before.iter().filter(is_old).cloned().collect();
    all.extend(tools);
    all
}

#[cfg(test)]
mod tests;
