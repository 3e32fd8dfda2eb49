//! Rules over a verified key: [`Permission`], and `&`, `|`, `!`.

use std::fmt;
use std::ops;

use thiserror::Error;

use crate::model::KeyModel;
use crate::scope::Scope;

/// A rule that a verified key has to pass. It is checked once per guard, on the key alone, after the
/// key has been found good.
///
/// Write [`scope("reports:read")`](scope), [`rule(closure)`](rule) and combine them by `&` and `|`, or
/// implement it for a type of your own. Types that also implement [`Default`] can stand in an
/// extractor: `ApiKey<KeyRecord, ReportsRead>` (see [`scopes!`](crate::scopes)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a permission over the key model `{M}`",
    note = "use `scope(\"…\")`, `rule(|key: &{M}| …)`, a type made by `scopes!`, or implement `Permission<{M}>`",
    note = "`!` works on predicates, never on `scope(..)`: it would grant to keys that have no scopes"
)]
pub trait Permission<M>: Send + Sync + 'static {
    /// Checks the key against the rule.
    ///
    /// # Errors
    /// [`Denied`], by which the client is told what is missing.
    fn check(&self, key: &M) -> Result<(), Denied>;

    /// Names the scopes that would satisfy the rule, of the first alternative if there are several, in
    /// written order. Rules that are not about scopes name none.
    fn each_scope(&self, each: &mut dyn FnMut(&Scope)) {
        let _ = each;
    }
}

/// A permission was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the key is not allowed to do this")]
pub struct Denied {
    /// Made of [`Scope`]s alone, since it goes into headers and JSON. `None`: the rule was not about scopes.
    scopes: Option<String>,
}

impl Denied {
    /// The key lacks a scope: answered as 403 `insufficient-scope`, naming it.
    #[must_use]
    pub fn scope(scope: &Scope) -> Self {
        Self { scopes: Some(scope.as_str().to_owned()) }
    }

    /// The rule is not about scopes: answered as 403 `forbidden`.
    #[must_use]
    pub fn forbidden() -> Self {
        Self { scopes: None }
    }

    /// Returns the scopes that are asked for, separated by spaces; `None` if the rule was not about
    /// scopes.
    #[must_use]
    pub fn scopes(&self) -> Option<&str> {
        self.scopes.as_deref()
    }

    /// One refusal of a whole rule of which `parts` failed: about scopes only if all of them are.
    fn of<M, P: Permission<M>>(rule: &P, parts: &[&Self]) -> Self {
        if parts.iter().any(|part| part.scopes.is_none()) {
            return Self::forbidden();
        }
        let mut scopes = String::new();
        rule.each_scope(&mut |scope| append(&mut scopes, scope.as_str()));
        if scopes.is_empty() {
            parts
                .iter()
                .filter_map(|part| part.scopes())
                .for_each(|scope| append(&mut scopes, scope));
        }
        Self { scopes: Some(scopes) }
    }
}

/// Appends a word unless it is there.
fn append(list: &mut String, word: &str) {
    if list.split(' ').any(|present| present == word) {
        return;
    }
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(word);
}

/// Any good key will do: the permission of `ApiKey` where none is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "written as a value: require(&keys, AnyKey)")]
pub struct AnyKey;

impl<M> Permission<M> for AnyKey {
    fn check(&self, _: &M) -> Result<(), Denied> {
        Ok(())
    }
}

impl<M: KeyModel> Permission<M> for Scope {
    fn check(&self, key: &M) -> Result<(), Denied> {
        if key.record().scopes.contains(self.as_str()) { Ok(()) } else { Err(Denied::scope(self)) }
    }

    fn each_scope(&self, each: &mut dyn FnMut(&Scope)) {
        each(self);
    }
}

impl<M: 'static, F> Permission<M> for F
where
    F: Fn(&M) -> bool + Send + Sync + 'static,
{
    fn check(&self, key: &M) -> Result<(), Denied> {
        if self(key) { Ok(()) } else { Err(Denied::forbidden()) }
    }
}

/// A permission with operators: `&` (both), `|` (one of them) and, over predicates, `!`.
///
/// # Examples
/// ```
/// use apikey_core::{rule, scope, KeyRecord};
///
/// let reports = scope("reports:read") | scope("admin");
/// let ours = scope("reports:read") & rule(|key: &KeyRecord| key.name.starts_with("internal-"));
/// let others = !rule(|key: &KeyRecord| key.name.starts_with("internal-"));
/// ```
///
/// `!` over a scope would let in every key without scopes, so it is no permission:
/// ```compile_fail
/// use apikey_core::{scope, KeyRecord, Permission};
/// fn guard(_: impl Permission<KeyRecord>) {}
/// guard(!scope("admin"));
/// ```
#[derive(Clone, Copy, Default)]
pub struct Rule<P>(P);

