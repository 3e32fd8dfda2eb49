//! Runs one case, or reports that it is skipped.

use std::env;
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

/// How long one case may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs a case on a runtime of its own with two threads, unless it is among the skipped ones or the
/// fixture is not `available`. The macros call it.
///
/// # Panics
/// If the case fails, or takes over two minutes.
pub fn run(
    case: &str,
    skipped: &[(&str, &str)],
    available: Result<(), String>,
    body: impl Future<Output = ()>,
) {
    if let Some(reason) = reason_to_skip(case, skipped, available) {
        return report_skip(case, &reason);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be started");
    let outcome = runtime.block_on(async { timeout(PATIENCE, body).await });
    assert!(outcome.is_ok(), "`{case}` is stuck: it took over {} s", PATIENCE.as_secs());
    // A store's own threads may hang; the case is decided.
    runtime.shutdown_background();
}

fn reason_to_skip(
    case: &str,
    skipped: &[(&str, &str)],
    available: Result<(), String>,
) -> Option<String> {
    let name = case.rsplit("::").next().unwrap_or(case);
    let skipped = skipped.iter().find(|(skipped, _)| *skipped == name);
    skipped.map(|(_, reason)| (*reason).to_owned()).or(available.err())
}

/// Reports that a case did not run: appends the line `skipped: <case>: <reason>` to the file named by the
/// environment variable `APIKEY_SKIPPED` if it is set, and prints it.
///
/// # Panics
/// If the file cannot be written: a hole in the tests must not go unseen.
#[expect(clippy::print_stdout, reason = "it is the output of a test")]
pub fn report_skip(case: &str, reason: &str) {
    let line = format!("skipped: {case}: {}\n", reason.replace('\n', " "));
    print!("{line}");
    if let Some(path) = env::var_os("APIKEY_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("the file named by APIKEY_SKIPPED can be appended to");
    }
}

/// Says that a promise is about something that this model does not have: not a hole, so not a skip.
#[expect(clippy::print_stdout, reason = "it is the output of a test")]
pub(crate) fn not_applicable(why: &str) {
    println!("not applicable: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_the_named_cases_and_no_others() {
        let skipped = [("slow", "no time"), ("odd", "no luck")];
        let reason = |case| reason_to_skip(case, &skipped, Ok(()));
        assert_eq!(reason("tests::suite::odd").as_deref(), Some("no luck"));
        assert_eq!(reason("tests::suite::odder"), None);
        assert_eq!(reason("tests::slow::even"), None);
    }

    #[test]
    fn skips_every_case_of_a_fixture_that_is_not_available() {
        let reason = reason_to_skip("suite::case", &[], Err("no server".to_owned()));
        assert_eq!(reason.as_deref(), Some("no server"));
    }

    #[test]
    #[should_panic(expected = "broken")]
    fn fails_with_the_case() {
        run("suite::case", &[], Ok(()), async { panic!("broken") });
    }
}
