//! The protocol as values: requests are built and replies are parsed here, in the RFCs' terms. It knows neither clock
//! nor network. The library `oauth2` writes the requests; `written` says what it cannot write, and why it parses no
//! reply. Not here: sending (see `flow`); files (see `store`).

mod assertion;
mod authorize;
mod challenge;
mod client;
mod device;
mod document;
mod grant;
mod introspect;
mod members;
mod metadata;
mod registration;
mod reply;
mod resource;
mod revoke;
mod token;
mod unverified;
mod written;

pub use assertion::SigningKey;
pub use authorize::{AuthorizationRequest, AuthorizationResponse, PendingAuthorization};
pub use challenge::{CALLER_REVOKED, Challenge, NOT_YET};
pub use client::{ClientAuth, OAuthClient};
pub use device::{DeviceAuthorization, DeviceRequest, Pace, Poll};
pub use document::{DocumentError, client_metadata, document_address};
pub use grant::{ACCESS_TOKEN_TYPE, Grant, TOKEN_EXCHANGE, TokenRequest};
pub use introspect::write_introspection;
pub use members::read_member;
pub use metadata::{IssuerMetadata, MetadataError, well_known};
pub use registration::{RegistrationError, auth_method, own_auth, read_registration, registration_request};
pub use reply::{ReplyError, ReplyShape, UNSENDABLE, is_unavailable, read_reply};
pub use resource::{
    RESOURCE_METADATA, ResourceError, ResourceMetadata, covers, is_same_issuer, resource_place,
    resource_places,
};
pub use revoke::{Revocation, TokenKind, read_revocation};
pub use token::{Epoch, Freshness, TokenSet, is_sendable, margin};
pub use unverified::{Unverified, end_of, read_numeric_date, read_time};
pub use written::WireRequest;
