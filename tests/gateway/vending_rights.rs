//! Whatever the policy: nobody gets more through a vended token than the policy in force gives its owner, nor more
//! than the token names. Not here: the decision itself (see the unit tests of `policy`).

use std::collections::BTreeSet;

use mcpauth::policy::{Call, Policy, Principal, decide};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::vending::{claims, exchange, lab};
use crate::support::lab::{Lab, call, list};

const SERVERS: [&str; 3] = ["alpha", "beta", "gamma"];
const TOOLS: [&str; 3] = ["echo", "delete_all", "secret"];

/// A policy of few entries over few names, so that they meet; `worker` is a scope of the caller's token.
fn some_policy() -> impl Strategy<Value = String> {
    let words = |words: &'static [&'static str]| {
        proptest::collection::vec(proptest::sample::select(words), 0..3).prop_map(|list| json!(list))
    };
    let entry = (
        proptest::sample::select(vec!["alpha", "beta", "/gamma/", "*"]),
        words(&["tools/call", "tools/list", "*", "ping"]),
        words(&["echo", "secret", "*"]),
    );
    let entry = entry
        .prop_map(|(server, methods, tools)| json!({"server": server, "methods": methods, "tools": tools}));
    let entries = move || proptest::collection::vec(entry.clone(), 0..4);
    (entries(), entries()).prop_map(|(one, two)| json!({"worker": one, "root": two}).to_string())
}

/// What somebody asks a token to be limited to.
fn some_wish() -> impl Strategy<Value = Option<Value>> {
    let few = |words: &'static [&'static str]| {
        proptest::option::of(proptest::sample::subsequence(words.to_vec(), 1..3)).prop_map(|list| json!(list))
    };
    let detail = (
        proptest::sample::select(vec!["alpha", "beta", "gamma", "*"]),
        few(&["tools/call", "tools/list", "*"]),
        few(&["echo", "delete_all", "secret", "*"]),
    );
    let detail = detail.prop_map(|(server, methods, tools)| json!({"type": "mcp", "server": server, "methods": methods, "tools": tools}));
    proptest::option::of(proptest::collection::vec(detail, 1..3).prop_map(|details| json!(details)))
}

/// Everything a caller may call and see.
fn rights(lab: &Lab, token: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for server in SERVERS {
        for tool in TOOLS {
            if lab.call(token, server, tool).status == 200 {
                found.insert(format!("call {server} {tool}"));
            }
        }
        let answer = lab.ask(token, &format!("/{server}/mcp"), &list());
        if answer.status == 200 {
            let tools = answer.json()["result"]["tools"].clone();
            let tools = tools.as_array().unwrap().iter();
            found.extend(tools.map(|tool| format!("see {server} {}", tool["name"].as_str().unwrap())));
        }
    }
    found
}

/// What a wish names of the tools there are, read word for word.
fn named(wish: &Option<Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for server in SERVERS {
        for tool in TOOLS {
            let holds = |list: &Value, name: &str| {
                list.as_array().is_none_or(|list| list.iter().any(|one| one == name || one == "*"))
            };
            let is = |detail: &Value, method: &str| {
                (detail["server"] == server || detail["server"] == "*")
                    && holds(&detail["methods"], method)
                    && holds(&detail["tools"], tool)
            };
            let any = |method: &str| {
                wish.as_ref().is_none_or(|wish| wish.as_array().unwrap().iter().any(|one| is(one, method)))
            };
            if any("tools/call") {
                found.insert(format!("call {server} {tool}"));
            }
            if any("tools/list") || any("tools/call") {
                found.insert(format!("see {server} {tool}"));
            }
        }
    }
    found
}

