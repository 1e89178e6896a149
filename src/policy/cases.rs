//! Policy tests: a list of calls and their expected results. Not here: reading the file and exit codes (see `cli`).

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::names::trimmed;
use super::scopes_yml::{PolicyError, read};
use super::{Call, Explanation, Listed, Policy, Principal};

/// The tests of one file.
#[derive(Debug)]
pub struct Cases(Vec<(u64, PolicyCase)>);

/// The result of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The test's name.
    pub name: String,
    /// Its line in its file, from 1.
    pub line: u64,
    /// What was expected, what happened instead, and why; `None` if the test passed.
    pub failure: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyCase {
    name: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    claims: Map<String, Value>,
    server: String,
    /// If absent, the method for what is named; `GET` and `DELETE` are the legacy stream and its end.
    method: Option<String>,
    tool: Option<String>,
    prompt: Option<String>,
    resource: Option<String>,
    expect: Option<Expected>,
    /// The scope, or the scope and entry (`scope[1]`), that must allow it.
    rule: Option<String>,
    /// For a list method: the names the server lists ...
    #[serde(default)]
    among: Vec<String>,
    /// ... and those of them the caller must see, in the same order.
    shows: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Expected {
    Allow,
    Deny,
}

impl Cases {
    /// Parses a file of tests.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let cases: Vec<Spanned<PolicyCase>> = read(text)?;
        if cases.is_empty() {
            return Err(PolicyError { at: None, reason: "there are no cases".into() });
        }
        let cases = cases.into_iter().map(|at| {
            let line = at.referenced.line();
            match at.value.check() {
                Ok(()) => Ok((line, at.value)),
                Err(reason) => Err(PolicyError { at: Some((line, 1)), reason: reason.into() }),
            }
        });
        cases.collect::<Result<_, _>>().map(Self)
    }

    /// Runs every test, in the file's order. One about an unknown server or group fails: it would test nothing.
    /// `is_server` tells whether a server with that name exists.
    pub fn run(&self, policy: &Policy, is_server: &dyn Fn(&str) -> bool) -> Vec<CaseOutcome> {
        let outcome = |(line, case): &(u64, PolicyCase)| CaseOutcome {
            name: case.name.clone(),
            line: *line,
            failure: case.exists(policy, is_server).and_then(|()| case.run(policy)).err(),
        };
        self.0.iter().map(outcome).collect()
    }
}

/// What is said of a server that does not exist.
pub fn no_server(name: &str) -> String {
    format!("there is no server {name}: neither a server file nor a policy entry names it")
}

impl PolicyCase {
    fn check(&self) -> Result<(), &'static str> {
        let named = [&self.tool, &self.prompt, &self.resource].into_iter().flatten().count();
        let lists = self.method.as_deref().and_then(Listed::by).is_some();
        if named > 1 {
            Err("a case names one of `tool`, `prompt` and `resource`")
        } else if named == 0 && self.method.is_none() {
            Err("a case needs `method`, `tool`, `prompt` or `resource`")
        } else if self.expect.is_none() && self.shows.is_none() {
            Err("a case needs `expect: allow`, `expect: deny` or `shows`")
        } else if self.expect == Some(Expected::Deny) && (self.rule.is_some() || self.shows.is_some()) {
            Err("`shows` and `rule` cannot be used with `expect: deny`")
        } else if (self.shows.is_some() || !self.among.is_empty()) && !lists {
            Err("`among` and `shows` are for `tools/list` and the other list methods")
        } else {
            Ok(())
        }
    }

    /// Whether everything it is about exists.
    fn exists(&self, policy: &Policy, is_server: &dyn Fn(&str) -> bool) -> Result<(), String> {
        let server = trimmed(&self.server);
        if !is_server(server) {
            return Err(no_server(server));
        }
        match self.groups.iter().find(|group| policy.group(group).is_none()) {
            Some(group) => Err(format!("there is no group {group} in group_mappings")),
            None => Ok(()),
        }
    }

    fn run(&self, policy: &Policy) -> Result<(), String> {
        let principal = Principal {
            groups: self.groups.clone(),
            scopes: self.scopes.clone(),
            claims: self.claims.clone(),
            ..Principal::default()
        };
        let explanation = policy.explain(&principal, &self.server, &self.call());
        let expected = self.expect.unwrap_or(Expected::Allow);
        self.compare(expected, &explanation)
            .map_err(|expected| format!("expected {expected}, but it is {explanation}"))?;
        let Some((shows, listed)) = self.shows.as_ref().zip(self.method.as_deref().and_then(Listed::by))
        else {
            return Ok(());
        };
        let grants = policy.grants(&principal);
        let view = grants.view(&self.server, listed);
        let seen: Vec<_> = self.among.iter().filter(|name| view.shows(name)).collect();
        if seen.iter().copied().eq(shows) {
            Ok(())
        } else {
            Err(format!("expected to show {shows:?}, but it shows {seen:?}"))
        }
    }

    /// The expectation that was not met.
    fn compare(&self, expected: Expected, explanation: &Explanation) -> Result<(), String> {
        match (expected, &explanation.verdict, &self.rule) {
            (Expected::Deny, Err(_), _) | (Expected::Allow, Ok(_), None) => Ok(()),
            (Expected::Allow, Ok(rule), Some(wanted))
                if *wanted == *rule.scope || *wanted == rule.to_string() =>
            {
                Ok(())
            }
            (Expected::Allow, _, Some(wanted)) => Err(format!("to be allowed by {wanted}")),
            (Expected::Allow, Err(_), None) => Err("to be allowed".into()),
            (Expected::Deny, Ok(_), _) => Err("to be denied".into()),
        }
    }

    fn call(&self) -> Call<'_> {
        let Self { method, tool, prompt, resource, .. } = self;
        Call::written(method.as_deref(), tool.as_deref(), prompt.as_deref(), resource.as_deref())
    }
}

