//! The `apikey` binary.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    apikey_cli::run(std::env::args_os()).await
}
