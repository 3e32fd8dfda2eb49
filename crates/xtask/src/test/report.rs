//! What a run ends with: read first by whoever has to mend something.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use super::job::Outcome;

/// How many of the slowest tests are named.
const SLOWEST: usize = 20;

/// The parts of a run and how long they took, one after another.
pub(super) type Phases = Vec<(String, Duration)>;

/// Everything that is known at the end.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) phases: Phases,
    pub(super) outcomes: Vec<Outcome>,
    /// Lines of `skipped.rs`.
    pub(super) skipped: Vec<String>,
    pub(super) may_skip: bool,
    /// What went right at the second attempt.
    pub(super) retried: Vec<String>,
    /// How long the compiler took for each binary, by the name of [`Outcome`].
    pub(super) compiled: BTreeMap<String, Duration>,
    /// What repeats the order that failed.
    pub(super) again: Option<String>,
}

impl Report {
    pub(super) fn is_good(&self) -> bool {
        let ran = self.outcomes.iter().all(Outcome::is_good);
        ran && (self.may_skip || self.skipped.is_empty())
    }

    /// The summary. Its last line has the form that CI reads.
    pub(super) fn summary(&self) -> String {
        let mut lines = vec!["==> summary".to_owned(), self.times()];
        lines.push(or_nothing("retried", &self.retried));
        lines.push(or_nothing("skipped", &self.skipped));
        if !self.skipped.is_empty() {
            lines.push(if self.may_skip {
                "    allowed here; with CI=true a skipped test is a failure".to_owned()
            } else {
                "FAILED: CI=true allows no skipped test".to_owned()
            });
        }
        lines.extend(self.failures());
        let passed: usize = self.outcomes.iter().map(|outcome| outcome.passed).sum();
        let failed: usize = self.outcomes.iter().map(count_failed).sum();
        lines.push(format!("{passed} passed, {failed} failed"));
        lines.join("\n")
    }

    fn times(&self) -> String {
        let total = self.phases.iter().map(|(_, took)| *took).sum();
        let parts = self.phases.iter().map(|(name, took)| format!("{name} {}", in_words(*took)));
        format!("took {}: {}", in_words(total), parts.collect::<Vec<_>>().join(", "))
    }

    fn failures(&self) -> Vec<String> {
        let failed = || self.outcomes.iter().filter(|outcome| !outcome.is_good());
        let mut lines = Vec::new();
        for outcome in failed() {
            lines.extend(
                outcome.failed.iter().map(|test| format!("FAILED: {}: {test}", outcome.name)),
            );
            lines.extend(
                outcome.broken.iter().map(|why| format!("FAILED: {}: {why}", outcome.name)),
            );
        }
        if let Some(command) = command(&failed().collect::<Vec<_>>()) {
            lines.push(format!("run just these: {command}"));
        }
        lines.extend(self.again.iter().map(|command| format!("run this order: {command}")));
        lines
    }

    /// Where the time went.
    pub(super) fn table(&self) -> String {
        let mut rows: BTreeMap<&str, (Duration, usize)> = BTreeMap::new();
        for outcome in &self.outcomes {
            let (took, passed) = rows.entry(&outcome.name).or_default();
            *took += outcome.took;
            *passed += outcome.passed;
        }
        let compiled = |name: &str| self.compiled.get(name).copied().unwrap_or_default();
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by_key(|(name, (took, _))| std::cmp::Reverse(*took + compiled(name)));
        let mut text =
            "==> timings: seconds on the clock, beside whatever ran at the time\n".to_owned();
        let _ = writeln!(text, "{:>9} {:>9} {:>7}  binary", "compiled", "run", "tests");
        for (name, (took, passed)) in rows {
            let (compiled, took) = (compiled(name).as_secs_f32(), took.as_secs_f32());
            let _ = writeln!(text, "{compiled:>9.1} {took:>9.1} {passed:>7}  {name}");
        }
        let mut tests: Vec<_> = self
            .outcomes
            .iter()
            .flat_map(|outcome| {
                outcome.tests.iter().map(|(test, took)| (took, &outcome.name, test))
            })
            .collect();
        tests.sort_by_key(|(took, ..)| std::cmp::Reverse(**took));
        let _ = writeln!(text, "{:>9}  slowest tests", "run");
        for (took, name, test) in tests.into_iter().take(SLOWEST) {
            let _ = writeln!(text, "{:>9.1}  {name}: {test}", took.as_secs_f32());
        }
        text
    }
}

fn count_failed(outcome: &Outcome) -> usize {
    outcome.failed.len() + usize::from(outcome.broken.is_some())
}

fn or_nothing(what: &str, lines: &[String]) -> String {
    if lines.is_empty() { format!("nothing {what}") } else { lines.join("\n") }
}

fn in_words(took: Duration) -> String {
    let (minutes, seconds) = (took.as_secs() / 60, took.as_secs() % 60);
    if minutes == 0 { format!("{seconds} s") } else { format!("{minutes} min {seconds} s") }
}

