//! Servers' headers as environment variables. Not here: the variables' names (see `render`).

use futures_util::future::join_all;

use super::{ServerRef, Servers};
use crate::error::Error;
use crate::render::{self, ServerEntry};
use crate::secret::Secret;

/// Names and values for an environment.
pub(crate) type Variables = Vec<(String, Secret)>;

/// The result for the requested servers.
pub(crate) struct Gathered {
    pub(crate) variables: Variables,
    /// Those without a valid token, by name.
    pub(crate) failed: Vec<(ServerRef, Error)>,
}

/// The variables of these servers, with fresh tokens. All servers are handled concurrently.
pub(crate) async fn gather(servers: &Servers, which: &[ServerRef]) -> Gathered {
    let results = join_all(which.iter().map(|which| servers.fresh(which))).await;
    let (mut variables, mut failed) = (Variables::new(), Vec::new());
    for (server, result) in which.iter().zip(results) {
        match result {
            Ok(entry) => {
                if which.len() == 1 {
                    variables.extend(single(&entry));
                }
                variables.extend(headers(&entry));
            }
            Err(error) => failed.push((server.clone(), error)),
        }
    }
    Gathered { variables, failed }
}

/// Two servers whose names differ only in punctuation share their variables: one server's token would go to the
/// other.
///
/// # Errors
/// [`Error::Usage`] naming the variable.
pub(crate) fn unambiguous(variables: &[(String, Secret)]) -> Result<(), Error> {
    let mut names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find_map(|pair| pair.first().filter(|first| pair.last() == Some(first))) {
        None => Ok(()),
        Some(name) => Err(Error::Usage {
            message: format!("two servers would share the variable {name}"),
            hint: "name one server at a time, or rename one of them".into(),
        }),
    }
}

fn headers(entry: &ServerEntry) -> impl Iterator<Item = (String, Secret)> {
    entry.headers.iter().map(|(name, value)| (render::variable(&entry.name, name), value.clone()))
}

/// The names that programs for a single server expect.
fn single(entry: &ServerEntry) -> Variables {
    let mut variables = vec![("MCP_SERVER_URL".to_owned(), Secret::new(entry.url.as_str()))];
    variables.extend(entry.bearers.gateway.clone().map(|token| ("MCP_AUTH_TOKEN".to_owned(), token)));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_variable_is_refused() {
        let variable = |name: &str| (name.to_owned(), Secret::new("v"));
        assert!(unambiguous(&[variable("A"), variable("B")]).is_ok());
        let error = unambiguous(&[variable("A"), variable("B"), variable("A")]).unwrap_err();
        assert_eq!(error.to_string(), "two servers would share the variable A");
    }
}
