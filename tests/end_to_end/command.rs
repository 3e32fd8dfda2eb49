//! The `apikey` command.

use std::process::Command;

use crate::program::program;

/// Runs it, and returns what it prints.
pub(crate) fn apikey(url: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program("apikey"));
    command.args(["--database-url", url]).args(arguments).env_remove("APIKEY_BRAND");
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "apikey {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns when a key was last used, as the command knows it.
pub(crate) fn last_used_at(url: &str, prefix: &str) -> Option<String> {
    let shown = apikey(url, &["show", prefix, "--output", "json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["prefix"], prefix, "{shown}");
    shown["last_used_at"].as_str().map(str::to_owned)
}
