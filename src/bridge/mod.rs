//! An MCP server for local clients that is another one far away: fresh credentials on every request.
//! It leaves where the credentials come from to [`Headers`].
