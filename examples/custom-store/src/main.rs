//! The `apikey` command on the hand-written store: `cargo run -p custom-store -- create ci`.

use std::env;
use std::process::ExitCode;

use apikey_core::ApiKeys;
use key_journal::JournalStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let file = env::var_os("KEYS_FILE").unwrap_or_else(|| "keys.jsonl".into());
    let keys = ApiKeys::new(JournalStore::open(file)?);
    Ok(apikey_cli::run_with_create(keys, |()| (), env::args_os()).await)
}
