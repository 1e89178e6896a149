//! What README.md, SECURITY.md and the book promise about secrets, decisions and load, each with the tests that hold it: a
//! promise that is reworded or a test that is renamed needs a new look.
#![cfg(test)]

use std::path::Path;

/// A document, a sentence or a part of one, and the tests that hold it: a file, and functions in it.
type Promise = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const PROMISES: &[Promise] = &[
    (
        "README.md",
        "with no token in their files",
        &[(
            "clients/install.rs",
            "without_a_name_the_clients_that_are_here_are_configured_each_in_its_best_way",
        )],
    ),
    (
        "README.md",
        "validates each caller's token",
        &[
            ("gateway/odd_tokens.rs", "no_odd_token_is_believed_and_none_is_more_than_refused"),
            ("gateway/attacks.rs", "h7_a_second_request_on_the_connection_is_authenticated_on_its_own"),
        ],
    ),
    (
        "README.md",
        "decides\n  about each server, method and tool",
        &[
            ("gateway/attacks.rs", "h4_get_and_delete_are_decided_too"),
            ("gateway/methods.rs", "a_method_that_mcp_does_not_have_is_refused"),
            ("gateway/framing/mod.rs", "a_server_gets_whole_allowed_calls_or_nothing"),
        ],
    ),
    (
        "README.md",
        "filters lists",
        &[("gateway/answers.rs", "a_lists_answer_never_shows_a_hidden_tool_however_it_is_sent")],
    ),
    (
        "README.md",
        "writes an audit line for every decision",
        &[
            ("gateway/audit.rs", "each_decision_is_one_line_that_says_why"),
            ("gateway/audit.rs", "what_is_refused_before_anybody_is_known_has_its_line_too"),
            ("gateway/audit_faults.rs", "where_no_line_can_be_written_nothing_is_done"),
        ],
    ),
    (
        "README.md",
        "reads the same `.env`, and writes the same files",
        &[
            ("book/migration.rs", "every_command_of_the_scripts_is_mapped"),
            ("client_configs.rs", "every_kind_of_server_is_written_as_the_reference_writes_it"),
        ],
    ),
    ("README.md", "neither needs an account", &[("smoke.rs", "demo_shows_every_flow_without_an_account")]),
    (
        "README.md",
        "which adds a fresh token to every request",
        &[("bridge/stdio.rs", "through_the_gateway_with_a_fresh_ingress_token")],
    ),
    (
        "README.md",
        "refresh tokens are used once, even across processes and\n  kills",
        &[
            ("rotation.rs", "two_hundred_refreshes_by_two_at_once_use_each_refresh_token_once"),
            ("kills.rs", "killed_at_two_hundred_points_a_refresh_loses_nothing_that_had_reached_the_disk"),
            ("full_disk.rs", "a_full_disk_does_not_cost_the_login"),
        ],
    ),
    (
        "README.md",
        "with your own entries\n  and comments preserved",
        &[
            ("clients/merging.rs", "what_was_there_stays_in_every_clients_file_whichever_way_comes_and_goes"),
            ("client_configs.rs", "a_users_own_file_keeps_its_comments_its_order_and_one_backup"),
        ],
    ),
    (
        "README.md",
        "The tests run its command blocks,\nreplay its recordings and generate its reference from the code",
        &[
            ("book/examples.rs", "its_commands_run"),
            ("book/examples.rs", "its_recordings_are_what_is_printed"),
            ("book/generated.rs", "every_generated_part_is_made_by_a_test"),
        ],
    ),
    (
        "SECURITY.md",
        "A secret, token or code reaches a place it is not for: a log, an error, a process argument",
        &[
            ("secrets.rs", "a_run_of_everything_says_no_secret"),
            ("secrets.rs", "no_process_has_a_secret_in_its_arguments_while_a_login_waits"),
            ("identity/echo.rs", "a_secret_that_comes_back_encoded_is_not_printed"),
            ("identity/hosts.rs", "another_host_gets_nothing_from_any_verb"),
            ("gateway/leaks.rs", "h10_the_token_reaches_no_server_in_any_mode"),
            ("gateway/leaks.rs", "h12_neither_tokens_nor_arguments_nor_queries_are_written_down"),
        ],
    ),
    (
        "SECURITY.md",
        "changes where a secret\n  goes or what is run",
        &[
            ("provenance/destinations.rs", "a_secret_goes_nowhere_that_a_found_file_names"),
            ("provenance/tokens.rs", "no_verb_sends_it_to_a_found_gateway"),
            ("provenance/machine.rs", "machine_settings_are_named_once_and_not_taken"),
            ("provenance/gateway.rs", "a_stored_credential_goes_to_no_found_server"),
            ("provenance/shapes.rs", "a_command_in_the_folders_own_files_is_not_run"),
        ],
    ),
    (
        "SECURITY.md",
        "an answer\n  reaches a caller whose rights have ended",
        &[
            ("gateway/rights.rs", "every_stream_ends_with_the_right_to_it"),
            ("gateway/rights.rs", "an_answer_that_comes_too_late_is_nobodys"),
        ],
    ),
    (
        "SECURITY.md",
        "A login ends with a token of another person, issuer or client",
        &[("login.rs", "another_issuers_answer_ends_the_login_and_gets_no_code")],
    ),
    (
        "SECURITY.md",
        "One caller, or a stranger, stops the gateway for everybody else",
        &[
            ("gateway/crowds.rs", "silent_connections_lock_nobody_out_where_descriptors_are_few"),
            ("gateway/shares.rs", "memory_is_shared_by_callers_and_nobody_has_all_of_it"),
            ("gateway/questions.rs", "six_hundred_made_up_tokens_cost_a_handful_of_questions"),
            ("gateway/stuck.rs", "a_pipe_that_comes_later_stops_nothing_and_is_said"),
        ],
    ),
    (
        "docs/gateway/overview.md",
        "They end as soon as the caller's token or rights end",
        &[
            ("gateway/rights.rs", "every_stream_ends_with_the_right_to_it"),
            ("gateway/rights.rs", "a_busy_stream_ends_too"),
            ("gateway/rights.rs", "a_stream_ends_when_the_issuer_no_longer_vouches_for_its_token"),
        ],
    ),
    (
        "docs/gateway/overview.md",
        "A call's stream ends with the right to that very\ncall",
        &[("gateway/rights.rs", "a_calls_stream_ends_with_the_right_to_its_tool_and_no_other_does")],
    ),
    (
        "docs/gateway/overview.md",
        "unless it has a declared length or a content coding",
        &[("gateway/rights.rs", "no_comment_goes_into_a_stream_of_fixed_length_or_with_a_coding")],
    ),
    (
        "docs/gateway/operations.md",
        "A check opens nothing",
        &[
            ("gateway/health.rs", "a_check_opens_nothing"),
            ("gateway/health.rs", "a_check_leaves_no_session_behind"),
        ],
    ),
    (
        "docs/gateway/egress.md",
        "everything that describes the caller, and\nany header that contains the ingress token",
        &[
            ("gateway/leaks.rs", "h10_the_token_reaches_no_server_in_any_mode"),
            ("gateway/leaks.rs", "h10_what_a_client_says_of_its_identity_never_arrives"),
        ],
    ),
    (
        "docs/reference/audit.md",
        "A file that was removed is made again",
        &[("gateway/audit_faults.rs", "a_file_that_was_removed_is_made_again_or_nothing_is_done")],
    ),
    (
        "docs/guides/secrets.md",
        "without any secret that was sent, also in percent-encoding",
        &[("identity/echo.rs", "a_secret_that_comes_back_encoded_is_not_printed")],
    ),
    (
        "docs/guides/secrets.md",
        "A tokens directory that mcpauth creates contains a\n  `.gitignore` of `*`",
        &[("identity/kept.rs", "a_new_tokens_directory_is_ignored_by_git")],
    ),
    (
        "docs/guides/settings.md",
        "Such a run ends with exit code 2; the message names both sources",
        &[("provenance/destinations.rs", "the_command_that_the_refusal_names_works")],
    ),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn each_is_still_made_and_held_by_its_tests() {
    for (document, promise, tests) in PROMISES {
        assert!(read(document).contains(promise), "{document} no longer says: {promise}");
        assert!(!tests.is_empty());
        for (file, name) in *tests {
            let text = read(&format!("tests/{file}"));
            let at = text
                .find(&format!("fn {name}("))
                .unwrap_or_else(|| panic!("{promise}: {file} has no {name}"));
            let before = text.get(..at).unwrap_or_default();
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            assert!(
                attributes.contains("#[test]") && !attributes.contains("#[ignore"),
                "{file}: {name} is no test"
            );
        }
    }
}

/// Numbers in words are promises as well.
#[test]
fn what_the_readme_counts_is_there() {
    let text = read("README.md");
    let files =
        |dir: &str| std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)).unwrap().count();
    let words = ["fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"];
    let word = |count: usize| count.checked_sub(15).and_then(|at| words.get(at)).copied().unwrap_or("?");
    let providers = word(files("providers"));
    assert!(text.to_lowercase().contains(&format!("{providers} services are")), "{providers} services");
    let clients = word(files("templates"));
    assert!(text.contains(&format!("**Clients:** {clients},")), "{clients} clients");
}
