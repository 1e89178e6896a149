//! The gateway's line, step by step, as callers and servers see it. Not here: attacks (see `attacks`).
#![cfg(test)]

mod answers;
mod attacks;
mod audit;
#[cfg(target_os = "linux")]
mod audit_faults;
mod cli;
mod crowds;
mod finding;
mod framing;
mod full_disk;
mod health;
mod leaks;
pub(crate) mod leaving;
mod lists;
pub(crate) mod mcpgw;
mod meanings;
mod methods;
mod odd_tokens;
mod operators;
mod page_holes;
mod pages;
mod people;
mod places;
mod protocol;
mod questions;
mod redirects;
mod registry;
mod registry_data;
mod registry_holes;
mod registry_pages;
mod registry_roles;
mod resources;
mod rights;
mod serve;
mod sessions;
mod shares;
pub(crate) mod sign_in;
mod streams;
mod stuck;
mod through;
mod tls;
mod tokens;
pub(crate) mod vending;
mod vending_attacks;
mod vending_cli;
mod vending_rights;
mod vending_shared;
mod verdicts;

use serde_json::json;

use crate::support::lab::{Lab, call, list, server};
use crate::support::wire::Scripted;

#[test]
fn an_allowed_call_goes_through_and_its_answer_comes_back() {
    let lab = Lab::start();
    let answer = lab.call(&lab.token("worker"), "alpha", "echo").status(200);
    assert_eq!(answer.json()["id"], 7);
    assert_eq!(answer.json()["result"]["content"][0]["text"], "{}");
    let arrived = lab.alpha.arrived();
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].target, "POST /mcp");
    assert_eq!(arrived[0].body, call("echo").to_string().as_bytes());
}

#[test]
fn a_call_that_was_not_granted_is_refused_before_the_server_hears_of_it() {
    let lab = Lab::start();
    for (caller, server, tool, reason) in [
        ("worker", "alpha", "delete_all", "name_not_allowed"),
        ("reader", "alpha", "echo", "method_not_allowed"),
        ("worker", "beta", "echo", "server_not_allowed"),
        ("stranger", "alpha", "echo", "no_scopes"),
    ] {
        let answer = lab.call(&lab.token(caller), server, tool).status(403);
        assert_eq!(answer.json()["error"]["data"]["reason"], reason, "{caller} {server} {tool}");
        assert_eq!(answer.json()["id"], 7);
    }
    assert_eq!(lab.arrived(), 0);
}

#[test]
fn a_list_shows_what_the_caller_may_call() {
    let lab = Lab::start();
    for (caller, expected) in [("worker", json!(["echo"])), ("root", json!(["echo", "delete_all", "secret"]))]
    {
        let answer = lab.ask(&lab.token(caller), "/alpha/mcp", &list()).status(200);
        let result = &answer.json()["result"];
        let names: Vec<&str> =
            result["tools"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
        assert_eq!(json!(names), expected, "{caller}");
        assert_eq!(result["cacheScope"], "private");
        assert_eq!(result["ttlMs"], 60_000);
    }
}

/// The old transport (2024-11-05) answers on its stream, and to the message only that it has it, in words of its own.
#[test]
fn a_list_that_is_only_taken_note_of_is_no_broken_list() {
    let old = Scripted::start(|_| (202, "Accepted".into()));
    let lab = Lab::with(|_, dir| server(dir, "old", "none", &old.base));
    let answer = lab.ask(&lab.token("root"), "/old/mcp", &list()).status(202);
    assert_eq!((answer.text().as_str(), old.asked().len()), ("", 1));
}

#[test]
fn without_a_token_there_is_a_challenge_that_leads_to_one() {
    let lab = Lab::start();
    crate::support::lab::until("ready", || lab.gateway.is_ready());
    let answer = lab.post("/alpha/mcp", &[], call("echo").to_string().as_bytes()).status(401);
    let url = format!("{}/.well-known/oauth-protected-resource/alpha/mcp", lab.gateway.public_url());
    let expected = format!("Bearer resource_metadata=\"{url}\", scope=\"worker\"");
    assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
    let document = crate::support::wire::get(&url);
    let document: serde_json::Value = serde_json::from_str(&document.body).unwrap();
    assert_eq!(document["resource"], format!("{}/alpha/mcp", lab.gateway.public_url()));
    assert_eq!(document["authorization_servers"], json!([lab.idp.issuer()]));
    assert_eq!(lab.arrived(), 0);
}