/// Requires exactly this scope.
///
/// For a scope that is known only at run time: `rule(Scope::new(text)?)`.
///
/// # Panics
/// If `name` is not a scope (see [`Scope`]): a mistake in wiring, found at start-up.
#[must_use]
#[track_caller]
pub fn scope(name: &'static str) -> Rule<Scope> {
    Rule(Scope::from_static(name))
}

/// Makes a rule of a closure `Fn(&M) -> bool`, or of any [`Permission`].
#[must_use]
pub fn rule<P>(permission: P) -> Rule<P> {
    Rule(permission)
}

impl<M, P: Permission<M>> Permission<M> for Rule<P> {
    fn check(&self, key: &M) -> Result<(), Denied> {
        self.0.check(key)
    }

    fn each_scope(&self, each: &mut dyn FnMut(&Scope)) {
        self.0.each_scope(each);
    }
}

impl<P> fmt::Debug for Rule<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

impl<A, B> ops::BitAnd<Rule<B>> for Rule<A> {
    type Output = Rule<And<A, B>>;

    fn bitand(self, other: Rule<B>) -> Self::Output {
        Rule(And(self.0, other.0))
    }
}

impl<A, B> ops::BitOr<Rule<B>> for Rule<A> {
    type Output = Rule<Or<A, B>>;

    fn bitor(self, other: Rule<B>) -> Self::Output {
        Rule(Or(self.0, other.0))
    }
}

impl<P> ops::Not for Rule<P> {
    type Output = Rule<Not<P>>;

    fn not(self) -> Self::Output {
        Rule(Not(self.0))
    }
}

/// Both have to agree. As a type: `ApiKey<KeyRecord, And<ReportsRead, Export>>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct And<A, B>(A, B);

impl<M, A: Permission<M>, B: Permission<M>> Permission<M> for And<A, B> {
    fn check(&self, key: &M) -> Result<(), Denied> {
        match (self.0.check(key), self.1.check(key)) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(denied), Ok(())) | (Ok(()), Err(denied)) => Err(Denied::of(self, &[&denied])),
            (Err(a), Err(b)) => Err(Denied::of(self, &[&a, &b])),
        }
    }

    fn each_scope(&self, each: &mut dyn FnMut(&Scope)) {
        self.0.each_scope(each);
        self.1.each_scope(each);
    }
}

/// One of them has to agree. As a type: `ApiKey<KeyRecord, Or<ReportsRead, Admin>>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Or<A, B>(A, B);

impl<M, A: Permission<M>, B: Permission<M>> Permission<M> for Or<A, B> {
    fn check(&self, key: &M) -> Result<(), Denied> {
        let Err(first) = self.0.check(key) else {
            return Ok(());
        };
        let Err(second) = self.1.check(key) else {
            return Ok(());
        };
        Err(if second.scopes.is_none() { second } else { first })
    }

    fn each_scope(&self, each: &mut dyn FnMut(&Scope)) {
        self.0.each_scope(each);
    }
}

/// The opposite of a predicate.
#[derive(Debug, Clone, Copy, Default)]
pub struct Not<P>(P);

/// What `!` may stand before: closures and what `&`, `|` and `!` make of them, but no scope.
pub trait Predicate<M>: Send + Sync + 'static {
    /// Whether the predicate is true of the key.
    fn holds(&self, key: &M) -> bool;
}

impl<M: 'static, F: Fn(&M) -> bool + Send + Sync + 'static> Predicate<M> for F {
    fn holds(&self, key: &M) -> bool {
        self(key)
    }
}

impl<M, A: Predicate<M>, B: Predicate<M>> Predicate<M> for And<A, B> {
    fn holds(&self, key: &M) -> bool {
        self.0.holds(key) && self.1.holds(key)
    }
}

impl<M, A: Predicate<M>, B: Predicate<M>> Predicate<M> for Or<A, B> {
    fn holds(&self, key: &M) -> bool {
        self.0.holds(key) || self.1.holds(key)
    }
}

impl<M, P: Predicate<M>> Predicate<M> for Not<P> {
    fn holds(&self, key: &M) -> bool {
        !self.0.holds(key)
    }
}

impl<M, P: Predicate<M>> Permission<M> for Not<P> {
    fn check(&self, key: &M) -> Result<(), Denied> {
        if self.0.holds(key) { Err(Denied::forbidden()) } else { Ok(()) }
    }
}

