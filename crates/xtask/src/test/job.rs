//! One process with tests: how it is started, and what it says.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, BufRead, BufReader},
    process::Command,
    time::{Duration, Instant},
};

use super::binary::Binary;
use crate::workspace;

/// Some tests of one binary, or the tests in the documentation.
#[derive(Debug)]
pub(super) struct Job<'a> {
    /// None for the documentation.
    pub(super) binary: Option<&'a Binary>,
    /// The names of its tests; all if none is named.
    pub(super) tests: Vec<String>,
    arguments: Vec<OsString>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) name: String,
    /// The binary's, as options of `cargo test`.
    pub(super) option: Vec<String>,
    pub(super) passed: usize,
    pub(super) failed: Vec<String>,
    /// Why it failed though no test did: it was killed, or not compiled.
    pub(super) broken: Option<String>,
    pub(super) took: Duration,
    /// How long each test took, the names in order.
    pub(super) tests: Vec<(String, Duration)>,
    /// Everything it said.
    pub(super) output: String,
}

impl<'a> Job<'a> {
    /// These tests of a binary.
    pub(super) fn of(binary: &'a Binary, tests: Vec<String>) -> Self {
        Self { binary: Some(binary), tests, arguments: Vec::new() }
    }

    /// The tests of a binary that these arguments select.
    pub(super) fn all(binary: &'a Binary, arguments: &[OsString]) -> Self {
        Self { binary: Some(binary), tests: Vec::new(), arguments: arguments.to_vec() }
    }

    /// The tests in the documentation, by cargo, with these arguments for it.
    pub(super) fn documentation(arguments: &[OsString]) -> Self {
        Self { binary: None, tests: Vec::new(), arguments: arguments.to_vec() }
    }

    pub(super) fn name(&self) -> String {
        self.binary.map_or_else(|| "documentation".to_owned(), Binary::name)
    }

    fn command(&self) -> Command {
        let Some(binary) = self.binary else {
            let mut cargo = workspace::cargo();
            cargo.args(["test", "--workspace", "--all-features", "--no-fail-fast", "--doc"]);
            cargo.args(&self.arguments);
            return cargo;
        };
        let mut command = binary.command();
        command.args(&self.arguments);
        if !self.tests.is_empty() {
            command.arg("--exact").args(&self.tests);
        }
        command
    }

    /// Runs it to its end.
    pub(super) fn run(&self, variables: &[(String, OsString)]) -> Outcome {
        let start = Instant::now();
        let mut record = Record::default();
        let mut command = self.command();
        command.envs(variables.iter().cloned());
        let ended = record.follow(command, start);
        let broken = match ended {
            Ok(true) => None,
            Ok(false) if !record.failed.is_empty() => None,
            Ok(false) => Some("it ended without a result".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        // Their order is known where one process runs them all by name.
        let tests = if self.binary.is_some() { record.durations(threads()) } else { Vec::new() };
        Outcome {
            name: self.name(),
            option: self.binary.map_or_else(|| vec!["--doc".to_owned()], Binary::option),
            passed: record.passed,
            failed: record.failed,
            broken,
            took: start.elapsed(),
            tests,
            output: record.output,
        }
    }
}

impl Outcome {
    pub(super) fn is_good(&self) -> bool {
        self.failed.is_empty() && self.broken.is_none()
    }
}

/// How many tests of a process run at a time.
fn threads() -> usize {
    let given = std::env::var("RUST_TEST_THREADS").ok().and_then(|number| number.parse().ok());
    given.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// What is read of the output.
#[derive(Debug, Default)]
struct Record {
    output: String,
    passed: usize,
    failed: Vec<String>,
    /// When each test ended, in that order.
    ends: Vec<(String, Duration)>,
}

impl Record {
    /// Runs a command, reads what it says, and returns whether it succeeded.
    fn follow(&mut self, mut command: Command, start: Instant) -> io::Result<bool> {
        let (reader, writer) = io::pipe()?;
        command.stdout(writer.try_clone()?).stderr(writer);
        let mut process = command.spawn()?;
        // The command holds the other end of the pipe.
        drop(command);
        for line in BufReader::new(reader).split(b'\n') {
            self.read(&String::from_utf8_lossy(&line?), start.elapsed());
        }
        Ok(process.wait()?.success())
    }

    fn read(&mut self, line: &str, at: Duration) {
        self.output += line;
        self.output += "\n";
        // A test may print before its result, without an end of the line.
        let Some((test, result)) =
            line.strip_prefix("test ").and_then(|line| line.rsplit_once(" ... "))
        else {
            return;
        };
        let name = test.strip_suffix(" - should panic").unwrap_or(test).to_owned();
        match result.split([',', ' ']).next() {
            Some("ok") => self.passed += 1,
            Some("FAILED") => self.failed.push(name.clone()),
            _ => return,
        }
        self.ends.push((name, at));
    }

    /// Returns how long each test took. A process with `threads` threads takes the tests in the order of their
    /// names: the first ones begin at once, and each other one when one more has ended.
    fn durations(&self, threads: usize) -> Vec<(String, Duration)> {
        let ends: BTreeMap<_, _> = self.ends.iter().map(|(name, at)| (name, *at)).collect();
        let begin = |place: usize| {
            let before = place.checked_sub(threads).and_then(|before| self.ends.get(before));
            before.map_or(Duration::ZERO, |(_, at)| *at)
        };
        let taken = |(place, (name, end)): (usize, (&String, Duration))| {
            (name.clone(), end.saturating_sub(begin(place)))
        };
        ends.into_iter().enumerate().map(taken).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "\
running 4 tests
test b ... ok
test a - should panic ... FAILED
test src/lib.rs - Key (line 3) ... ok
test d ... ignored

failures:
    a

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
";

    fn record(said: &str) -> Record {
        let mut record = Record::default();
        for (second, line) in (0..).zip(said.lines()) {
            record.read(line, Duration::from_secs(second));
        }
        record
    }

    #[test]
    fn reads_which_tests_passed_and_which_failed() {
        let record = record(SAID);
        assert_eq!(record.passed, 2);
        assert_eq!(record.failed, ["a"]);
        assert_eq!(record.output, SAID);
    }

    #[test]
    fn finds_out_how_long_each_test_took_on_two_threads() {
        // a and b begin at once; c begins when b has ended, d when a has.
        let record = record("\ntest b ... ok\n\ntest a ... ok\ntest c ... ok\n\n\ntest d ... ok\n");
        let took: Vec<_> = record.durations(2).iter().map(|(_, took)| took.as_secs()).collect();
        assert_eq!(took, [3, 1, 3, 4]);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_that_is_killed_is_no_success() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test a ... ok'; kill -9 $$"]);
        let mut record = Record::default();
        assert!(!record.follow(command, Instant::now()).unwrap());
        assert_eq!((record.passed, record.failed.len()), (1, 0));
    }
}
