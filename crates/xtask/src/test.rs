//! `cargo xtask test`: every test with every feature, and one summary of what became of them.
//!
//! Some tests need a server, or a Django site. Servers that can be started are (`services.rs`), and Django is
//! installed (`python.rs`), unless the environment names one; both while the tests are built. Then this program
//! runs the test binaries itself, several at a time, as many of them wait for something most of the time.
//!
//! Not every machine has all of them. A test that cannot run says so in a file, since nobody reads what a passing
//! test prints: it appends one line, `skipped: <case>: <reason>`, to the file named by the environment variable
//! `APIKEY_SKIPPED`, in a single write, and returns. The summary repeats the lines. Where `CI=true`, one such line
//! fails the run: a hole in the tests is then a decision, not an accident. No test is tried a second time.

mod binary;
mod compiled;
mod crew;
mod job;
mod order;
mod report;
mod selection;
mod skipped;

use std::{
    env,
    ffi::OsString,
    fs,
    process::ExitCode,
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, anyhow};
use tempfile::NamedTempFile;

use self::{
    binary::Binary,
    crew::AfterFailure,
    job::{Job, Outcome},
    order::Order,
    report::Report,
    selection::Selection,
};
use crate::{
    load::Load,
    python::{self, Python},
    services::Services,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  cargo xtask test                      everything
  cargo xtask test --timings            everything, and where the time went
  cargo xtask test -- revoked           the tests whose name contains `revoked`
  cargo xtask test -- -- --nocapture    everything, with what the tests print
  CI=true cargo xtask test              as in CI: a skipped test is a failure

Does a test depend on its neighbours, or on a quiet machine?
  cargo xtask test --repeat 3                                 everything three times, each time in another order
  cargo xtask test --repeat 20 --only timing --under-load     what touches time, processes or servers, beside load
  cargo xtask test --repeat 20 --only servers,end_to_end      two test binaries
  cargo xtask test --repeat 50 --only faults -- killed        some tests of one
  cargo xtask test --repeat 1 --seed 4711                     the order that failed; it is printed then

Sets for `--only`: time, processes, databases; timing is the three together.";

/// Binaries that take longest begin first, so that none of them runs alone at the end.
const LONG: [&str; 6] = ["ui", "django", "end_to_end", "models", "apikey", "servers"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs the tests N times, each time in another order, and stops at the first failure.
    #[arg(long, value_name = "N")]
    repeat: Option<u64>,

    /// The order of the first repetition; the next ones have the seeds after it.
    #[arg(long, value_name = "S", requires = "repeat")]
    seed: Option<u64>,

    /// Keeps two processes busy beside the tests.
    #[arg(long)]
    under_load: bool,

    /// Runs the test binaries of these names, or sets of them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,

    /// Prints where the time went: compiling and running each binary, and the slowest tests.
    #[arg(long)]
    timings: bool,

    /// Arguments for `cargo test`, and after another `--` for the tests themselves.
    #[arg(last = true, value_name = "ARGUMENT")]
    pub(crate) cargo: Vec<OsString>,
}

/// Runs the tests, and says what became of them.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let selection = Selection::of(&args.cargo);
    let file = NamedTempFile::new().context("cannot create the file of skipped tests")?;
    let start = Instant::now();
    let (surroundings, binaries) = thread::scope(|scope| {
        let surroundings = scope.spawn(Surroundings::prepare);
        let binaries = build(args, &selection);
        let surroundings =
            surroundings.join().map_err(|_| anyhow!("the start of servers panicked"));
        anyhow::Ok((surroundings??, binaries?))
    })?;
    let mut report = Report::default();
    report.phases.push(("build".to_owned(), start.elapsed()));
    if args.timings {
        report.compiled = compiled::durations(&binaries).unwrap_or_default();
    }
    let mut variables = surroundings.variables;
    variables.push(("APIKEY_SKIPPED".to_owned(), file.path().into()));
    let stage = Stage { args, selection: &selection, binaries: &binaries, variables };
    let load = Load::of(if args.under_load { 2 } else { 0 })?;
    match args.repeat {
        None => stage.once(&mut report),
        Some(times) => stage.repeatedly(times, &mut report)?,
    }
    drop(load);
    drop(surroundings.services);

    let text = fs::read_to_string(&file).context("cannot read the file of skipped tests")?;
    report.skipped = skipped::notices(&text, &surroundings.missing);
    report.may_skip = skipped::may_skip(env::var_os("CI").as_deref());
    report.retried = surroundings.retried;
    if args.timings {
        println!("\n{}", report.table());
    }
    println!("\n{}", report.summary());
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn build(args: &Args, selection: &Selection) -> anyhow::Result<Vec<Binary>> {
    if selection.is_documentation() {
        return Ok(Vec::new());
    }
    let mut arguments = selection.cargo.clone();
    if args.timings {
        arguments.push("--timings".into());
    }
    let mut binaries = selection::only(binary::build(&arguments)?, &args.only)?;
    let is_long = |binary: &Binary| LONG.iter().position(|name| binary.target == *name);
    binaries.sort_by_key(|binary| is_long(binary).unwrap_or(LONG.len()));
    Ok(binaries)
}

/// What the tests need beside themselves.
struct Surroundings {
    services: Services,
    variables: Vec<(String, OsString)>,
    missing: Vec<String>,
    retried: Vec<String>,
}

impl Surroundings {
    /// One after the other: both may install packages.
    fn prepare() -> anyhow::Result<Self> {
        let mut services = Services::start()?;
        let mut missing = std::mem::take(&mut services.missing);
        let retried = std::mem::take(&mut services.retried);
        let urls = services.variables.iter().cloned();
        let mut variables: Vec<_> = urls.map(|(name, url)| (name, url.into())).collect();
        match python::prepare() {
            Python::Given => {}
            Python::Ready(path) => variables.push((python::VARIABLE.to_owned(), path.into())),
            Python::Missing(reason) => missing.push(reason),
        }
        Ok(Self { services, variables, missing, retried })
    }
}

/// Everything that is there before the first test.
struct Stage<'a> {
    args: &'a Args,
    selection: &'a Selection,
    binaries: &'a [Binary],
    variables: Vec<(String, OsString)>,
}