impl fmt::Display for CaseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "ok      {}", self.name),
            Some(failure) => write!(f, "FAILED  {} (line {}): {failure}", self.name, self.line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = include_str!("../../tests/fixtures/scopes.yml");

    fn run(cases: &str) -> Vec<String> {
        let policy = Policy::parse(POLICY).unwrap();
        Cases::parse(cases)
            .unwrap()
            .run(&policy, &|name| name != "gone")
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn cases_that_hold_pass() {
        let cases = "
- {name: a, groups: [mcp-registry-user], server: fininfo, tool: print_stock_data, expect: deny}
- {name: b, groups: [mcp-registry-user], server: fininfo, method: GET, expect: allow}
- {name: c, scopes: [mcp-servers-restricted/execute], server: fininfo, tool: print_stock_data, expect: allow,
   rule: mcp-servers-restricted/execute}
- {name: d, scopes: [registry-admins], server: x, prompt: p, expect: allow, rule: 'registry-admins[1]'}
- {name: e, scopes: [registry-admins], server: x, resource: 'file:///', method: resources/subscribe, expect: allow}
- {name: f, server: x, method: DELETE, expect: deny}
- {name: g, groups: [mcp-registry-user], server: currenttime, method: tools/list,
   among: [b, current_time_by_timezone, a], shows: [current_time_by_timezone]}
- {name: h, groups: [mcp-registry-user], server: fininfo, method: tools/list, among: [b, a], shows: [b, a]}
";
        assert_eq!(
            run(cases),
            ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| format!("ok      {name}"))
        );
    }

    #[test]
    fn cases_that_do_not_hold_say_what_came_and_why() {
        let cases = "
- {name: a, scopes: [registry-users-lob1], server: currenttime, tool: current_time_by_timezone, expect: deny}
- {name: b, scopes: [registry-users-lob1], server: api, tool: x, expect: allow}
- {name: c, scopes: [registry-users-lob1], server: api, method: ping, expect: allow, rule: 'registry-users-lob1[2]'}
- {name: d, scopes: [registry-users-lob1], server: currenttime, method: tools/list, among: [x], shows: [x]}
";
        let has = "the token itself has registry-users-lob1";
        assert_eq!(
            run(cases),
            [
                format!(
                    "FAILED  a (line 2): expected to be denied, but it is allowed by registry-users-lob1[2]\n  \
                     line 120 of the policy\n  {has}"
                ),
                format!(
                    "FAILED  b (line 3): expected to be allowed, but it is denied: the caller may use this server, but \
                     not this method\n  {has}\n  registry-users-lob1[1] (line 116) does not have tools/call\n  \
                     mcp-servers-unrestricted/execute would allow it"
                ),
                format!(
                    "FAILED  c (line 4): expected to be allowed by registry-users-lob1[2], but it is allowed by \
                     registry-users-lob1[1]\n  line 116 of the policy\n  {has}"
                ),
                "FAILED  d (line 5): expected to show [\"x\"], but it shows []".to_owned(),
            ]
        );
    }

    #[test]
    fn a_case_about_nobody_fails_whatever_it_expects() {
        let cases = "
- {name: a, groups: [mcp-registry-user], server: gone, tool: x, expect: deny}
- {name: b, scopes: [registry-admins], server: /gone/, tool: x, expect: allow}
- {name: c, groups: [mcp-registry-usr], server: fininfo, method: GET, expect: deny}
- {name: d, groups: [mcp-registry-user, nobody], server: fininfo, method: GET, expect: allow}
- {name: e, groups: [/mcp-registry-user], server: fininfo, method: GET, expect: allow}
";
        let no_server = "there is no server gone: neither a server file nor a policy entry names it";
        let no_group = |group: &str| format!("there is no group {group} in group_mappings");
        assert_eq!(
            run(cases),
            [
                format!("FAILED  a (line 2): {no_server}"),
                format!("FAILED  b (line 3): {no_server}"),
                format!("FAILED  c (line 4): {}", no_group("mcp-registry-usr")),
                format!("FAILED  d (line 5): {}", no_group("nobody")),
                "ok      e".to_owned(),
            ]
        );
    }

    #[test]
    fn a_case_that_tests_nothing_is_refused() {
        for (case, reason) in [
            ("", "there are no cases"),
            ("- {name: a, server: b, tool: c}", "a case needs `expect: allow`, `expect: deny` or `shows`"),
            ("- {name: a, server: b, expect: deny}", "a case needs `method`, `tool`, `prompt` or `resource`"),
            (
                "- {name: a, server: b, tool: c, prompt: d, expect: deny}",
                "a case names one of `tool`, `prompt` and `resource`",
            ),
            (
                "- {name: a, server: b, tool: c, expect: deny, rule: d}",
                "`shows` and `rule` cannot be used with `expect: deny`",
            ),
            (
                "- {name: a, server: b, tool: c, expect: allow, shows: [d]}",
                "`among` and `shows` are for `tools/list` and the other list methods",
            ),
        ] {
            assert_eq!(Cases::parse(case).unwrap_err().reason, reason, "{case}");
        }
        for case in
            ["- {name: a, server: b, tol: c, expect: deny}", "- {server: b, tool: c, expect: maybe}", "{}"]
        {
            assert!(Cases::parse(case).is_err(), "{case}");
        }
    }
}
