//! What crosses the wire, as text: JSON-RPC messages, the headers that mirror them and the streams that carry them, all
//! read from untrusted bytes with one meaning or none. It knows no caller, connection or clock, and leaves what may pass
//! to those who ask it.

pub mod envelope;
pub mod filter;
pub mod inner_call;
pub mod json;
pub mod list_scan;
pub mod mirror;
pub mod sse;