impl Stage<'_> {
    fn once(&self, report: &mut Report) {
        let start = Instant::now();
        let arguments = &self.selection.tests;
        let mut jobs: Vec<_> = self.documentation().into_iter().collect();
        jobs.extend(self.binaries.iter().map(|binary| Job::all(binary, arguments)));
        // Whoever asks for what the tests print wants to see it.
        let is_loud = arguments.iter().any(|argument| {
            ["--nocapture", "--no-capture", "--show-output"].iter().any(|loud| argument == loud)
        });
        let show = |outcome: &Outcome| show(outcome, is_loud);
        report.outcomes = crew::run(jobs, &self.variables, AfterFailure::GoOn, show);
        report.phases.push(("tests".to_owned(), start.elapsed()));
    }

    fn documentation<'a>(&self) -> Option<Job<'a>> {
        let is_meant = self.args.only.is_empty() && self.selection.has_documentation();
        is_meant.then(|| Job::documentation(&self.selection.for_documentation()))
    }

    fn repeatedly(&self, times: u64, report: &mut Report) -> anyhow::Result<()> {
        let mut listed = Vec::new();
        for binary in self.binaries {
            listed.push((binary, binary.list(&self.selection.tests)?));
        }
        let seed = self.args.seed.unwrap_or_else(any_seed);
        let (begun, mut repeated) = (Instant::now(), 0);
        for round in 0..times {
            let (start, seed) = (Instant::now(), seed.wrapping_add(round));
            println!("\n==> repetition {} of {times}, seed {seed}", round + 1);
            let mut order = Order::of(seed);
            let mut jobs = order.deal(&listed);
            jobs.extend(self.documentation());
            order.shuffle(&mut jobs);
            let show = |outcome: &Outcome| {
                if !outcome.is_good() {
                    show(outcome, true);
                }
            };
            let outcomes = crew::run(jobs, &self.variables, AfterFailure::Stop, show);
            let failed = outcomes.iter().any(|outcome| !outcome.is_good());
            let passed: usize = outcomes.iter().map(|outcome| outcome.passed).sum();
            println!("    {passed} passed in {:.0} s", start.elapsed().as_secs_f32());
            report.outcomes.extend(outcomes);
            repeated = round + 1;
            if failed {
                report.again = Some(self.again(seed));
                break;
            }
        }
        report.phases.push((format!("{repeated} of {times} repetitions"), begun.elapsed()));
        Ok(())
    }

    /// The command that repeats one order.
    fn again(&self, seed: u64) -> String {
        let mut command = format!("cargo xtask test --repeat 1 --seed {seed}");
        if self.args.under_load {
            command += " --under-load";
        }
        if !self.args.only.is_empty() {
            command += &format!(" --only {}", self.args.only.join(","));
        }
        if !self.args.cargo.is_empty() {
            let words: Vec<_> =
                self.args.cargo.iter().map(|argument| argument.to_string_lossy()).collect();
            command += &format!(" -- {}", words.join(" "));
        }
        command
    }
}

/// A number that nobody chose, short enough to be told to somebody.
fn any_seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_micros())
}

/// One line for what went well, and everything it said for what did not.
fn show(outcome: &Outcome, is_loud: bool) {
    let Outcome { name, passed, took, output, .. } = outcome;
    if outcome.is_good() && !is_loud {
        if *passed > 0 {
            println!("{passed:>6} passed {:>6.1} s  {name}", took.as_secs_f32());
        }
    } else {
        println!("\n==> {name}\n{output}");
    }
}
