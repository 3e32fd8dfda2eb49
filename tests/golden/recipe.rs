//! Which keys a copy has: every hash, every layout, every state, and names and scopes that are odd.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use apikey_core::chrono::{DateTime, Utc};
use apikey_core::{
    ApiKeys, Clock, CreatedKey, DenyReason, KeyHasher, KeyModel, KeyStore, KeyUpdate, ManualClock,
    NewKey,
};
use serde_json::{Value, json};

use crate::handles::{Readers, formats, shown};
use crate::hashes::{self, OF_DJANGO, OURS};
use crate::models::{BUILT_IN, DJANGO, ORGANIZATIONS};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A key to be made.
struct Wish {
    name: String,
    scopes: Vec<String>,
    hash: &'static str,
    /// Its place among the `formats`.
    format: usize,
    owner: &'static str,
    fate: Fate,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Active,
    /// Ends long after the copy is read.
    EndsLater,
    Used,
    Renamed,
    Fixed,
    Disabled,
    Enabled,
    Revoked,
    RevokedWhileDisabled,
    Expired,
    Rotated,
    EndedByRotation,
    RotatedTwice,
    SuccessorRevoked,
}

/// What every table keeps.
const FATES: [Fate; 7] = [
    Fate::EndsLater,
    Fate::Renamed,
    Fate::Fixed,
    Fate::Revoked,
    Fate::Expired,
    Fate::Rotated,
    Fate::EndedByRotation,
];

/// What needs a column that some tables lack.
const FATES_OF_WHOLE_ROWS: [Fate; 6] = [
    Fate::Used,
    Fate::Disabled,
    Fate::Enabled,
    Fate::RevokedWhileDisabled,
    Fate::RotatedTwice,
    Fate::SuccessorRevoked,
];

impl Wish {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            scopes: Vec::new(),
            hash: "sha256",
            format: 0,
            owner: "7",
            fate: Fate::Active,
        }
    }

    fn scopes<S: Into<String>>(self, scopes: impl IntoIterator<Item = S>) -> Self {
        Self { scopes: scopes.into_iter().map(Into::into).collect(), ..self }
    }
}

/// Lists what a table gets.
fn wishes(table: &str) -> Vec<Wish> {
    match table {
        BUILT_IN => [of_each_hash(), of_each_format(), of_each_fate(), odd_names(), odd_scopes()]
            .into_iter()
            .flatten()
            .collect(),
        ORGANIZATIONS => ["7", "3", "2147483647"]
            .into_iter()
            .flat_map(|owner| of_each_fate().into_iter().map(move |wish| Wish { owner, ..wish }))
            .collect(),
        DJANGO => {
            let of_hashes = OF_DJANGO.map(|hash| Wish { hash, ..Wish::new(hash) });
            let of_fates = FATES.map(|fate| Wish { fate, ..Wish::new(format!("{fate:?}")) });
            let of_fates = of_fates.map(|wish| Wish { hash: "django sha512", ..wish });
            of_hashes.into_iter().chain(of_fates).collect()
        }
        _ => ["core", "Core", "Müller & Söhne", "it's \\ \"quoted\"", "ci\u{202e}eman"]
            .into_iter()
            .flat_map(|owner| FATES.map(|fate| Wish { fate, owner, ..Wish::new("of a team") }))
            .collect(),
    }
}

fn of_each_hash() -> Vec<Wish> {
    let hashes = OURS.into_iter().chain(OF_DJANGO);
    hashes.map(|hash| Wish { hash, ..Wish::new(hash).scopes(["reports:read"]) }).collect()
}

fn of_each_format() -> Vec<Wish> {
    let wish = |hash, format| Wish { hash, format, ..Wish::new(format!("format {format}")) };
    let hashes = ["sha256", "hmac v2", "argon2id"];
    hashes.into_iter().flat_map(|hash| (1..formats().len()).map(move |it| wish(hash, it))).collect()
}

