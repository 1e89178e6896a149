//! Pages for people, on a listener and an origin of their own: they sign in at an identity provider, see what they may
//! use and why, and change what the policy lets them change. Nothing of it is on the way of a request to a server.
//!
//! Every request takes the same way: its host (`guard`), who asks (`visitor`: a session's cookie, or an ingress
//! token), where the request comes from if it may change something (`guard`), then its page. Every answer leaves by
//! one door (`answer`), which puts the same headers on all of them. Not here: what a caller sees of the registry (see
//! `services`); permissions (see `policy`).

mod answer;
mod api;
mod cookie;
mod endpoints;
mod error_page;
mod fields;
mod guard;
mod html;
mod listen;
mod notice;
mod page;
mod peer;
mod return_to;
mod router;
mod session;
mod sign_in;
mod sign_out;
mod site;
mod state;
mod visitor;

pub(super) use self::listen::serve;
pub(super) use self::site::FaceSite;
pub(super) use self::state::FaceState;
