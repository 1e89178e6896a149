//! What the demonstration shows of the gateway, in steps: what it allows, what it refuses, and attempts to bypass it.
//! Not here: the environment (see `stage`); getting the credentials (see `cli`).

mod attacks;
mod client;
mod gateway;
mod stage;
mod step;
mod tokens;
mod wire;

use self::client::DemoAgent;
pub(crate) use self::stage::Stage;
pub(crate) use self::step::Step;
use crate::error::Error;

/// All steps about the gateway, each shown as soon as it is done.
///
/// # Errors
/// An I/O error, or an invalid client configuration.
pub(crate) async fn play(stage: &Stage, mut show: impl FnMut(Step)) -> Result<(), Error> {
    let client = DemoAgent::read(&stage.config)?;
    show(gateway::allowed(stage, &client).await?);
    show(gateway::denied(stage, &client).await?);
    show(gateway::filtered(stage, &client).await?);
    show(gateway::unauthenticated(stage, &client).await?);
    show(attacks::attacks(stage, &client).await?);
    show(tokens::found(&client).await?);
    show(tokens::vended(stage, &client).await?);
    show(gateway::credentials(stage, &client)?);
    Ok(())
}