/// The command that runs the failed tests and no others.
fn command(failed: &[&Outcome]) -> Option<String> {
    let (documentation, binaries): (Vec<&Outcome>, Vec<&Outcome>) =
        failed.iter().copied().partition(|outcome| outcome.option == ["--doc"]);
    let mut commands = Vec::new();
    if !binaries.is_empty() {
        let mut options: Vec<_> = binaries.iter().map(|outcome| outcome.option.join(" ")).collect();
        options.sort();
        options.dedup();
        let mut tests: Vec<_> =
            binaries.iter().flat_map(|outcome| outcome.failed.iter().cloned()).collect();
        tests.sort();
        tests.dedup();
        let exact = if tests.is_empty() {
            String::new()
        } else {
            format!(" -- --exact {}", tests.join(" "))
        };
        commands.push(format!("cargo xtask test -- {}{exact}", options.join(" ")));
    }
    if !documentation.is_empty() {
        commands.push("cargo xtask test -- --doc".to_owned());
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, option: &[&str], passed: usize, failed: &[&str]) -> Outcome {
        Outcome {
            name: name.to_owned(),
            option: option.iter().map(|word| (*word).to_owned()).collect(),
            passed,
            failed: failed.iter().map(|test| (*test).to_owned()).collect(),
            broken: None,
            took: Duration::from_secs(3),
            tests: vec![("slow".to_owned(), Duration::from_secs(2))],
            output: String::new(),
        }
    }

    fn report(outcomes: Vec<Outcome>) -> Report {
        let phases = vec![
            ("build".to_owned(), Duration::from_secs(61)),
            ("tests".to_owned(), Duration::from_secs(9)),
        ];
        Report { phases, outcomes, may_skip: true, ..Report::default() }
    }

    #[test]
    fn a_good_run_says_how_long_and_how_many() {
        let report = report(vec![outcome("core --lib", &["--lib"], 7, &[])]);
        assert_eq!(
            report.summary(),
            "==> summary\ntook 1 min 10 s: build 1 min 1 s, tests 9 s\nnothing retried\nnothing skipped\n\
             7 passed, 0 failed"
        );
        assert!(report.is_good());
    }

    #[test]
    fn a_failing_run_ends_with_the_failed_tests_and_the_command_that_runs_just_these() {
        let mut report = report(vec![
            outcome("diesel --test faults", &["--test", "faults"], 7, &["b", "a"]),
            outcome("cli --test apikey", &["--test", "apikey"], 1, &["c::d"]),
            outcome("core --lib", &["--lib"], 1, &[]),
        ]);
        report.again = Some("cargo xtask test --repeat 1 --seed 5".to_owned());
        assert!(!report.is_good());
        let summary = report.summary();
        let end = "\
FAILED: diesel --test faults: b
FAILED: diesel --test faults: a
FAILED: cli --test apikey: c::d
run just these: cargo xtask test -- --test apikey --test faults -- --exact a b c::d
run this order: cargo xtask test --repeat 1 --seed 5
9 passed, 3 failed";
        assert!(summary.ends_with(end), "{summary}");
    }

    #[test]
    fn a_binary_that_breaks_is_a_failure_and_run_again_as_a_whole() {
        let mut broken = outcome("documentation", &["--doc"], 3, &[]);
        broken.broken = Some("it ended without a result".to_owned());
        let summary = report(vec![broken]).summary();
        let end = "\
FAILED: documentation: it ended without a result
run just these: cargo xtask test -- --doc
3 passed, 1 failed";
        assert!(summary.ends_with(end), "{summary}");
    }

    #[test]
    fn a_skipped_test_is_named_and_fails_only_in_ci() {
        let mut report = report(vec![outcome("core --lib", &["--lib"], 7, &[])]);
        report.skipped = vec!["skipped: mysql: no server".to_owned()];
        assert!(report.is_good());
        assert!(report.summary().contains("skipped: mysql: no server\n    allowed here"));
        report.may_skip = false;
        assert!(!report.is_good());
        assert!(report.summary().contains("skipped: mysql: no server\nFAILED: CI=true"));
    }

    #[test]
    fn the_table_has_what_took_longest_first() {
        let mut report = report(vec![
            outcome("core --lib", &["--lib"], 7, &[]),
            outcome("core --lib", &["--lib"], 1, &[]),
            outcome("cli --bin x", &["--bin", "x"], 1, &[]),
        ]);
        report.compiled.insert("cli --bin x".to_owned(), Duration::from_secs(9));
        let table = report.table();
        let rows: Vec<_> = table.lines().map(str::trim).collect();
        assert_eq!(
            rows[2..4],
            ["9.0       3.0       1  cli --bin x", "0.0       6.0       8  core --lib"]
        );
        assert_eq!(rows[5], "2.0  core --lib: slow");
    }
}
