//! Search by meaning: a model behind an endpoint turns each tool's text, and each question, into a vector; the nearer two
//! are, the more alike they are. The tools' vectors are computed in the background and stored in a file; a query costs one call.
//! Not here: the call (see `endpoint`); the file (see `vectors`); ranking (see `crate::search`).

mod endpoint;
mod vectors;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use self::endpoint::{EmbeddingEndpoint, EmbeddingError};
use self::vectors::{TextHash, UnitVector, Vectors};
use super::catalogue::{Catalogue, KnownTools};
use super::settings::Embeddings;
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::sys::private_file::FileError;

/// The model, and what it has said of the tools.
pub(super) struct EmbeddingSearch {
    endpoint: EmbeddingEndpoint,
    model: String,
    /// How long a question waits.
    patience: Duration,
    file: PathBuf,
    ready: ArcSwapOption<EmbeddedTools>,
    /// A question's vector had another size than the tools': under this name there is another model now.
    resized: Notify,
}

/// The tools, and the vector of each that has one.
struct EmbeddedTools {
    tools: Arc<KnownTools>,
    vectors: Vec<Option<UnitVector>>,
}

/// How near a question is to every tool.
pub(super) struct Nearness {
    question: UnitVector,
    ready: Arc<EmbeddedTools>,
}

/// How many texts are sent at once.
const BATCH: usize = 32;
/// How long the endpoint may take for them.
const BATCH_TIMEOUT: Duration = Duration::from_secs(120);
/// How long to wait after a failure: the first time, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

impl EmbeddingSearch {
    /// By these settings; `None` if the address cannot be parsed, which the settings' validation reports.
    pub(super) fn new(settings: &Embeddings, key: Option<Secret>, http: Http) -> Option<Self> {
        Some(Self {
            endpoint: EmbeddingEndpoint::new(settings, key, http)?,
            model: settings.model.clone(),
            patience: settings.timeout,
            file: settings.vectors.clone(),
            ready: ArcSwapOption::empty(),
            resized: Notify::new(),
        })
    }

    /// How near a question is to each of these tools; `None` if a visible one has no vector yet, or the endpoint does not
    /// answer in time.
    pub(super) async fn nearness(
        &self,
        question: &str,
        tools: &Arc<KnownTools>,
        is_visible: &(dyn Fn(usize) -> bool + Sync),
    ) -> Option<Nearness> {
        let ready = self.ready.load_full().filter(|ready| Arc::ptr_eq(&ready.tools, tools))?;
        let size = ready.size(is_visible)?;
        let answer = self.endpoint.vectors_within(self.patience, &[question]).await;
        // Each question would say it: the background says it once.
        let answer = answer.inspect_err(|error| debug!(event = "search", "{error}"));
        let question = answer.ok()?.pop()?;
        if question.len() != size {
            self.resized.notify_one();
            return None;
        }
        Some(Nearness { question, ready })
    }

    /// Makes the vectors of the tools there are, and of those that come, until the process ends.
    pub(super) async fn keep(&self, catalogue: &Catalogue) {
        let mut changes = catalogue.changes();
        let mut known = self.read().await;
        let (mut pause, mut said) = (FIRST_PAUSE, None);
        loop {
            let tools = catalogue.tools();
            match self.complete(&tools, &mut known).await {
                Ok(made) => {
                    if made > 0 || said.take().is_some() {
                        info!(
                            event = "search",
                            "vectors of {} tools are ready, {made} of them new",
                            tools.all.len()
                        );
                    }
                    pause = FIRST_PAUSE;
                    tokio::select! {
                        changed = changes.changed() => if changed.is_err() { return },
                        () = self.resized.notified() => {
                            known = Vectors::default();
                            // An endpoint with two models is not asked without end.
                            sleep(FIRST_PAUSE).await;
                        }
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    if said.as_ref() != Some(&error) {
                        warn!(event = "search", "{error}; tools are found only by words");
                        said = Some(error);
                    }
                    let _ = timeout(pause, changes.changed()).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Makes the vectors that are missing, and keeps them; how many there were.
    async fn complete(&self, tools: &Arc<KnownTools>, known: &mut Vectors) -> Result<usize, EmbeddingError> {
        let hashes: Vec<TextHash> = tools.texts.iter().map(|text| TextHash::of(&self.model, text)).collect();
        self.publish(tools, &hashes, known);
        let missing = known.missing(&hashes, &tools.texts);
        let mut made = 0;
        let outcome = loop {
            let batch: Vec<&(TextHash, &str)> = missing.iter().skip(made).take(BATCH).collect();
            if batch.is_empty() {
                break Ok(made);
            }
            let texts: Vec<&str> = batch.iter().map(|(_, text)| *text).collect();
            match self.endpoint.vectors_within(BATCH_TIMEOUT, &texts).await {
                Ok(vectors) => {
                    known.add(batch.iter().map(|(hash, _)| *hash).zip(vectors));
                    let mut sizes =
                        hashes.iter().filter_map(|hash| known.get(hash)).map(|vector| vector.len());
                    let size = sizes.next();
                    if sizes.any(|other| Some(other) != size) {
                        *known = Vectors::default();
                        break Err(self.endpoint.resized());
                    }
                }
                Err(error) => break Err(error),
            }
            made += batch.len();
            self.publish(tools, &hashes, known);
        };
        if made > 0 {
            self.write(known, &hashes).await;
        }
        outcome
    }

    fn publish(&self, tools: &Arc<KnownTools>, hashes: &[TextHash], known: &Vectors) {
        let vectors = hashes.iter().map(|hash| known.get(hash)).collect();
        self.ready.store(Some(Arc::new(EmbeddedTools { tools: tools.clone(), vectors })));
    }

    /// What the file has; without one, or one that cannot be read, everything is made again.
    async fn read(&self) -> Vectors {
        let read = self.with_file(Vectors::read).await;
        read.unwrap_or_else(|error| {
            warn!(event = "search", "{error}; {}", error.hint());
            Vectors::default()
        })
    }

    async fn write(&self, known: &mut Vectors, used: &[TextHash]) {
        let text = known.written(used);
        let written = self.with_file(move |path| crate::sys::private_file::write(path, &text)).await;
        if let Err(error) = written {
            warn!(event = "search", "{error}; {}", error.hint());
        }
    }

    /// Uses the file on a thread that may wait for it.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, FileError> {
        let path = self.file.clone();
        let done = tokio::task::spawn_blocking(move || work(&path)).await;
        done.unwrap_or_else(|error| {
            Err(FileError::Io { path: self.file.clone(), source: std::io::Error::other(error) })
        })
    }
}

impl EmbeddedTools {
    /// How long the vectors of the visible tools are; `None` if one has none, or another length.
    fn size(&self, is_visible: &dyn Fn(usize) -> bool) -> Option<usize> {
        let mut visible = self.vectors.iter().enumerate().filter(|(place, _)| is_visible(*place));
        let size = visible.next()?.1.as_ref()?.len();
        visible.all(|(_, vector)| vector.as_ref().is_some_and(|vector| vector.len() == size)).then_some(size)
    }
}

impl Nearness {
    /// The cosine of the angle between the question and the tool at this place.
    pub(super) fn of(&self, place: usize) -> f32 {
        let vector = self.ready.vectors.get(place).and_then(Option::as_ref);
        vector.map_or(0., |vector| vector.cosine(&self.question))
    }
}
