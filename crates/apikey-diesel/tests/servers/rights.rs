//! What `check` says of users, rights and numbers, and what the store says where they are wrong.

use apikey_core::{Finding, KeyStore, StoreError};
use apikey_diesel::DieselStore;

use crate::database::on_each_server;
use crate::opening::full_text;
use crate::parallel::new_key;
use crate::server::{Databases, Server};

/// A user of a test, who may do nothing yet.
struct User {
    name: String,
    /// The database as this user opens it.
    url: String,
}

impl User {
    /// Makes one who may enter the database of the URL.
    async fn create(server: Server, databases: &Databases, url: &str) -> Self {
        let schema = url.rsplit_once("%3D").or_else(|| url.rsplit_once('/')).unwrap().1;
        // MariaDB takes names of up to 80 characters, MySQL of up to 32.
        let name = format!("u{}", &schema[schema.len() - 20..]);
        match server {
            Server::Postgres => {
                let login = format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'");
                databases.run(url, &login).await;
                databases.run(url, &format!("GRANT USAGE ON SCHEMA {schema} TO {name}")).await;
            }
            Server::Mysql => {
                let create = format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'secret'");
                databases.run(url, &create).await;
                databases
                    .run(url, &format!("GRANT SELECT ON api_keys TO {name}@'127.0.0.1'"))
                    .await;
            }
        }
        let (scheme, rest) = url.split_once("://").unwrap();
        let (_, place) = rest.split_once('@').unwrap();
        Self { url: format!("{scheme}://{name}:secret@{place}"), name }
    }

    async fn remove(self, server: Server, databases: &Databases, url: &str) {
        let name = &self.name;
        match server {
            Server::Postgres => {
                databases.run(url, &format!("DROP OWNED BY {name}; DROP ROLE {name}")).await;
            }
            Server::Mysql => databases.run(url, &format!("DROP USER {name}@'127.0.0.1'")).await,
        }
    }
}

async fn problems(store: &impl KeyStore<apikey_core::KeyRecord>) -> Vec<String> {
    let found: Vec<Finding> = store.check().await.unwrap();
    found.into_iter().map(|finding| finding.problem).collect()
}

async fn migrated(databases: &Databases) -> String {
    let url = databases.create().await;
    DieselStore::connect(&url).await.unwrap().migrate().await.unwrap();
    url
}

#[test]
fn finds_what_this_user_may_not_do() {
    on_each_server("finds_what_this_user_may_not_do", async |server, databases| {
        let url = migrated(databases).await;
        let user = User::create(server, databases, &url).await;
        let name = match server {
            Server::Postgres => user.name.clone(),
            Server::Mysql => format!("{}@'127.0.0.1'", user.name),
        };
        databases.run(&url, &format!("GRANT SELECT, INSERT ON api_keys TO {name}")).await;
        let store = DieselStore::connect(&user.url).await.unwrap();
        let found = problems(&store).await;
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].ends_with("may not UPDATE in the table api_keys"), "{found:?}");
        assert!(found[1].ends_with("may not DELETE in the table api_keys"), "{found:?}");
        databases.run(&url, &format!("GRANT UPDATE, DELETE ON api_keys TO {name}")).await;
        let found = problems(&store).await;
        assert!(found.is_empty(), "{found:?}");
        drop(store);
        user.remove(server, databases, &url).await;
    });
}

/// As Supabase's default privileges do, and an `ENABLE ROW LEVEL SECURITY` without a policy.
#[test]
fn finds_what_row_level_security_hides() {
    on_each_server("finds_what_row_level_security_hides", async |server, databases| {
        if server == Server::Mysql {
            return;
        }
        let url = migrated(databases).await;
        let owner = DieselStore::connect(&url).await.unwrap();
        owner.insert(&new_key("abcdefgh"), None).await.unwrap();
        let user = User::create(server, databases, &url).await;
        let name = &user.name;
        databases.run(&url, &format!("GRANT ALL ON api_keys TO {name}")).await;
        let store = DieselStore::connect(&user.url).await.unwrap();
        assert!(problems(&store).await.is_empty());
        databases.run(&url, "ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY").await;
        assert!(store.find_by_prefix("abcdefgh").await.unwrap().is_none());
        let found = problems(&store).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let problem = format!("row-level security filters the table api_keys for the user {name}");
        assert!(found[0].starts_with(&problem), "{found:?}");
        let refused = store.insert(&new_key("ijklmnop"), None).await.unwrap_err();
        assert!(full_text(&refused).contains("row-level security"), "{refused:?}");
        // Who sees everything is not filtered.
        let policy =
            format!("CREATE POLICY all_keys ON api_keys TO {name} USING (true) WITH CHECK (true)");
        databases.run(&url, &policy).await;
        assert!(problems(&store).await.is_empty());
        store.find_by_prefix("abcdefgh").await.unwrap().unwrap();
        drop(store);
        user.remove(server, databases, &url).await;
    });
}