fn of_each_fate() -> Vec<Wish> {
    let fates = || FATES.into_iter().chain(FATES_OF_WHOLE_ROWS).chain([Fate::Active]);
    let wish = |fate, format| Wish {
        fate,
        format,
        ..Wish::new(format!("{fate:?}")).scopes(["reports:read", "reports:write"])
    };
    fates().flat_map(|fate| [0, 1].map(|format| wish(fate, format))).collect()
}

/// What was a name when the copy was made, though people cannot tell some of them apart.
fn odd_names() -> Vec<Wish> {
    let odd = [
        "x",
        "it's a \"name\" \\ with % and _",
        "ci\u{202e}gnp.txt",
        "\u{200b}",
        "a\u{2028}b",
        "\u{feff}",
        "مفتاح الخدمة",
        "e\u{301}\u{301}\u{301}",
        "null",
        " inner  blanks ",
        "'); DROP TABLE api_keys; --",
    ];
    let longest = ["n".repeat(200), "🔑".repeat(200)];
    odd.map(str::to_owned).into_iter().chain(longest).map(Wish::new).collect()
}

/// What was a scope when the copy was made.
fn odd_scopes() -> Vec<Wish> {
    let scoped = |name: &str, scopes: &[&str]| Wish::new(name).scopes(scopes.iter().copied());
    let many = (0..100).map(|number| format!("scope:{number:02}"));
    vec![
        scoped("a comma", &["reports:read,reports:write"]),
        scoped("a semicolon", &["a;b", "a"]),
        scoped("signs", &["!#$%&'()*+,-./:;<=>?@[]^_`{|}~"]),
        scoped("the longest", &["s".repeat(64).as_str()]),
        scoped("upper and lower case", &["Reports:Read", "reports:read"]),
        Wish::new("a hundred").scopes(many),
    ]
}

/// Makes the keys of a table, and returns their list. The clock goes on by an hour in the end: that is when they
/// are read.
pub(crate) async fn make<M>(
    table: &str,
    store: &Arc<dyn KeyStore<M>>,
    clock: &ManualClock,
    extra: &impl Fn(&str) -> M::Extra,
    run: &impl AsyncFn(&str),
) -> Vec<Value>
where
    M: KeyModel<Owner: Display>,
{
    let mut made = Vec::new();
    for wish in wishes(table) {
        clock.advance(Duration::from_micros(1_000_001));
        // Only Django itself writes its other hashes into its table.
        let hash = if table == DJANGO { OF_DJANGO[0] } else { wish.hash };
        let keys = ApiKeys::builder(Arc::clone(store))
            .format(formats()[wish.format].clone())
            .hashers(hashes::named(hash))
            .clock(clock.clone())
            .build()
            .unwrap();
        for (created, refused) in fulfil(&keys, &wish, extra(wish.owner)).await {
            if hash != wish.hash {
                run(&as_django(&created, wish.hash)).await;
            }
            made.push((created, refused, wish.hash, wish.owner));
        }
    }
    clock.advance(Duration::from_secs(3600));
    let readers = Readers::new(table, store, clock, false);
    let mut list = Vec::new();
    for (created, refused, hash, owner) in made {
        let text = created.plaintext.expose();
        let expected =
            if owner == "3" { refused.or(Some(DenyReason::OwnerNotUsable)) } else { refused };
        let found = readers.verify(text).await.err().map(|error| error.reason());
        assert_eq!(found, expected, "{table}: {hash}, {:?}", created.key.record().name);
        let key = readers.keys().get(&created.key.record().prefix).await.unwrap().unwrap();
        list.push(json!({
            "table": table,
            "text": text,
            "hash": hash,
            "owner": key.owner().map(ToString::to_string),
            "status": key.record().status(clock.now()).as_str(),
            "refused": expected.map(DenyReason::as_str),
            "record": shown(key.record()),
        }));
    }
    list
}

