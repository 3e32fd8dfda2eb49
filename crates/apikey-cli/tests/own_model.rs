//! The command for a model of one's own, run in this process.

use std::process::ExitCode;

use apikey_cli::{run_with, run_with_create};
use apikey_core::{ApiKeys, KeyModel, KeyQuery, KeyRecord, KeyStatus, MemoryStore, NewKey};
use clap::Args;

#[derive(Debug, Clone)]
pub(crate) struct TeamKey {
    pub(crate) record: KeyRecord,
    pub(crate) team: i32,
}

impl KeyModel for TeamKey {
    type Id = i64;
    type Extra = i32;
    type Owner = i32;

    fn record(&self) -> &KeyRecord {
        &self.record
    }

    fn from_parts(record: KeyRecord, team: i32) -> Self {
        Self { record, team }
    }

    fn extra(&self) -> i32 {
        self.team
    }

    fn owner(&self) -> Option<&i32> {
        Some(&self.team)
    }

    fn owner_of(team: &i32) -> Option<&i32> {
        Some(team)
    }
}

#[derive(Args)]
pub(crate) struct Own {
    #[arg(long)]
    pub(crate) team: i32,
}

fn keys() -> ApiKeys<TeamKey> {
    ApiKeys::new(MemoryStore::new())
}

async fn run(keys: &ApiKeys<TeamKey>, arguments: &[&str]) -> ExitCode {
    let arguments = [&["team-keys"], arguments].concat();
    run_with_create(keys.clone(), |own: Own| own.team, arguments).await
}

/// All keys, oldest first.
async fn list(keys: &ApiKeys<TeamKey>) -> Vec<TeamKey> {
    let mut keys = keys.list(&KeyQuery::new()).await.unwrap().keys;
    keys.reverse();
    keys
}

#[tokio::test]
async fn creates_a_key_with_the_columns_of_the_model() {
    let keys = keys();
    let arguments = ["create", "ci", "--team", "7", "--scope", "a", "--expires-in", "90d"];
    assert_eq!(run(&keys, &arguments).await, ExitCode::SUCCESS);
    let [key] = &list(&keys).await[..] else { panic!("one key") };
    assert_eq!((key.team, key.record.name.as_str()), (7, "ci"));
    assert_eq!(key.record.scopes.to_string(), "a");
    assert!(key.record.expires_at.is_some());
}

#[tokio::test]
async fn refuses_to_create_a_key_without_its_columns() {
    let keys = keys();
    assert_eq!(run(&keys, &["create", "ci"]).await, ExitCode::from(2));
    assert_eq!(run(&keys, &["create", "ci", "--team", "x"]).await, ExitCode::from(2));
    assert!(list(&keys).await.is_empty());
}

#[tokio::test]
async fn has_every_other_command() {
    let keys = keys();
    run(&keys, &["create", "ci", "--team", "7"]).await;
    let prefix = list(&keys).await[0].record.prefix.clone();
    assert_eq!(run(&keys, &["rotate", &prefix]).await, ExitCode::SUCCESS);
    let rotated = list(&keys).await;
    assert_eq!((rotated[1].team, rotated[1].record.rotated_from.as_ref()), (7, Some(&prefix)));
    assert_eq!(run(&keys, &["revoke", &prefix]).await, ExitCode::SUCCESS);
    let now = rotated[0].record.created_at;
    assert_eq!(list(&keys).await[0].record.status(now), KeyStatus::Revoked);
    assert_eq!(run(&keys, &["revoke", "unknown1"]).await, ExitCode::from(1));
    for arguments in [
        &["list", "--all"][..],
        &["show", &prefix, "--output", "json"],
        &["count"],
        &["check"],
        &["migration", "--backend", "sqlite", "--table", "own"],
        &["purge", "--dry-run"],
        &["rotate", "--older-than", "90d"],
        &["--help"],
    ] {
        assert_eq!(run(&keys, arguments).await, ExitCode::SUCCESS, "{arguments:?}");
    }
}

#[tokio::test]
async fn leaves_database_and_format_to_the_handle() {
    let keys = keys();
    for arguments in [
        &["list", "--database-url", "sqlite://other.db"][..],
        &["list", "--brand", "acme"],
        &["migrate"],
        &["import", "django", "--from", "sqlite://db.sqlite3"],
    ] {
        assert_eq!(run(&keys, arguments).await, ExitCode::from(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn creates_nothing_where_that_is_not_asked_for() {
    let keys = keys();
    let created = keys.create(NewKey::new("ci").with(7)).await.unwrap();
    for (arguments, code) in
        [(["team-keys", "create", "ci"], 2), (["team-keys", "show", &created.key.record.prefix], 0)]
    {
        assert_eq!(run_with(keys.clone(), arguments).await, ExitCode::from(code));
    }
    assert_eq!(list(&keys).await.len(), 1);
}
