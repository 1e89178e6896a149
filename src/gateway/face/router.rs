//! Which page is at which address. Not here: what each shows (see `page` and `api`).

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use super::state::FaceState;
use super::{answer, api, error_page, guard, html, page, sign_in, sign_out};

/// All pages.
pub(super) fn router(face: &Arc<FaceState>) -> Router {
    Router::new()
        .merge(pages())
        .merge(api::routes())
        .merge(api::official::routes(face))
        .route("/login", get(sign_in::choose))
        .route("/oauth2/login/{provider}", get(sign_in::leave))
        .route("/oauth2/callback/{provider}", get(sign_in::arrive))
        .route("/logout", post(sign_out::sign_out))
        .fallback(answer::not_found)
        .layer(from_fn_with_state(face.clone(), guard::admit))
        .layer(from_fn(error_page::dress))
        .layer(from_fn(answer::leave))
        .with_state(face.clone())
}

/// The pages themselves, and what they look like.
fn pages() -> Router<Arc<FaceState>> {
    Router::new()
        .route("/", get(page::servers::show))
        .route("/servers/{*name}", get(page::server::show))
        .route("/find", get(page::find::show))
        .route("/register", get(page::edit::new).post(page::edit::register))
        .route("/edit/{*name}", get(page::edit::open).post(page::edit::save))
        .route("/toggle/{*name}", post(page::edit::toggle))
        .route("/refresh/{*name}", post(page::edit::refresh))
        .route("/me", get(page::me::show))
        .route("/explain", get(page::explain::show))
        .route("/tokens", get(page::tokens::show).post(page::tokens::make))
        .route("/tokens/revoke", post(page::tokens::take_back))
        .route("/decisions", get(page::decisions::show))
        .route("/changes", get(page::changes::show))
        .route("/style.css", get(html::style))
        .route("/icon.svg", get(html::icon))
}
