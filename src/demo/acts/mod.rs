//! What the demonstration shows of the gateway, each act with how it went: what it lets through, what it refuses, and who tries
//! to get around it. It leaves what it runs on to `stage`, and getting the credentials to `cli`.

mod attacks;
mod client;
mod gateway;
mod stage;
mod step;
mod wire;

use self::client::DemoAgent;
pub(crate) use self::stage::Stage;
pub(crate) use self::step::Step;
use crate::error::Error;

/// Everything about the gateway, one act after the other, each shown as soon as it is over.
///
/// # Errors
/// The system's, and a client's configuration that is not as it should be.
pub(crate) async fn play(stage: &Stage, mut show: impl FnMut(Step)) -> Result<(), Error> {
    let client = DemoAgent::read(&stage.config)?;
    show(gateway::allowed(stage, &client).await?);
    show(gateway::denied(stage, &client).await?);
    show(gateway::filtered(stage, &client).await?);
    show(gateway::unauthenticated(stage, &client).await?);
    show(attacks::attacks(stage, &client).await?);
    show(gateway::credentials(stage, &client)?);
    Ok(())
}
