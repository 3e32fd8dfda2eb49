//! A row of a site's table that cannot be read: it refuses its own key and nothing else.

use std::time::Duration;

use apikey_core::{ApiKeys, DenyReason, Django, Hashers, KeyQuery, ManageError};
use apikey_diesel::DieselStore;

use crate::database::on_each;

#[test]
fn a_damaged_row_refuses_its_own_key_and_nothing_else() {
    on_each("a_damaged_row_refuses_its_own_key", async |kind, place| {
        for (set, column) in [("name = NULL", "name"), ("hashed_key = NULL", "hashed_key")] {
            let url = place.create().await;
            let lax = |sql: &str, kind: &str| sql.replace(&format!("{kind} NOT NULL"), kind);
            let schema = lax(&lax(kind.schema(), "varchar(50)"), "varchar(150)");
            place.run(&url, &schema).await;
            let hashers = Hashers::new(Django::default());
            let store = DieselStore::django(&url).await.unwrap();
            let keys = ApiKeys::builder(store).hashers(hashers).build().unwrap();
            let good = keys.create("good").await.unwrap();
            let bad = keys.create("bad").await.unwrap();
            let prefix = &bad.key.record.prefix;
            let table = "rest_framework_api_key_apikey";
            place.run(&url, &format!("UPDATE {table} SET {set} WHERE prefix = '{prefix}'")).await;

            keys.verify(good.plaintext.expose()).await.unwrap();
            let refusal = keys.verify(bad.plaintext.expose()).await.unwrap_err();
            assert_eq!(refusal.reason(), DenyReason::UnreadableRow, "{set}");
            for limit in [1, 2, 10] {
                let (mut names, mut others) = (Vec::new(), Vec::new());
                let mut query = KeyQuery::new().limit(limit);
                loop {
                    let page = keys.list(&query).await.unwrap();
                    names.extend(page.keys.into_iter().map(|key| key.record.name));
                    others.extend(page.unreadable);
                    assert!(others.len() < 3, "{set}: pages of {limit} go round in circles");
                    query = query.after(page.next);
                    if query.after.is_none() {
                        break;
                    }
                }
                assert_eq!((names.len(), others.len()), (1, 1), "{set}: pages of {limit}");
                assert!(others[0].problem.contains(column), "{others:?}");
            }
            let findings = keys.check().await.unwrap();
            assert!(
                findings.iter().any(|finding| finding.problem.contains(prefix)),
                "{set}: {findings:?}"
            );
            for _ in 0..2 {
                let ended = keys.revoke(prefix).await.unwrap_err();
                assert!(matches!(ended, ManageError::EndedUnread(_)), "{set}: {ended:?}");
            }
            assert_eq!(keys.purge(Duration::ZERO, 10).await.unwrap(), 0, "{set}");
            let working = keys.purge_key(&good.key.record.prefix).await.unwrap_err();
            assert!(matches!(working, ManageError::NotEnded { .. }), "{working:?}");
            keys.purge_key(prefix).await.unwrap();
            assert_eq!(keys.count(&KeyQuery::new()).await.unwrap(), 1, "{set}");
        }
    });
}
