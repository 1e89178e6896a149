//! What `--fix` fixes, and what it does not touch.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out files as other programs would")]

use std::fs::{File, Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::json;

use super::Patient;
use crate::support::mode;

fn chmod(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// A temporary file of ours, last written a day after the epoch.
fn left_behind(path: &Path) {
    std::fs::write(path, "{\"access").unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).unwrap();
}

#[test]
fn what_is_open_or_left_behind_is_mended_and_no_link_is_followed() {
    let patient = Patient::new();
    patient.user.run(&["ingress"]).code(0);
    patient.logged_in();
    let elsewhere = patient.user.home().join("theirs.json");
    std::fs::write(&elsewhere, "{}").unwrap();
    chmod(&elsewhere, 0o644);
    let (dir, token) = (patient.path(".oauth-tokens"), patient.path(".oauth-tokens/ingress.json"));
    let env = patient.user.file(".env", "AGENTCORE_CLIENT_SECRET_1=hunter2\n");
    let (link, left, busy) =
        (dir.join("link.json"), dir.join(".mcpauth-a1.tmp"), dir.join(".mcpauth-b2.tmp"));
    symlink(&elsewhere, &link).unwrap();
    left_behind(&left);
    std::fs::write(&busy, "half").unwrap();
    chmod(&busy, 0o600);
    for (path, mode) in [(&dir, 0o755), (&token, 0o644), (&env, 0o644)] {
        chmod(path, mode);
    }

    let before = patient.doctor(&["--offline"]).code(7);
    let at = |path: &Path| path.display().to_string();
    for (path, remedy) in [(&dir, "chmod 700"), (&token, "chmod 600"), (&env, "chmod 600")] {
        let finding = before.has("files.mode", "problem", &at(path), &format!("{remedy} {}", at(path)));
        assert_eq!(finding["fixable"], true);
    }
    assert_eq!(before.has("files.leftover", "warn", &at(&left), "rm ")["fixable"], true);
    assert_eq!(before.has("files.link", "problem", &at(&link), "rm ")["fixable"], false);
    assert_eq!((mode(&dir), mode(&token), left.exists()), (0o755, 0o644, true), "only looked at");

    let after = patient.doctor(&["--offline", "--fix"]).code(7);
    assert!(
        after.object["fixed"].as_array().unwrap().iter().all(|fix| fix["done"] == true),
        "{}",
        after.object
    );
    assert_eq!((mode(&dir), mode(&token), mode(&env)), (0o700, 0o600, 0o600));
    assert!(!left.exists() && busy.exists(), "somebody may be writing it right now");
    assert_eq!((mode(&elsewhere), std::fs::read_link(&link).unwrap()), (0o644, elsewhere));
    after.has("files.link", "problem", &at(&link), "rm ");
    assert!(!after.wrong().iter().any(|text| text.contains("files.mode")), "{:?}", after.wrong());

    std::fs::remove_file(&link).unwrap();
    std::fs::remove_file(patient.path(".env")).unwrap();
    let text = patient.user.run(&["doctor", "--offline", "--fix"]).code(0).stdout;
    assert!(!text.contains("fixed:"), "{text}");
}

#[test]
fn a_tokens_directory_that_is_a_link_is_left_alone() {
    let patient = Patient::new();
    let real = patient.user.home().join("real");
    std::fs::create_dir(&real).unwrap();
    chmod(&real, 0o755);
    symlink(&real, patient.path(".oauth-tokens")).unwrap();
    let diagnosis = patient.doctor(&["--offline", "--fix"]).code(7);
    diagnosis.has("files.link", "problem", ".oauth-tokens is a symbolic link", "--tokens-dir");
    assert_eq!(mode(&real), 0o755);
}

#[test]
fn stale_entries_are_renewed_and_everything_else_stays() {
    let patient = Patient::new();
    let client = patient.user.home().join(".vscode/mcp.json");
    std::fs::create_dir_all(client.parent().unwrap()).unwrap();
    std::fs::write(
        &client,
        "{\n  // mine\n  \"mcp\": {\"servers\": {\"own\": {\"url\": \"https://own.test\"}}}\n}\n",
    )
    .unwrap();
    patient.user.run(&["ingress"]).code(0);
    patient.logged_in();
    patient.doctor(&["--offline"]).has(
        "clients.config",
        "skipped",
        "no client has an entry from mcpauth",
        "config install",
    );
    patient.user.run(&["config", "install", "--client", "vscode-legacy"]).code(0);
    patient.doctor(&["--offline"]).has("clients.config", "ok", "are up to date", "");

    patient.user.plant("tracker-egress.json", &[("access_token", json!("hunter2-other"))]);
    // A token file that cannot be read would remove its entry, if its mode were not fixed first.
    chmod(&patient.path(".oauth-tokens/tracker-egress.json"), 0o644);
    let stale = patient.doctor(&["--offline"]);
    let finding =
        stale.has("clients.config", "warn", "are stale", "mcpauth config install --client vscode-legacy");
    assert_eq!(finding["fixable"], false, "an entry would go: {finding}");
    let fixed = patient.doctor(&["--offline", "--fix"]).code(0);
    fixed.has("clients.config", "ok", "are up to date", "");
    let text = std::fs::read_to_string(&client).unwrap();
    for text_kept in ["// mine", "https://own.test", "Bearer hunter2-other"] {
        assert!(text.contains(text_kept), "{text_kept}: {text}");
    }
    assert!(!patient.user.home().join(".roocode").exists(), "a client that is not there is not set up");
}
