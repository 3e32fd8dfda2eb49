//! Opening a pool of connections to a server.

use std::time::Duration;

use diesel::result::{ConnectionError, DatabaseErrorKind, Error};
use diesel_async::AsyncConnection;
use diesel_async::pooled_connection::deadpool::{HookError, PoolError as Deadpool};
use diesel_async::pooled_connection::{ManagerConfig, PoolError, RecyclingMethod};

use crate::error::ConnectError;
use crate::server::address::Address;

/// As many as are of use to a server with a few processors.
pub(crate) const CONNECTIONS: usize = 8;

/// How long an operation waits for a connection to be free, and how long for one to be made.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What stands before servers forgets connections that are idle for longer, without a word: in clouds after 4 minutes.
const MOST_IDLE: Duration = Duration::from_secs(180);

/// Builds a pool for one type of connection, and opens the first.
macro_rules! open_pool {
    ($connection:ty, $address:expr, $settings:expr) => {{
        use diesel_async::pooled_connection::AsyncDieselConnectionManager;
        use diesel_async::pooled_connection::deadpool::{Hook, Pool};
        use $crate::server::connect::{CONNECTIONS, PATIENCE, explain, refuse_idle};
        let address = $address;
        let manager =
            AsyncDieselConnectionManager::<$connection>::new_with_config(&address.url, $settings);
        let pool = Pool::<$connection>::builder(manager)
            .max_size(CONNECTIONS)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .runtime(::deadpool::Runtime::Tokio1)
            .pre_recycle(Hook::sync_fn(|_, metrics| refuse_idle(metrics.last_used())))
            .build()
            .map_err(|error| $crate::error::ConnectError::Runtime(error.into()))?;
        match pool.get().await {
            Ok(_) => Ok(pool),
            Err(error) => Err(explain(error, &address)),
        }
    }};
}

pub(crate) use open_pool;

/// The store notices a dead connection itself, and a test would cost as much as a lookup.
pub(crate) fn settings<C: AsyncConnection + 'static>() -> ManagerConfig<C> {
    let mut settings = ManagerConfig::default();
    settings.recycling_method = RecyclingMethod::Fast;
    settings
}

pub(crate) fn refuse_idle(idle: Duration) -> Result<(), HookError> {
    if idle > MOST_IDLE { Err(HookError::message("idle for too long")) } else { Ok(()) }
}

/// Finds out why there is no first connection. Neither driver repeats a password.
pub(crate) fn explain(error: Deadpool, address: &Address) -> ConnectError {
    let place = address.place();
    let source = match error {
        Deadpool::Backend(PoolError::ConnectionError(error)) => error,
        other => return ConnectError::Unreachable { place, source: other.into() },
    };
    let text = source.to_string();
    if wants_tls(&text) {
        return ConnectError::NoTls { place, source: source.into() };
    }
    if is_busy(&text) {
        return ConnectError::Busy { place, source: source.into() };
    }
    let is_answer = match &source {
        // PostgreSQL's driver reports all with this, but gives a kind to what no server said.
        ConnectionError::CouldntSetupConfiguration(Error::DatabaseError(kind, _)) => {
            !matches!(kind, DatabaseErrorKind::UnableToSendCommand)
        }
        _ => false,
    };
    if is_answer {
        ConnectError::Refused { place, source: source.into() }
    } else {
        ConnectError::Unreachable { place, source: source.into() }
    }
}

/// Whether a server says so, in English: Diesel keeps no code.
fn is_busy(message: &str) -> bool {
    const TEXTS: [&str; 9] = [
        "is starting up",
        "is shutting down",
        "in recovery mode",
        "not yet accepting connections",
        "too many clients",
        "too many connections",
        "Too many connections",
        "connection slots are reserved",
        "max_user_connections",
    ];
    TEXTS.iter().any(|text| message.contains(text))
}

/// What a driver says that was asked for TLS and has none.
pub(crate) const GAVE_UP: &str = "the driver gave up: the URL asks for TLS";

/// Whether the server or the URL demands TLS, in the words of servers, of what stands before hosted ones, and of
/// drivers.
fn wants_tls(message: &str) -> bool {
    const TEXTS: [&str; 10] = [
        GAVE_UP,
        "no TLS implementation configured",
        "Client asked for SSL but server does not have this capability",
        // `no pg_hba.conf entry for host .., no encryption`, which older servers call `SSL off`.
        "no encryption",
        "SSL off",
        "insecure transport",
        "connection is insecure",
        "SSL connection is required",
        "SSL/TLS required",
        "server does not allow insecure connections",
    ];
    TEXTS.iter().any(|text| message.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_is_used_that_a_cloud_forgets() {
        assert!(refuse_idle(Duration::from_secs(240)).is_err());
        assert!(refuse_idle(Duration::from_secs(60)).is_ok());
    }
}
