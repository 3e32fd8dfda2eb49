//! The file in which tests say that they were skipped.

use std::ffi::OsStr;

/// Returns the lines in order, each once.
///
/// Every line counts, also a misspelt one: a notice that is dropped is a hole in the tests that nobody sees.
/// A missing server counts, too, whether or not a test asked for it.
pub(super) fn notices(text: &str, missing: &[String]) -> Vec<String> {
    let mut notices: Vec<_> = text
        .lines()
        .chain(missing.iter().map(String::as_str))
        .map(|line| line.strip_prefix("skipped: ").unwrap_or(line).trim())
        .filter(|notice| !notice.is_empty())
        .map(|notice| format!("skipped: {notice}"))
        .collect();
    notices.sort();
    notices.dedup();
    notices
}

pub(super) fn may_skip(ci: Option<&OsStr>) -> bool {
    ci != Some(OsStr::new("true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_notice_once_and_in_order() {
        let text = "skipped: mysql: no server\n\nskipped: a: b\nskipped: mysql: no server\n";
        assert_eq!(notices(text, &[]), ["skipped: a: b", "skipped: mysql: no server"]);
    }

    #[test]
    fn keeps_a_notice_that_forgot_its_prefix() {
        assert_eq!(notices("redis: no server", &[]), ["skipped: redis: no server"]);
    }

    #[test]
    fn names_servers_that_do_not_run() {
        let missing = ["Redis: `redis-server` is not installed".to_owned()];
        let expected = ["skipped: Redis: `redis-server` is not installed", "skipped: a: b"];
        assert_eq!(notices("skipped: a: b\n", &missing), expected);
    }

    #[test]
    fn allows_skips_everywhere_but_in_ci() {
        assert!(may_skip(None));
        assert!(may_skip(Some(OsStr::new("false"))));
        assert!(!may_skip(Some(OsStr::new("true"))));
    }
}
