//! `mcpauth basic`, `ping`, `list` and `call`: to be written. It leaves everything to later.

use clap::Args;

use crate::cli::out::Out;
use crate::config::Settings;
use crate::error::{Error, Exit};

/// Connect to an MCP server, ping it and list its tools
#[derive(Args, Debug)]
pub(super) struct BasicArgs {}

/// Ping an MCP server
#[derive(Args, Debug)]
pub(super) struct PingArgs {}

/// List an MCP server's tools
#[derive(Args, Debug)]
pub(super) struct ListArgs {}

/// Call a tool of an MCP server
#[derive(Args, Debug)]
pub(super) struct CallArgs {}

pub(super) fn basic(_args: &BasicArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}

pub(super) fn ping(_args: &PingArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}

pub(super) fn list(_args: &ListArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}

pub(super) fn call(_args: &CallArgs, _settings: Settings, _out: &Out) -> Result<Exit, Error> {
    Ok(Exit::Other)
}