/// Gives a key of a Django site another hash, as Django would have done; its id is made of prefix and hash.
fn as_django<M: KeyModel>(created: &CreatedKey<M>, hash: &str) -> String {
    let prefix = &created.key.record().prefix;
    let hash = hashes::writer(hash).hash(created.plaintext.expose().as_bytes()).unwrap();
    let hash = hash.as_str();
    format!(
        "UPDATE {DJANGO} SET hashed_key = '{hash}', id = '{prefix}.{hash}' WHERE prefix = '{prefix}'"
    )
}

type Made<M> = (CreatedKey<M>, Option<DenyReason>);

/// Makes one key, with its successors if it has any, and says for what reason each is refused.
async fn fulfil<M: KeyModel>(keys: &ApiKeys<M>, wish: &Wish, extra: M::Extra) -> Vec<Made<M>> {
    let mut new = NewKey::new(wish.name.clone()).with(extra).scopes(wish.scopes.clone());
    match wish.fate {
        Fate::EndsLater => new = new.expires_at(far_off()),
        Fate::Expired => new = new.expires_in(Duration::from_secs(60)),
        Fate::Fixed => new = new.with_plaintext(text_of(wish.format).await),
        _ => {}
    }
    let first = keys.create(new).await.unwrap();
    let prefix = first.key.record().prefix.as_str();
    match wish.fate {
        Fate::Expired => vec![(first, Some(DenyReason::Expired))],
        Fate::Rotated => {
            let second = keys.rotate(prefix, DAY).await.unwrap();
            vec![(first, None), (second, None)]
        }
        Fate::EndedByRotation => {
            let second = keys.rotate(prefix, Duration::ZERO).await.unwrap();
            vec![(first, Some(DenyReason::Expired)), (second, None)]
        }
        Fate::RotatedTwice => {
            let second = keys.rotate(prefix, DAY).await.unwrap();
            let third = keys.rotate(&second.key.record().prefix, DAY).await.unwrap();
            vec![(first, None), (second, None), (third, None)]
        }
        Fate::SuccessorRevoked => {
            let second = keys.rotate(prefix, DAY).await.unwrap();
            keys.revoke(&second.key.record().prefix).await.unwrap();
            vec![(first, None), (second, Some(DenyReason::Revoked))]
        }
        fate => {
            let refused = change(keys, &first, fate).await;
            vec![(first, refused)]
        }
    }
}

/// Changes a key that gets no successor.
async fn change<M: KeyModel>(
    keys: &ApiKeys<M>,
    created: &CreatedKey<M>,
    fate: Fate,
) -> Option<DenyReason> {
    let prefix = created.key.record().prefix.as_str();
    match fate {
        Fate::Used => {
            let _ = keys.verify(created.plaintext.expose()).await;
            keys.flush().await.unwrap();
        }
        Fate::Renamed => {
            let update = KeyUpdate::new().name("another name");
            keys.update(prefix, update).await.unwrap();
        }
        Fate::Disabled => {
            keys.disable(prefix).await.unwrap();
            return Some(DenyReason::Disabled);
        }
        Fate::Enabled => {
            keys.disable(prefix).await.unwrap();
            keys.enable(prefix).await.unwrap();
        }
        Fate::Revoked => {
            keys.revoke(prefix).await.unwrap();
            return Some(DenyReason::Revoked);
        }
        Fate::RevokedWhileDisabled => {
            keys.disable(prefix).await.unwrap();
            keys.revoke(prefix).await.unwrap();
            return Some(DenyReason::Revoked);
        }
        _ => {}
    }
    None
}

/// Draws the text of a key, for one that is fixed.
async fn text_of(format: usize) -> String {
    let store = apikey_core::MemoryStore::<apikey_core::KeyRecord>::new();
    let keys = ApiKeys::builder(store).format(formats()[format].clone()).build().unwrap();
    keys.create("fixed").await.unwrap().plaintext.expose().to_owned()
}

fn far_off() -> DateTime<Utc> {
    DateTime::from_timestamp(4_102_444_799, 999_999_000).unwrap()
}
