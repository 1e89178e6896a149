//! Text on the wire: JSON-RPC messages, the headers that mirror them and the streams that carry them, all parsed from
//! untrusted bytes with one meaning or none. It knows no caller, connection or clock; its callers decide what may
//! pass.

pub mod envelope;
pub mod filter;
pub mod inner_call;
pub mod json;
pub mod list_scan;
pub mod mirror;
pub mod sse;
