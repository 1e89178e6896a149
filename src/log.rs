//! What the program says of its own running: the one listener to events of `tracing`, which makes each fit to be shown.
//! From [`Level::INFO`] up an event has a stable word, `event`, a sentence, and fields for programs; below, a sentence
//! alone. It leaves how a line looks and where it goes to whoever is told.

use std::fmt::Debug;

use serde_json::{Map, Value};
use tracing::dispatcher::{get_default, with_default};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use crate::text::clean;

/// A sentence is cut to this, in characters: servers and issuers have a part in it.
const LONGEST: usize = 4_000;
/// The field that names the request an event belongs to: of a span around the request, or of the event itself.
const REQUEST: &str = "request";

/// An event, cleaned.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    /// How much it matters.
    pub level: Level,
    /// The stable word; empty for a detail.
    pub what: String,
    /// The sentence, on one line, with the request it belongs to.
    pub text: String,
    /// Fields for programs, in the order they were written, those of the surrounding spans first; one without a value is
    /// null.
    pub more: Map<String, Value>,
}

/// Tells of our own events.
struct EventListener<Tell>(Tell);

/// Fields as they are read.
struct Fields(Map<String, Value>);

/// Listens to this program's own events up to `level`; libraries' are nobody's business. Nothing is listened to before
/// whoever has the result makes it the default, for a thread or for all of them.
pub fn listen(level: LevelFilter, tell: impl Fn(LoggedEvent) + Send + Sync + 'static) -> Dispatch {
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    Dispatch::new(tracing_subscriber::registry().with(ours).with(EventListener(tell)))
}

/// `work` for a thread of its own, heard by whoever listens to this one.
pub fn heard<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let listener = get_default(Dispatch::clone);
    move || with_default(&listener, work)
}

impl<S, Tell> Layer<S> for EventListener<Tell>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    Tell: Fn(LoggedEvent) + Send + Sync + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields(Map::new());
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut more = Map::new();
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            more.extend(span.extensions().get::<Fields>().into_iter().flat_map(|fields| fields.0.clone()));
        }
        more.extend(event.fields().map(|field| (field.name().to_owned(), Value::Null)));
        let mut fields = Fields(more);
        event.record(&mut fields);
        let Fields(mut more) = fields;
        let mut take = |name| match more.shift_remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (what, mut text) = (take("event"), clean(&take("message"), LONGEST));
        if let Some(request) = more.get(REQUEST).and_then(Value::as_str) {
            text.push_str(&format!(" ({REQUEST} {request})"));
        }
        (self.0)(LoggedEvent { level: *event.metadata().level(), what, text, more });
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, debug_span, info, trace, warn};

    use super::*;

    /// All that is told at `level` while `work` runs.
    fn told(level: LevelFilter, work: impl FnOnce()) -> Vec<LoggedEvent> {
        let all = Arc::new(Mutex::new(Vec::new()));
        let kept = all.clone();
        with_default(&listen(level, move |said| kept.lock().unwrap().push(said)), work);
        std::mem::take(&mut all.lock().unwrap())
    }

    #[test]
    fn an_event_has_its_word_its_sentence_and_its_fields_in_order() {
        let none: Option<&str> = None;
        let all = told(LevelFilter::INFO, || {
            warn!(event = "failed", zebra = "z", ends = none, path = %"p", "it {}", "broke");
            debug!("a detail");
        });
        let [said] = &all[..] else { panic!("{all:?}") };
        assert_eq!((said.level, said.what.as_str(), said.text.as_str()), (Level::WARN, "failed", "it broke"));
        assert_eq!(Value::from(said.more.clone()).to_string(), r#"{"zebra":"z","ends":null,"path":"p"}"#);
    }

    #[test]
    fn what_is_said_within_a_request_names_it() {
        let all = told(LevelFilter::DEBUG, || {
            debug_span!("request", request = "0a").in_scope(|| info!(event = "egress", "refused"));
            warn!(event = "upstream", request = "0b", "gone");
        });
        let texts: Vec<_> = all.iter().map(|said| said.text.as_str()).collect();
        assert_eq!(texts, ["refused (request 0a)", "gone (request 0b)"]);
        assert!(all.iter().all(|said| said.more.len() == 1), "{all:?}");
    }

    #[test]
    fn others_words_stay_on_one_line_and_simply_show() {
        let odd = "a\r\nb\t\u{1b}[31m\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}c";
        let all = told(LevelFilter::TRACE, || {
            info!(event = "health", "{odd}");
            trace!("{odd}{}", "x".repeat(2 * LONGEST));
        });
        assert_eq!(all.len(), 2);
        for said in all {
            assert!(crate::text::is_all_plain(&said.text), "{said:?}");
            assert!(said.text.chars().count() <= LONGEST);
        }
    }

    #[test]
    fn libraries_are_not_listened_to() {
        let all = told(LevelFilter::TRACE, || {
            warn!(target: "hyper::client", "connecting");
            warn!("ours");
        });
        assert_eq!(all.iter().map(|said| said.text.as_str()).collect::<Vec<_>>(), ["ours"]);
    }
}