#[test]
fn no_token_opens_what_its_owner_or_its_own_words_do_not() {
    let lab = lab();
    let owner = lab.token("worker");
    let rest = "group_mappings: {}\nreader: []\n";
    let mut made: Vec<(String, Option<Value>)> = Vec::new();
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 12, failure_persistence: None, ..Config::default() },
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let mut vended = 0;
    for _ in 0..12 {
        let text = some_policy().new_tree(&mut runner).unwrap().current();
        let policy: Value = serde_json::from_str(&text).unwrap();
        lab.reload(
            "scopes.yml",
            &format!("{rest}worker: {}\nroot: {}\n", policy["worker"], policy["root"]),
            "in force",
        );
        let own = rights(&lab, &owner);
        for _ in 0..2 {
            let wish = some_wish().new_tree(&mut runner).unwrap().current();
            let more: Vec<(&str, String)> =
                wish.iter().map(|wish| ("authorization_details", wish.to_string())).collect();
            let more: Vec<(&str, &str)> = more.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let answer = exchange(&lab, &owner, &more);
            match answer.status {
                200 => {
                    vended += 1;
                    made.push((answer.json()["access_token"].as_str().unwrap().to_owned(), wish));
                }
                400 => assert_eq!(answer.json()["error"], "invalid_scope", "{wish:?} {answer:?}"),
                _ => assert_eq!(answer.status, 429, "{answer:?}"),
            }
        }
        // Those that were made under earlier policies too.
        for (token, wish) in &made {
            let opened = rights(&lab, token);
            assert!(opened.is_subset(&own), "{opened:?} but the owner has {own:?} by {text}");
            assert!(opened.is_subset(&named(wish)), "{opened:?} but {wish:?}");
            let both: BTreeSet<String> = own.intersection(&named(wish)).cloned().collect();
            let calls = |rights: &BTreeSet<String>| {
                rights.iter().filter(|right| right.starts_with("call")).cloned().collect::<Vec<_>>()
            };
            assert_eq!(calls(&opened), calls(&both), "{wish:?} by {text}");
        }
    }
    assert!(vended > 3, "the test has lost sight of what it is about: {vended}");
}

/// A scope that a group loses is lost to its members' tokens at once, and its `when` counts for them too.
#[test]
fn groups_and_conditions_are_the_owners_as_the_policy_has_them_now() {
    use super::vending::{p256, vends};
    use crate::support::mint::{Key, Mint};
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.issuers = vec![mint.settings()];
    });
    let policy = |groups: &str, when: &str| {
        format!(
            "group_mappings: {{staff: [{groups}]}}\nfirst:\n- {{server: alpha, methods: [tools/call], tools: [echo], when: {{{when}}}}}\nsecond:\n- {{server: beta, methods: [tools/call], tools: [echo]}}\n"
        )
    };
    lab.reload("scopes.yml", &policy("first, second", "dept: audit"), "in force");
    let source = key.sign(
        json!({}),
        &mint.claims(json!({"groups": ["staff"], "dept": "audit", "phone_number": "+1-555"})),
    );
    let answer = exchange(&lab, &source, &[]).status(200).json();
    assert_eq!(answer["scope"], "first second");
    let token = answer["access_token"].as_str().unwrap().to_owned();
    assert!(!claims(&token).to_string().contains("+1-555"), "a claim that nobody asked about");
    let open = || {
        [("alpha", "echo"), ("beta", "echo")]
            .map(|(server, tool)| lab.ask(&token, &format!("/{server}/mcp"), &call(tool)).status)
    };
    assert_eq!(open(), [200, 200]);
    for (groups, when, expected) in [
        ("first", "dept: audit", [200, 403]),
        ("second", "dept: audit", [403, 200]),
        ("first, second", "dept: sales", [403, 200]),
        ("first, second", "dept: audit", [200, 200]),
        ("", "dept: audit", [403, 403]),
    ] {
        lab.reload("scopes.yml", &policy(groups, when), "in force");
        assert_eq!(open(), expected, "{groups} {when}");
    }
}

proptest! {
    /// The same without a network: any details, any policy, any call.
    #[test]
    fn a_limited_principal_may_do_no_more(text in some_policy(), wish in some_wish(), scope in prop::sample::select(vec!["worker", "root", "other"])) {
        use mcpauth::policy::{Detail, Vended};
        let policy = Policy::parse(&text).unwrap();
        let owner = Principal { scopes: vec!["worker".into()], ..Principal::default() };
        let details: Option<Vec<Detail>> = wish.map(|wish| serde_json::from_value(wish).unwrap());
        let vended = Vended { scopes: vec![scope.into()], details, ..Vended::default() };
        let limited = Principal { vended: Some(vended.into()), ..owner.clone() };
        let (all, few) = (policy.grants(&owner), policy.grants(&limited));
        for server in SERVERS {
            for tool in TOOLS {
                for method in ["tools/call", "tools/list", "ping", "prompts/get", "unknown/method"] {
                    let call = Call::Message { method, name: Some(tool) };
                    let (may, now) = (decide(&all, server, &call).is_ok(), decide(&few, server, &call).is_ok());
                    prop_assert!(may || !now, "{server} {method} {tool}");
                    prop_assert!(!now || scope == "worker");
                }
                let listed = mcpauth::policy::Listed::Tool;
                prop_assert!(all.shows(server, listed, tool) || !few.shows(server, listed, tool));
                prop_assert_eq!(few.shows(server, listed, tool), few.view(server, listed).shows(tool));
            }
        }
    }
}
