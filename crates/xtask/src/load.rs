//! Processes that do nothing but keep the cores busy, to run tests beside.

use std::{
    env,
    io::{self, Read},
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

use anyhow::Context;

/// The argument that makes this program such a process.
pub(crate) const BUSY: &str = "keep-busy";

/// Busy processes. They end with this value, or with this process.
#[derive(Debug)]
pub(crate) struct Load(Vec<Child>);

impl Load {
    pub(crate) fn of(processes: usize) -> anyhow::Result<Self> {
        let program = env::current_exe().context("cannot find this program")?;
        let mut load = Self(Vec::new());
        for _ in 0..processes {
            let mut command = Command::new(&program);
            let started = command.arg(BUSY).stdin(Stdio::piped()).spawn();
            load.0.push(started.context("cannot start a busy process")?);
        }
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for process in &mut self.0 {
            // Waiting closes what it reads from, which ends it.
            let _ = process.wait();
        }
    }
}

/// Keeps one core busy until standard input ends, as it does with the process that started this one.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let reader = thread::spawn(|| io::stdin().read_to_end(&mut Vec::new()));
    let mut number = 0_u64;
    while !reader.is_finished() {
        number = std::hint::black_box(number.wrapping_mul(31).wrapping_add(7));
    }
    Ok(ExitCode::SUCCESS)
}
