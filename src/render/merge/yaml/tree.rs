//! The nodes of a YAML document with the positions that the parser reports. Not here: their meaning (see
//! `yaml::read`); using the positions (see `yaml`).

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, StructureStyle};

use crate::render::merge::{MergeError, lines};

/// A value or a key.
pub(super) struct Node {
    /// From its first character on, which indentation, a dash or a tag may precede. Its end is that of its last part;
    /// for an empty node both are where it was noticed.
    pub(super) range: Range<usize>,
    /// Its indentation.
    pub(super) column: usize,
    /// Whether it has an anchor or a tag, or is an alias: then it is more than it seems.
    pub(super) is_marked: bool,
    pub(super) kind: NodeKind,
}

/// What a node is.
pub(super) enum NodeKind {
    Scalar(String),
    /// Block style.
    Map(Vec<(Node, Node)>),
    /// Block style with dashes.
    List(Vec<Node>),
    /// Flow style, in braces or brackets.
    Flow,
}

impl Node {
    /// The pairs of a block style map.
    pub(super) fn pairs(&self) -> Option<&[(Self, Self)]> {
        match &self.kind {
            NodeKind::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// A scalar's text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is empty.
    pub(super) fn is_nothing(&self) -> bool {
        self.range.is_empty() && !self.is_marked && matches!(self.kind, NodeKind::Scalar(_))
    }

    /// Whether neither it nor anything in it is marked.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_marked
            && match &self.kind {
                NodeKind::Map(pairs) => pairs.iter().all(|(key, value)| key.is_plain() && value.is_plain()),
                NodeKind::List(items) => items.iter().all(Self::is_plain),
                NodeKind::Scalar(_) | NodeKind::Flow => true,
            }
    }
}

/// The root of the text's only document; `None` for a text with comments alone.
///
/// # Errors
/// [`MergeError::Foreign`]: the caller has parsed the text before.
pub(super) fn parse(text: &str) -> Result<Option<Node>, MergeError> {
    let mut reader = TreeReader { text, parser: Parser::new_from_str(text) };
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(None),
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (event, span) => return reader.node(&event, &span).map(Some),
        }
    }
}

struct TreeReader<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> TreeReader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), MergeError> {
        self.parser.next_event().and_then(Result::ok).ok_or(MergeError::Foreign)
    }

    fn node(&mut self, event: &Event<'_>, span: &Span) -> Result<Node, MergeError> {
        let mut range = span.byte_range().ok_or(MergeError::Foreign)?;
        let mut is_marked = event.is_alias() || event.anchor_id().is_some() || event.tag().is_some();
        let kind = match event {
            Event::Scalar(text, style, ..) => {
                if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
                    range.end = self.end_of_block(&range, text.ends_with("\n\n"));
                }
                NodeKind::Scalar(text.to_string())
            }
            Event::MappingStart(StructureStyle::Block, ..) => {
                let pairs = self.pairs()?;
                range.end = pairs.last().map_or(range.end, |(key, value)| value.range.end.max(key.range.end));
                NodeKind::Map(pairs)
            }
            Event::SequenceStart(StructureStyle::Block, ..) => {
                let items = self.items()?;
                range.end = items.last().map_or(range.end, |item| item.range.end);
                NodeKind::List(items)
            }
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let (end, has_marks) = self.end_of_flow()?;
                range.end = end;
                is_marked |= has_marks;
                NodeKind::Flow
            }
            Event::Alias(_) => NodeKind::Flow,
            _ => return Err(MergeError::Foreign),
        };
        Ok(Node { range, column: span.start.col(), is_marked, kind })
    }

    fn pairs(&mut self) -> Result<Vec<(Node, Node)>, MergeError> {
        let mut pairs = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(pairs);
            }
            let key = self.node(&event, &span)?;
            let (event, span) = self.next()?;
            let mut value = self.node(&event, &span)?;
            if value.is_nothing() {
                let end = after_colon(self.text, &key).unwrap_or(value.range.end);
                value.range = end..end;
            }
            pairs.push((key, value));
        }
    }

    fn items(&mut self) -> Result<Vec<Node>, MergeError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(&event, &span)?),
            }
        }
    }

    /// Where the braces or brackets close, and whether anything in them is marked.
    fn end_of_flow(&mut self) -> Result<(usize, bool), MergeError> {
        let (mut depth, mut has_marks) = (1_usize, false);
        loop {
            let (event, span) = self.next()?;
            has_marks |= event.is_alias() || event.anchor_id().is_some() || event.tag().is_some();
            match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
                Event::MappingEnd | Event::SequenceEnd => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok((span.byte_range().ok_or(MergeError::Foreign)?.end, has_marks));
            }
        }
    }

    /// The parser extends a block scalar to whatever comes next; blank lines are only part of it if it keeps them.
    fn end_of_block(&self, range: &Range<usize>, keeps: bool) -> usize {
        let block = lines::between(self.text, range.start, range.end);
        let kept = block.rfind('\n').filter(|_| keeps).map(|newline| range.start + newline);
        kept.unwrap_or(range.start + block.trim_end().len())
    }
}

/// The position after a key's colon, if that is on the key's line.
pub(super) fn after_colon(text: &str, key: &Node) -> Option<usize> {
    let rest = lines::between(text, key.range.end, text.len());
    let colon = rest.trim_start_matches([' ', '\t']);
    colon.starts_with(':').then(|| key.range.end + rest.len() - colon.len() + 1)
}