#[test]
fn finds_who_else_may_make_keys() {
    on_each_server("finds_who_else_may_make_keys", async |server, databases| {
        if server == Server::Mysql {
            return;
        }
        let url = migrated(databases).await;
        let anon = User::create(server, databases, &url).await;
        let name = &anon.name;
        let owner = DieselStore::connect(&url).await.unwrap();
        assert!(problems(&owner).await.is_empty());
        databases.run(&url, &format!("GRANT ALL ON api_keys TO {name}")).await;
        let found = problems(&owner).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(name.as_str()), "{found:?}");
        drop(owner);
        let service = User::create(server, databases, &migrated(databases).await).await;
        let schema = url.rsplit_once("%3D").unwrap().1;
        let usage = format!("GRANT USAGE ON SCHEMA {schema} TO {}", service.name);
        databases.run(&url, &usage).await;
        let rights =
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON api_keys TO {}", service.name);
        databases.run(&url, &rights).await;
        let (_, place) = url.rsplit_once('@').unwrap();
        let at = format!("postgres://{}:secret@{place}", service.name);
        let store = DieselStore::connect(&at).await.unwrap();
        let found = problems(&store).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("others may write to the table"), "{found:?}");
        assert!(found[0].ends_with(name.as_str()), "{found:?}");
        let revoke = format!("REVOKE INSERT, UPDATE ON api_keys FROM {name}");
        databases.run(&url, &revoke).await;
        let found = problems(&store).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("others may read the hashes"), "{found:?}");
        databases.run(&url, &format!("REVOKE ALL ON api_keys FROM {name}")).await;
        databases.run(&url, "GRANT INSERT (prefix, hashed_key) ON api_keys TO PUBLIC").await;
        databases.run(&url, &format!("GRANT USAGE ON SCHEMA {schema} TO PUBLIC")).await;
        let found = problems(&store).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with("PUBLIC"), "{found:?}");
        databases.run(&url, "REVOKE ALL (prefix, hashed_key) ON api_keys FROM PUBLIC").await;
        // One role for all who shall.
        databases.run(&url, &format!("REVOKE ALL ON api_keys FROM {}", service.name)).await;
        databases.run(&url, &format!("GRANT {name} TO {}", service.name)).await;
        databases.run(&url, &format!("GRANT ALL ON api_keys TO {name}")).await;
        assert!(problems(&store).await.is_empty());
        drop(store);
        service.remove(server, databases, &url).await;
        anon.remove(server, databases, &url).await;
    });
}

/// As after a restore of the rows alone.
#[test]
fn says_that_a_sequence_is_behind_and_how_to_mend_it() {
    on_each_server("says_that_a_sequence_is_behind", async |server, databases| {
        let url = migrated(databases).await;
        let store = DieselStore::connect(&url).await.unwrap();
        for id in 1..=5 {
            let insert = format!(
                "INSERT INTO api_keys (id, prefix, hashed_key, name, scopes, created_at) \
                 VALUES ({id}, 'restore{id}', 'sha256$$', 'name', '', '2026-01-01 00:00:00')"
            );
            databases.run(&url, &insert).await;
        }
        if server == Server::Mysql {
            assert!(problems(&store).await.is_empty());
            store.insert(&new_key("abcdefgh"), None).await.unwrap();
            return;
        }
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].problem.contains("is behind the column api_keys.id"), "{found:?}");
        let rejected = store.insert(&new_key("abcdefgh"), None).await.unwrap_err();
        assert!(matches!(rejected, StoreError::Rejected(_)), "{rejected:?}");
        for part in ["api_keys_pkey", "is behind", "setval("] {
            assert!(full_text(&rejected).contains(part), "{part}: {}", full_text(&rejected));
        }
        databases.run(&url, &found[0].fix).await;
        assert!(problems(&store).await.is_empty());
        store.insert(&new_key("abcdefgh"), None).await.unwrap();
    });
}

#[test]
fn finds_columns_that_may_be_null_or_are_too_short() {
    on_each_server("finds_columns_that_may_be_null", async |server, databases| {
        let url = migrated(databases).await;
        let store = DieselStore::connect(&url).await.unwrap();
        let changes: &[&str] = match server {
            Server::Postgres => &[
                "ALTER TABLE api_keys ALTER COLUMN name DROP NOT NULL",
                "ALTER TABLE api_keys ALTER COLUMN created_at DROP NOT NULL",
                "ALTER TABLE api_keys ALTER COLUMN scopes TYPE varchar(255)",
            ],
            Server::Mysql => &[
                "ALTER TABLE api_keys MODIFY name VARCHAR(200) CHARACTER SET utf8mb4 \
                 COLLATE utf8mb4_bin NULL",
                "ALTER TABLE api_keys MODIFY created_at DATETIME(6) NULL",
                "ALTER TABLE api_keys MODIFY scopes VARCHAR(255) CHARACTER SET utf8mb4 \
                 COLLATE utf8mb4_bin NOT NULL",
            ],
        };
        for change in changes {
            databases.run(&url, change).await;
        }
        let found = store.check().await.unwrap();
        let problems: Vec<_> = found.iter().map(|finding| finding.problem.as_str()).collect();
        assert_eq!(
            problems,
            [
                "the column api_keys.name may be null, and such a row cannot be read",
                "the column api_keys.scopes cannot hold the 6499 characters that it may have to",
                "the column api_keys.created_at may be null, and such a row cannot be read",
            ]
        );
        for finding in found {
            databases.run(&url, &finding.fix).await;
        }
        let left = store.check().await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn finds_columns_that_end_in_2038() {
    on_each_server("finds_columns_that_end_in_2038", async |server, databases| {
        if server == Server::Postgres {
            return;
        }
        let url = migrated(databases).await;
        let store = DieselStore::connect(&url).await.unwrap();
        databases.run(&url, "ALTER TABLE api_keys MODIFY created_at TIMESTAMP(6) NOT NULL").await;
        let found = store.check().await.unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].problem.starts_with("the column api_keys.created_at is a TIMESTAMP"));
        databases.run(&url, &found[0].fix).await;
        assert!(store.check().await.unwrap().is_empty());
    });
}
