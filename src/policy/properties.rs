//! Properties of every text and every policy: no panic, and the verdicts of a naive implementation. Not here: the
//! meaning of each rule (see `tests`).

use proptest::prelude::*;
use serde_json::json;

use super::tests::{FIXTURE, bearer, member, message, policy};
use super::*;

/// The file's meaning, computed literally, without any index.
fn naive(policy: &Policy, who: &Principal, server: &str, call: &Call<'_>) -> bool {
    let mut mine: Vec<&str> = who.scopes.iter().map(String::as_str).collect();
    for group in &who.groups {
        mine.extend(policy.group(group).into_iter().flatten().map(|scope| &*scope.name));
    }
    let entries =
        policy.scopes().iter().filter(|scope| mine.contains(&&*scope.name)).flat_map(|s| &s.entries);
    let mut about = entries.filter(|entry| entry.server.as_deref().is_none_or(|named| named == server));
    about.any(|entry| {
        let Call::Message { method, name } = *call else { return true };
        if method == "ping" || method == "initialize" {
            return true;
        }
        if method == "other" && !entry.methods.spell_out(method) {
            return false;
        }
        let named = match method {
            "tools/call" => name.is_some_and(|name| entry.tools.hold(name)),
            "prompts/get" => {
                entry.prompts.as_ref().is_none_or(|list| name.is_some_and(|name| list.hold(name)))
            }
            _ => true,
        };
        entry.methods.hold(method) && named
    })
}

/// A policy of random entries over few names, so that they coincide.
fn some_policy() -> impl Strategy<Value = String> {
    let words = |words: &'static [&'static str]| {
        proptest::collection::vec(proptest::sample::select(words), 0..3).prop_map(|list| json!(list))
    };
    let entry = (
        proptest::sample::select(vec!["a", "/b/", "c", "*", "all"]),
        words(&["tools/call", "tools/list", "prompts/get", "*", "ping"]),
        words(&["x", "y", "all"]),
        proptest::option::of(words(&["x", "y", "*"])),
    );
    let entry = entry.prop_map(|(server, methods, tools, prompts)| {
        let mut entry = json!({"server": server, "methods": methods, "tools": tools});
        if let Some(prompts) = prompts {
            entry["prompts"] = prompts;
        }
        entry
    });
    let entries = || proptest::collection::vec(entry.clone(), 0..4);
    (entries(), entries(), entries()).prop_map(|(one, two, three)| {
        json!({"group_mappings": {"g": ["one"], "/h": ["two", "gone"]}, "one": one, "two": two, "three": three})
            .to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}", cut in 0..FIXTURE.len(), wild in "[-:\\[\\]{}*&!'\"\n \t#<a-z]{0,80}") {
        // Pure noise, a truncated policy, and a policy with noise in its middle.
        let head = FIXTURE.get(..cut).unwrap_or_default();
        for text in [&text, &wild, head, &format!("{head}{wild}{text}")] {
            if let Err(error) = Policy::parse(text) {
                prop_assert!(!error.to_string().is_empty());
            }
            let _ = Cases::parse(text);
        }
    }
}

proptest! {
    #[test]
    fn the_index_decides_as_the_file_reads(
        text in some_policy(),
        groups in proptest::sample::subsequence(vec!["g", "/h", "h", "/g", "i"], 0..4),
        scopes in proptest::sample::subsequence(vec!["one", "three", "four"], 0..3),
    ) {
        let policy = policy(&text);
        let who = Principal { groups: member(&groups).groups, ..bearer(&scopes) };
        let grants = policy.grants(&who);
        for server in ["a", "b", "c", "d"] {
            for name in [None, Some("x"), Some("y"), Some("z")] {
                for call in ["tools/call", "tools/list", "prompts/get", "ping", "other"].map(|m| message(m, name)) {
                    let decided = decide(&grants, server, &call);
                    prop_assert_eq!(decided.is_ok(), naive(&policy, &who, server, &call), "{} {:?}", server, call);
                    let explained = policy.explain(&who, server, &call).verdict;
                    prop_assert_eq!(&explained, &decided.map(|permit| permit.rule().clone()));
                    // A scope that is reported as sufficient is, and one is reported whenever any is.
                    let helping = policy.helping_scopes(&grants, server, &call);
                    let with = |scope: &str| decide(&policy.grants(&bearer(&[scope])), server, &call).is_ok();
                    prop_assert_eq!(!helping.is_empty(), ["one", "two", "three"].into_iter().any(with));
                    prop_assert!(helping.iter().all(|scope| with(scope)));
                }
                // What may be used is shown, and a view agrees with its items.
                for listed in [Listed::Tool, Listed::Prompt] {
                    let name = name.unwrap_or("all");
                    let usable = decide(&grants, server, &message(listed.use_method(), name)).is_ok();
                    let shown = grants.shows(server, listed, name);
                    prop_assert!(shown || !usable);
                    prop_assert_eq!(grants.view(server, listed).shows(name), shown);
                    prop_assert_eq!(grants.views(server).shows(listed, name), shown);
                }
            }
        }
    }
}
