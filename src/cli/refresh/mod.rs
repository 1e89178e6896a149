//! `mcpauth refresh`: keeps every credential and the client configurations fresh; as a service, or once. Not here:
//! the service (see `refresh`).

mod args;
mod once;

pub(super) use args::RefreshArgs;

use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::ConfigError;
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::refresh::{self, Rules, ServiceOptions, Unit};

pub(super) fn run(args: &RefreshArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let rules = Rules::from_args((args.buffer, args.interval), &config)?;
    match args.unit {
        Some(kind) => Ok(print(&Unit::of(kind, args.flags(), &config)?, out)),
        None if config.plan(&CredentialKind::ALL, None).is_empty() => {
            Err(ConfigError::NothingConfigured.into())
        }
        None if args.once => once::run(args, rules, &config, out),
        None => {
            let on_login_needed = args.on_login_needed.clone();
            let options = ServiceOptions { rules, install: !args.no_install, on_login_needed };
            Ok(refresh::run(options, config, &out.context())?.into())
        }
    }
}

fn print(unit: &Unit, out: &Out) -> Exit {
    out.data(unit.text.trim_end());
    out.say(unit.advice);
    if !unit.lost.is_empty() {
        let names = unit.lost.join(", ");
        out.say(&format!(
            "not included, because only this environment has them: {names}; put them into ./.env"
        ));
    }
    Exit::Done
}
