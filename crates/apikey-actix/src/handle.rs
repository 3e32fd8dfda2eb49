//! Where an extractor finds the application's `ApiKeys`.

use std::any::type_name;
use std::marker::PhantomData;

use actix_web::{HttpMessage, HttpRequest, web};
use apikey_core::{ApiKeys, AuthError, KeyModel};

/// Finds the handle in the application's data: as it is, or as `Data`. Actix looks for one type from the
/// inside out, and does not tell which of two types is nearer.
pub(crate) fn handle<M: KeyModel>(request: &HttpRequest) -> Result<&ApiKeys<M>, AuthError> {
    let plain = request.app_data::<ApiKeys<M>>();
    let data = request.app_data::<web::Data<ApiKeys<M>>>().map(|data| &***data);
    match (plain, data) {
        (Some(plain), Some(data)) if !plain.is_same(data) => Err(not_configured::<M>(request, TWO)),
        (Some(keys), _) | (None, Some(keys)) => Ok(keys),
        (None, None) => Err(not_configured::<M>(request, NONE)),
    }
}

const NONE: &str = ".app_data(web::Data::new(keys))";
const TWO: &str =
    ".app_data(web::Data::new(keys)) for both handles, of which one is now .app_data(keys),";

/// Refuses. The log hears of it once in each request, however many extractors look for the handle.
fn not_configured<M: KeyModel>(request: &HttpRequest, fix: &str) -> AuthError {
    if let Some(Told(error, _)) = request.extensions().get::<Told<M>>() {
        return error.clone();
    }
    let model = type_name::<M>();
    let error = AuthError::not_configured(&format!("{fix} where keys is an ApiKeys<{model}>"));
    request.extensions_mut().insert(Told::<M>(error.clone(), PhantomData));
    error
}

struct Told<M>(AuthError, PhantomData<fn() -> M>);