/// Declares scopes as types, to be named in a handler's signature.
///
/// # Examples
/// ```
/// use apikey_core::scopes;
///
/// scopes! {
///     /// May read reports.
///     pub ReportsRead = "reports:read";
///     pub Admin = "admin";
/// }
/// assert_eq!(ReportsRead::SCOPE.as_str(), "reports:read");
/// assert_eq!([ReportsRead::NAME, Admin::NAME], ["reports:read", "admin"]);
/// ```
///
/// A text that is not a scope does not compile:
/// ```compile_fail
/// apikey_core::scopes! { pub Bad = "two words"; }
/// ```
#[macro_export]
macro_rules! scopes {
    ($($(#[$meta:meta])* $visibility:vis $name:ident = $scope:literal;)+) => {$(
        $(#[$meta])*
        #[doc = concat!("Requires the scope `", $scope, "`.")]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        $visibility struct $name;

        impl $name {
            /// The scope.
            $visibility const SCOPE: $crate::Scope = $crate::Scope::from_static($scope);

            /// The text of the scope, for lists: `NewKey::scopes([..::NAME])`.
            #[allow(dead_code, reason = "a scope that is never given by name is none to warn of")]
            $visibility const NAME: &'static str = $scope;
        }

        impl<M: $crate::KeyModel> $crate::Permission<M> for $name {
            fn check(&self, key: &M) -> ::core::result::Result<(), $crate::Denied> {
                $crate::Permission::<M>::check(&Self::SCOPE, key)
            }

            fn each_scope(&self, each: &mut dyn FnMut(&$crate::Scope)) {
                each(&Self::SCOPE);
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HashedKey, KeyRecord, Scopes, Timestamp};

    fn key(scopes: &str) -> KeyRecord {
        KeyRecord::new(1, "prefix", HashedKey::new(""), "name", Timestamp::default())
            .with_scopes(Scopes::parse(scopes).unwrap())
    }

    fn named(key: &KeyRecord) -> bool {
        key.name == "name"
    }

    fn unnamed(key: &KeyRecord) -> bool {
        !named(key)
    }

    fn missing(permission: &impl Permission<KeyRecord>, scopes: &str) -> Option<String> {
        let denied = permission.check(&key(scopes)).unwrap_err();
        denied.scopes().map(str::to_owned)
    }

    #[test]
    fn a_key_without_scopes_passes_no_scope() {
        assert_eq!(missing(&scope("a"), ""), Some("a".into()));
        assert_eq!(missing(&(scope("a") | scope("b")), ""), Some("a".into()));
    }

    #[test]
    fn names_all_scopes_of_the_first_alternative_in_written_order() {
        let both = scope("b") & scope("a");
        assert_eq!(missing(&both, "a"), Some("b a".into()));
        assert_eq!(missing(&(scope("b") & scope("a") | scope("admin")), ""), Some("b a".into()));
        assert_eq!(missing(&(scope("a") & scope("a")), ""), Some("a".into()));
        let first_or_second = (scope("a") | scope("b")) & scope("c");
        assert_eq!(missing(&first_or_second, "a"), Some("a c".into()));
    }

    #[test]
    fn is_forbidden_as_soon_as_another_rule_failed() {
        assert_eq!(missing(&(scope("a") & rule(unnamed)), ""), None);
        assert_eq!(missing(&(rule(unnamed) | scope("a")), ""), None);
        assert_eq!(missing(&(scope("a") | rule(unnamed)), ""), None);
        assert_eq!(missing(&(scope("a") & rule(named)), ""), Some("a".into()));
    }

    #[test]
    fn combines_like_booleans() {
        let allows = |permission: &dyn Permission<KeyRecord>| permission.check(&key("a")).is_ok();
        assert!(allows(&AnyKey));
        assert!(allows(&(scope("a") & rule(named))));
        assert!(!allows(&(scope("a") & scope("b"))));
        assert!(allows(&(scope("b") | scope("a"))));
        assert!(allows(&!rule(unnamed)));
        assert!(!allows(&!rule(named)));
        assert!(!allows(&!(rule(named) | rule(unnamed))));
        assert!(allows(&!(rule(named) & rule(unnamed))));
    }

    scopes! { Read = "a"; Write = "b"; }

    #[test]
    fn scopes_stand_as_types() {
        assert!(Permission::<KeyRecord>::check(&Read, &key("a")).is_ok());
        assert_eq!(missing(&And::<Write, Read>::default(), "a"), Some("b a".into()));
        assert!(Or::<Write, Read>::default().check(&key("a")).is_ok());
    }
}
