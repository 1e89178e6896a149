//! Keys of `gateway.yaml` that had another name, so that a file with the old one is told the new one.

const RENAMED: [(&str, &str); 21] = [
    ("answer", "max_response_bytes"),
    ("answer_within", "response_timeout"),
    ("body", "max_request_bytes"),
    ("buffered", "max_buffered_bytes"),
    ("buffered_per_caller", "max_buffered_bytes_per_caller"),
    ("connect", "connect_timeout"),
    ("connections", "max_connections"),
    ("drain", "drain_timeout"),
    ("files", "file_read_timeout"),
    ("head", "max_header_bytes"),
    ("in_flight", "max_in_flight"),
    ("in_flight_per_caller", "max_in_flight_per_caller"),
    ("keep_alive", "keep_alive_interval"),
    ("per_caller", "requests_per_minute_per_caller"),
    ("per_tool", "calls_per_minute_per_tool"),
    ("questions", "introspections_per_minute"),
    ("questions_per_address", "introspections_per_minute_per_address"),
    ("read", "read_timeout"),
    ("revoked", "revocation_list"),
    ("streams_per_caller", "max_streams_per_caller"),
    ("tokens", "token_cache_size"),
];

/// What to say of an unknown key that had this name before, given the reader's words for it.
pub(super) fn explain(reason: &str) -> Option<String> {
    let (old, known) = reason.strip_prefix("unknown field `")?.split_once('`')?;
    let (_, new) = RENAMED.iter().find(|(name, new)| *name == old && known.contains(new))?;
    Some(format!("`{old}` is now called `{new}`"))
}
