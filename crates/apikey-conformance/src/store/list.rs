//! Listing and counting: newest first, page by page, each key once.

use apikey_core::{KeyModel, KeyQuery, MAX_PAGE};

use crate::fixture::{StoreFixture, Table, assert_same, at, just_after, numbered, prefixes};

/// Keys are listed newest first by `created_at`, to the microsecond, and ties by id, the greater first.
pub async fn lists_newest_first_and_ties_by_id<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let keys = add_with_ties(&table, 12).await;
    assert_eq!(
        prefixes(&table.all().await),
        prefixes(&newest_first(keys)),
        "newest first, then id"
    );
}

/// Inserts keys out of order, three at each moment; some moments are a microsecond apart.
async fn add_with_ties<F: StoreFixture>(table: &Table<'_, F>, count: usize) -> Vec<F::Model> {
    let mut keys = Vec::new();
    for number in 0..count {
        let mut new = table.new_key(&numbered(number));
        let moment = i64::try_from(number * 7 % count / 3).unwrap_or(0);
        new.created_at = if moment % 2 == 0 { at(moment) } else { just_after(at(moment - 1)) };
        keys.push(table.insert(&new).await);
    }
    keys
}

fn newest_first<M: KeyModel>(mut keys: Vec<M>) -> Vec<M> {
    keys.sort_by_key(|key| (key.record().created_at, key.record().id.clone()));
    keys.reverse();
    keys
}

/// Pages of every size visit each key once, in order, and the last one says so.
pub async fn visits_each_key_once_on_pages_of_every_size<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let keys = newest_first(add_with_ties(&table, 12).await);
    for size in 1..=13 {
        let mut visited = Vec::new();
        let mut query = KeyQuery::new().limit(size);
        loop {
            let page = table.store.list(&query, at(0)).await.expect("keys can be listed");
            let most = usize::try_from(size).unwrap_or(usize::MAX);
            assert!(page.keys.len() <= most, "a page of {size} holds at most {size} keys");
            visited.extend(page.keys);
            assert!(visited.len() <= keys.len(), "pages of {size} visit no key twice");
            let Some(next) = page.next else { break };
            query = query.after(Some(next));
        }
        let expected = prefixes(&keys);
        assert_eq!(prefixes(&visited), expected, "pages of {size} visit each key once, in order");
    }
}

/// Pages are whole beside changes: keys inserted or deleted between two pages neither hide nor repeat
/// another.
pub async fn visits_each_key_once_beside_changes<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let mut staying = add_with_ties(&table, 18).await;
    let mut visited = Vec::new();
    let mut query = KeyQuery::new().limit(4);
    for round in 0..40 {
        let page = table.store.list(&query, at(0)).await.expect("keys can be listed");
        visited.extend(prefixes(&page.keys).into_iter().map(str::to_owned));
        let (Some(next), Some(last)) = (page.next, page.keys.last()) else { break };
        query = query.after(Some(next));
        // The very key that the cursor names goes away.
        staying.retain(|key| key.record().prefix != last.record().prefix);
        table.revoke(last, at(0)).await;
        table.delete_expired(at(1), 1).await;
        // None, one or two come: places counted from the beginning move both ways.
        for number in 0..round % 3 {
            let mut newer = table.new_key(&format!("new{round:03}{number:02}"));
            newer.created_at = at(500 + round);
            table.insert(&newer).await;
        }
    }
    for key in &staying {
        let prefix = &key.record().prefix;
        let times = visited.iter().filter(|visited| *visited == prefix).count();
        assert_eq!(times, 1, "{prefix} was there all the time, so it is visited once");
    }
    let mut once = visited.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), visited.len(), "no key is visited twice");
}

/// A count is the number of keys on all pages: it ignores the page's size and place.
pub async fn counts_what_is_listed_on_all_pages<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    assert_eq!(table.count(&KeyQuery::new(), at(0)).await, 0, "an empty store has no keys");
    add_with_ties(&table, 9).await;
    let page = table.store.list(&KeyQuery::new().limit(2), at(0)).await.expect("it can be listed");
    assert!(page.next.is_some(), "after two of nine keys there is a next page");
    for query in [
        KeyQuery::new(),
        KeyQuery::new().limit(2),
        KeyQuery::new().limit(2).after(page.next.clone()),
        KeyQuery::new().after(page.next),
    ] {
        let count = table.count(&query, at(0)).await;
        assert_eq!(count, 9, "`count` ignores the size and place of the page");
    }
}

/// An empty table has one empty page, and a full last page has no next one.
pub async fn ends_after_the_last_key<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let page = table.store.list(&KeyQuery::new(), at(0)).await.expect("it can be listed");
    assert!(page.keys.is_empty() && page.next.is_none(), "an empty store has one empty page");
    let key = table.add("single00").await;
    for limit in [1, 2, MAX_PAGE] {
        let query = KeyQuery::new().limit(limit);
        let page = table.store.list(&query, at(0)).await.expect("it can be listed");
        assert_same(&page.keys[0], &key, "a listed key has all its columns");
        assert!(page.next.is_none(), "a page of {limit} that ends with the last key has no next");
    }
}
