//! The policy as a whole: realistic scenarios and each rule of the decision. Not here: properties of every policy
//! (see `properties`).

use serde_json::json;

use super::*;

pub(super) const FIXTURE: &str = include_str!("../../tests/fixtures/scopes.yml");

pub(super) fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub(super) fn member(groups: &[&str]) -> Principal {
    Principal { groups: groups.iter().map(ToString::to_string).collect(), ..Principal::default() }
}

pub(super) fn bearer(scopes: &[&str]) -> Principal {
    Principal { scopes: scopes.iter().map(ToString::to_string).collect(), ..Principal::default() }
}

pub(super) fn message<'a>(method: &'a str, name: impl Into<Option<&'a str>>) -> Call<'a> {
    Call::Message { method, name: name.into() }
}

/// The verdict in short: the rule, or the denial's name.
fn verdict(policy: &Policy, who: &Principal, server: &str, call: &Call<'_>) -> String {
    match decide(&policy.grants(who), server, call) {
        Ok(permit) => permit.rule().to_string(),
        Err(denial) => format!("{denial:?}"),
    }
}

/// One scope `s` with these entries, and a caller that has it.
fn check(entries: &str, cases: &[(&str, Call<'_>, &str)]) {
    let policy = policy(&format!("s: {entries}\n"));
    for (server, call, expected) in cases {
        assert_eq!(
            verdict(&policy, &bearer(&["s"]), server, call),
            *expected,
            "{entries}: {server} {call:?}"
        );
    }
}

#[test]
fn a_read_only_caller_lists_and_cannot_execute() {
    let (policy, reader) = (policy(FIXTURE), member(&["mcp-registry-user"]));
    let grants = policy.grants(&reader);
    for (server, call, expected) in [
        ("currenttime", message("tools/list", None), "mcp-servers-restricted/read[1]"),
        ("currenttime", message("resources/list", None), "mcp-servers-restricted/read[1]"),
        ("currenttime", message("tools/call", "current_time_by_timezone"), "Method"),
        ("fininfo", message("tools/list", None), "mcp-servers-restricted/read[2]"),
        ("fininfo", message("tools/call", "get_stock_aggregates"), "Method"),
        ("sre-gateway", message("tools/list", None), "Server"),
    ] {
        assert_eq!(verdict(&policy, &reader, server, &call), expected, "{server} {call:?}");
    }
    // The tools next to tools/list; all of them if none is named.
    assert!(grants.shows("currenttime", Listed::Tool, "current_time_by_timezone"));
    assert!(!grants.shows("currenttime", Listed::Tool, "set_clock"));
    assert!(grants.shows("fininfo", Listed::Tool, "anything"));
    assert!(!grants.shows("sre-gateway", Listed::Tool, "k8s-api___get_pod_status"));
}

#[test]
fn restricted_execute_calls_the_named_tools_and_no_others() {
    let (policy, developer) = (policy(FIXTURE), member(&["mcp-registry-developer"]));
    for (server, tool, expected) in [
        ("fininfo", "get_stock_aggregates", "mcp-servers-restricted/execute[1]"),
        ("fininfo", "print_stock_data", "mcp-servers-restricted/execute[1]"),
        ("fininfo", "Get_stock_aggregates", "Name"),
        ("fininfo", "delete_all", "Name"),
        ("sre-gateway", "x_amz_bedrock_agentcore_search", "mcp-servers-restricted/execute[2]"),
        ("sre-gateway", "print_stock_data", "Name"),
        ("currenttime", "current_time_by_timezone", "Method"),
        ("tickets", "jira_search", "Server"),
    ] {
        assert_eq!(verdict(&policy, &developer, server, &message("tools/call", tool)), expected, "{tool}");
    }
    // Execute alone shows what it may call; with the reader's entry, which names none, everything.
    let execute = policy.grants(&bearer(&["mcp-servers-restricted/execute"]));
    assert!(execute.shows("fininfo", Listed::Tool, "print_stock_data"));
    assert!(!execute.shows("fininfo", Listed::Tool, "delete_all"));
    assert!(policy.grants(&developer).shows("fininfo", Listed::Tool, "delete_all"));
}

#[test]
fn an_unrestricted_caller_calls_every_tool_of_every_server() {
    let (policy, admin) = (policy(FIXTURE), member(&["mcp-registry-admin"]));
    let execute = "mcp-servers-unrestricted/execute[1]";
    for (server, call, expected) in [
        ("fininfo", message("tools/list", None), "mcp-servers-unrestricted/read[1]"),
        ("fininfo", message("tools/call", "delete_all"), execute),
        ("a-server-of-tomorrow", message("tools/call", "x"), execute),
        ("a-server-of-tomorrow", message("prompts/get", "x"), "Method"),
    ] {
        assert_eq!(verdict(&policy, &admin, server, &call), expected, "{server} {call:?}");
    }
    assert!(policy.grants(&admin).view("any", Listed::Tool).shows_everything());
    let everything = member(&["registry-admins"]);
    for call in [message("prompts/get", "x"), message("tasks/get", None), message("tools/call", "y")] {
        assert_eq!(verdict(&policy, &everything, "any", &call), "registry-admins[1]", "{call:?}");
    }
    assert_eq!(verdict(&policy, &everything, "any", &message("no/such", None)), "Method");
}

#[test]
fn groups_and_scopes_add_up_and_a_path_matches_whole() {
    let policy = policy(FIXTURE);
    let scopes =
        |who: &Principal| policy.grants(who).scopes().map(str::to_owned).collect::<Vec<_>>().join(" ");
    let (read, execute) = ("mcp-servers-restricted/read", "mcp-servers-restricted/execute");
    let both = format!("{read} {execute}");
    let mut mixed = member(&["departments/audit"]);
    mixed.scopes = vec!["openid".into(), execute.into(), read.into()];
    for (who, expected) in [
        (member(&["3f0c2a51-7b1e-4c53-9d0a-5f1b8a2f6e10"]), read),
        (member(&["/departments/finance"]), execute),
        (member(&["/departments/audit"]), read),
        (member(&["departments/audit"]), read),
        (member(&["/departments/audit", "/departments/finance"]), &both),
        (mixed, &both),
        // Never the last segment, never a missing slash, never a doubled one.
        (member(&["finance", "/finance", "/x/departments/audit", "departments/finance"]), ""),
        (member(&["//departments/audit", "/departments/audit/", "Departments/audit", "", "/"]), ""),
        // A group's name is not a scope, a scope's not a group, and the file's own keywords are neither.
        (bearer(&["mcp-registry-user", "UI-Scopes", "group_mappings"]), ""),
        (member(&[read, "UI-Scopes", "group_mappings"]), ""),
    ] {
        assert_eq!(scopes(&who), expected, "{who:?}");
    }
    assert_eq!(verdict(&policy, &member(&["x"]), "fininfo", &Call::Stream), "NoScopes");
}

#[test]
fn the_method_and_the_name_must_stand_in_the_same_entry() {
    check(
        "[{server: a, methods: [tools/call], tools: [x]}, {server: a, methods: [tools/list], tools: [y]}]",
        &[
            ("a", message("tools/call", "x"), "s[1]"),
            ("a", message("tools/call", "y"), "Name"),
            ("a", message("tools/call", None), "Name"),
            ("a", message("tools/list", None), "s[2]"),
        ],
    );
    // A tool alone is not a method, and neither is a tool named like one.
    check(
        "[{server: a, tools: [x, prompts/list]}]",
        &[
            ("a", message("tools/call", "x"), "Method"),
            ("a", message("prompts/list", None), "Method"),
            ("b", message("tools/call", "x"), "Server"),
        ],
    );
    check("[{server: a, methods: [tools/call], tools: '*'}]", &[("a", message("tools/call", None), "Name")]);
}

#[test]
fn prompts_and_resources_are_restricted_only_by_a_list() {
    let uri = "file:///a";
    check(
        "[{server: a, methods: [prompts/get, resources/read]}]",
        &[
            ("a", message("prompts/get", "p"), "s[1]"),
            ("a", message("prompts/get", None), "s[1]"),
            ("a", message("resources/read", uri), "s[1]"),
            ("a", message("resources/subscribe", uri), "Method"),
            ("a", message("resources/subscribe", None), "Method"),
        ],
    );
    check(
        "[{server: a, methods: all, prompts: [p], resources: ['file:///a']}]",
        &[
            ("a", message("prompts/get", "p"), "s[1]"),
            ("a", message("prompts/get", "q"), "Name"),
            ("a", message("prompts/get", None), "Name"),
            ("a", message("resources/read", uri), "s[1]"),
            ("a", message("resources/subscribe", uri), "s[1]"),
            ("a", message("resources/subscribe", None), "Name"),
            ("a", message("resources/unsubscribe", "file:///b"), "Name"),
            ("a", message("resources/read", "file:///a/../b"), "Name"),
            ("a", message("completion/complete", None), "Name"),
            ("a", Call::Completion { listed: Listed::Prompt, name: "p" }, "s[1]"),
            ("a", Call::Completion { listed: Listed::Prompt, name: uri }, "Name"),
            ("a", Call::Completion { listed: Listed::Resource, name: uri }, "s[1]"),
            ("a", Call::Completion { listed: Listed::Template, name: "p" }, "Name"),
            ("a", message("tools/call", "x"), "Name"),
        ],
    );
    check(
        "[{server: a, methods: [completion/complete], prompts: [p]}]",
        &[
            ("a", message("completion/complete", None), "Name"),
            ("a", Call::Completion { listed: Listed::Prompt, name: "q" }, "Name"),
            ("a", Call::Completion { listed: Listed::Resource, name: "q" }, "s[1]"),
        ],
    );
    // Present and empty is not the same as absent.
    check("[{server: a, methods: [prompts/get], prompts: }]", &[("a", message("prompts/get", "p"), "Name")]);
}

#[test]
fn lifecycle_needs_only_something_about_the_server_and_all_else_its_method() {
    let lifecycle = [
        "initialize",
        "notifications/initialized",
        "notifications/cancelled",
        "notifications/progress",
        "notifications/roots/list_changed",
        "ping",
        "server/discover",
        "subscriptions/listen",
    ];
    let mut calls: Vec<_> = lifecycle.map(|method| message(method, None)).to_vec();
    calls.extend([Call::Reply, Call::Stream, Call::EndSession]);
    for call in calls {
        check("[{server: a}]", &[("a", call, "s[1]"), ("b", call, "Server"), ("A", call, "Server")]);
        check("[{server: '*'}]", &[("b", call, "s[1]")]);
        check("[{server: a, when: {x: y}}]", &[("a", call, "Server")]);
        check("[]", &[("a", call, "Server")]);
    }
    for method in [
        "tools/list",
        "tools/call",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "logging/setLevel",
        "completion/complete",
        "tasks/get",
        "tasks/update",
        "tasks/cancel",
        "tasks/result",
        "tasks/list",
        "notifications/unknown",
        "Initialize",
        "initialize ",
        "PING",
        "",
    ] {
        check("[{server: a}]", &[("a", message(method, "x"), "Method")]);
        let entries = json!([{"server": "a", "methods": [method], "tools": ["x"]}]).to_string();
        check(&entries, &[("a", message(method, "x"), "s[1]")]);
    }
}

/// The subject of an unknown method is unknown: "every method" means every known one.
#[test]
fn a_method_that_mcp_does_not_have_is_allowed_only_where_it_is_written_out() {
    for method in ["x/y", "sampling/createMessage", "notifications/resources/updated", "tools/Call", "", "*"]
    {
        check("[{server: a, methods: '*', tools: '*'}]", &[("a", message(method, "x"), "Method")]);
        if method != "*" {
            let entries = json!([{"server": "a", "methods": ["*", method]}]).to_string();
            check(&entries, &[("a", message(method, None), "s[1]"), ("a", message("ping", None), "s[1]")]);
        }
    }
    for known in crate::mcp::methods::METHODS {
        check("[{server: a, methods: all, tools: [x]}]", &[("a", message(known.name, "x"), "s[1]")]);
    }
}

#[test]
fn servers_are_compared_without_outer_slashes_and_with_their_case() {
    check(
        "[{server: /team/a/}, {server: b}, {server: all, methods: [x]}]",
        &[
            ("team/a", Call::Stream, "s[1]"),
            ("/team/a", Call::Stream, "s[1]"),
            ("b/", Call::Stream, "s[2]"),
            ("B", Call::Stream, "s[3]"),
            ("team", Call::Stream, "s[3]"),
            ("all", Call::Stream, "s[3]"),
            ("*", Call::Stream, "s[3]"),
            ("b", message("x", None), "s[3]"),
        ],
    );
    check("[{server: a*}]", &[("ab", Call::Stream, "Server"), ("a*", Call::Stream, "s[1]")]);
}

#[test]
fn an_entry_whose_condition_does_not_hold_does_not_exist() {
    let policy = policy(
        "s:\n- {server: a, methods: [tools/list, tools/call], tools: [x], when: {department: [finance, audit]}}\n\
         - {server: a, methods: [tools/list], tools: [y]}\n",
    );
    let of = |department: &str| {
        let claims = Map::from_iter([("department".to_owned(), json!(department))]);
        Principal { claims, ..bearer(&["s"]) }
    };
    for (department, call, list) in [("audit", "s[1]", "s[1]"), ("sales", "Method", "s[2]")] {
        let who = of(department);
        assert_eq!(verdict(&policy, &who, "a", &message("tools/call", "x")), call);
        assert_eq!(verdict(&policy, &who, "a", &message("tools/list", None)), list);
        assert_eq!(policy.grants(&who).shows("a", Listed::Tool, "x"), department == "audit");
        // A scope that would not help is not named.
        assert_eq!(policy.helping_scopes(&policy.grants(&of("sales")), "a", &message("tools/call", "x")), []);
    }
}

#[test]
fn a_list_shows_what_is_named_beside_it_and_what_may_be_used() {
    use Listed::{Prompt, Resource, Template, Tool};
    for (entries, listed, shown, hidden) in [
        ("{methods: [tools/list, tools/call], tools: [a]}", Tool, "a", "b"),
        ("{methods: [tools/list], tools: [a]}", Tool, "a", "b"),
        ("{methods: [tools/call], tools: [a]}", Tool, "a", "b"),
        ("{methods: [prompts/list], prompts: [a]}", Prompt, "a", "b"),
        ("{methods: [prompts/get], prompts: [a]}", Prompt, "a", "b"),
        ("{methods: [resources/list], resources: [a]}", Resource, "a", "b"),
        ("{methods: [resources/read], resources: [a]}", Resource, "a", "b"),
        ("{methods: [resources/templates/list], resources: ['a{b}']}", Template, "a{b}", "a"),
        ("{methods: [resources/read], resources: ['a{b}']}", Template, "a{b}", "a"),
        // Nothing is named, so nothing is hidden.
        ("{methods: [tools/list]}", Tool, "a", ""),
        ("{methods: [tools/list], tools: '*'}", Tool, "a", ""),
        ("{methods: [tools/call], tools: [all]}", Tool, "a", ""),
        ("{methods: [prompts/list], tools: [x]}", Prompt, "a", ""),
        ("{methods: [prompts/get]}", Prompt, "a", ""),
        ("{methods: [resources/list]}", Resource, "a", ""),
        ("{methods: '*'}", Template, "a", ""),
        // The methods of another list, or nothing that may be called.
        ("{methods: [prompts/list, resources/list], tools: [a]}", Tool, "", "a"),
        ("{methods: [tools/call]}", Tool, "", "a"),
        ("{methods: [resources/list]}", Template, "", "a"),
        ("{methods: [tools/list], tools: ['*']}", Prompt, "", "a"),
    ] {
        let policy = policy(&format!("s: [{}]", entries.replacen('{', "{server: x, ", 1)));
        let grants = policy.grants(&bearer(&["s"]));
        let view = grants.view("x", listed);
        for (name, expected) in [(shown, true), (hidden, false)] {
            if !name.is_empty() {
                assert_eq!(grants.shows("x", listed, name), expected, "{entries} {name}");
                assert_eq!(view.shows(name), expected, "{entries} {name}");
                assert!(!grants.shows("y", listed, name), "{entries}");
            }
        }
        assert_eq!(view.shows_everything(), hidden.is_empty(), "{entries}");
    }
}

#[test]
fn the_scope_that_would_help_is_the_narrowest() {
    let policy = policy(FIXTURE);
    let nobody = policy.grants(&Principal::default());
    let helping = |server, call: &Call<'_>| policy.helping_scopes(&nobody, server, call);
    for (server, call, expected) in [
        ("fininfo", message("tools/call", "print_stock_data"), Some("mcp-servers-restricted/execute")),
        ("fininfo", message("tools/call", "delete_all"), Some("mcp-servers-unrestricted/execute")),
        ("currenttime", message("tools/list", None), Some("mcp-servers-restricted/read")),
        ("fininfo", message("prompts/get", "x"), Some("registry-admins")),
        ("fininfo", message("tools/call", None), None),
    ] {
        assert_eq!(helping(server, &call).first().map(|scope| &**scope), expected, "{server} {call:?}");
    }
    let all = helping("fininfo", &message("tools/call", "print_stock_data"));
    let all: Vec<&str> = all.iter().map(|scope| &**scope).collect();
    assert_eq!(
        all,
        ["mcp-servers-restricted/execute", "mcp-servers-unrestricted/execute", "registry-admins"]
    );
}

#[test]
fn names_for_headers_are_of_the_server_and_harmless() {
    let policy = policy(
        "offline_access: [{server: a}]\nb: [{server: b}]\nz: [{server: '*'}]\n\"a\\\"b\": [{server: a}]\n\
         'a b': [{server: a}]\n\"a\\r\\nX: y\": [{server: a}]\n\u{fc}: [{server: a}]\na: [{server: /a}]\n",
    );
    let names = |server| policy.scopes_for(server).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names("a"), ["z", "a"]);
    assert_eq!(names("b"), ["b", "z"]);
    assert_eq!(names("c"), ["z"]);
    assert_eq!(policy.servers().into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_thousand_servers_decide_as_ten_do() {
    let text = |servers: usize| {
        let entry = |n: usize| {
            let tools: Vec<_> = (0..50).map(|tool| format!("tool{tool}_of{n}")).collect();
            json!({"server": format!("server{n}"), "methods": ["tools/list", "tools/call"], "tools": tools})
        };
        json!({ "s": (0..servers).map(entry).collect::<Vec<_>>() }).to_string()
    };
    let (few, many) = (policy(&text(10)), policy(&text(1000)));
    assert_eq!(many.servers().len(), 1000);
    let (few, many) = (few.grants(&bearer(&["s"])), many.grants(&bearer(&["s"])));
    let rule = |grants: &Grants, server: &str, tool: &str| {
        decide(grants, server, &message("tools/call", tool)).map(|permit| permit.rule().clone())
    };
    for n in 0..10 {
        let server = format!("server{n}");
        for tool in 0..51 {
            let tool = format!("tool{tool}_of{n}");
            assert_eq!(rule(&few, &server, &tool), rule(&many, &server, &tool), "{server} {tool}");
        }
    }
    assert_eq!(rule(&many, "server999", "tool49_of999").map(|rule| rule.entry), Ok(1000));
    assert_eq!(rule(&many, "server999", "tool49_of998"), Err(Denial::Name));
    assert_eq!(rule(&many, "server1000", "tool49_of999"), Err(Denial::Server));
}

#[test]
fn a_token_for_one_server_has_nothing_at_another() {
    let policy = policy("s: [{server: '*', methods: ['*'], tools: ['*']}]");
    let only = |servers: &[&str]| Principal {
        servers: Some(servers.iter().map(ToString::to_string).collect()),
        ..bearer(&["s"])
    };
    for (servers, here, there) in
        [(&["a"][..], true, false), (&["b", "c"], false, false), (&[], false, false)]
    {
        let grants = policy.grants(&only(servers));
        for (server, expected) in [("a", here), ("other", there)] {
            assert_eq!(grants.opens(server), expected, "{servers:?} {server}");
            for call in [Call::Stream, message("tools/call", "x"), message("tools/list", None)] {
                assert_eq!(decide(&grants, server, &call).is_ok(), expected, "{servers:?} {server} {call:?}");
            }
            assert_eq!(grants.shows(server, Listed::Tool, "x"), expected);
            assert_eq!(grants.view(server, Listed::Tool).shows("x"), expected);
        }
    }
    assert!(policy.grants(&bearer(&["s"])).opens("a"));
}
