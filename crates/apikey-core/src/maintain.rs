//! What a handle does beside requests: it writes uses, and exchanges news with other processes.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_timer::Delay;
use futures_util::future::{OptionFuture, join, select};

use crate::bus::link::Link;
use crate::event;
use crate::handle::{ApiKeys, Inner};
use crate::manage::ManageError;
use crate::model::KeyModel;

impl<M: KeyModel> ApiKeys<M> {
    /// Writes down now and then when keys were used, and talks to the
    /// [`InvalidationBus`](crate::InvalidationBus) if there is one: a future for the application to spawn
    /// once. It ends when the last handle is dropped.
    ///
    /// Uses since the last write are lost if the process ends without [`flush`](Self::flush): at most one
    /// interval (60 seconds unless [`usage_interval`](crate::ApiKeysBuilder::usage_interval) says
    /// otherwise). If the store cannot write, verification goes on, and the uses are tried again; if it has
    /// no place for them ([`Unsupported`](crate::StoreError::Unsupported)), they are forgotten.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn serve(keys: apikey_core::ApiKeys) {
    /// // tokio::spawn(keys.maintain());
    /// # keys.maintain().await;
    /// # }
    /// ```
    pub fn maintain(&self) -> impl Future<Output = ()> + Send + use<M> {
        let end = self.inner.life.end();
        let uses = write_uses(Arc::downgrade(&self.inner), self.inner.usage.interval);
        let news = exchange_news(&self.inner);
        async move {
            select(pin!(join(uses, news)), end).await;
        }
    }

    /// Writes when keys were used since the last write, and publishes what is not published yet: to be
    /// awaited at shutdown.
    ///
    /// # Errors
    /// [`ManageError::Store`] if the store fails; the uses stay pending. That it has no place for them is
    /// no failure.
    pub async fn flush(&self) -> Result<(), ManageError> {
        let written = self.inner.write_uses().await;
        if let Some(link) = &self.inner.link {
            link.publish_rest().await;
        }
        written
    }
}

/// Writes when keys were used, once in each interval.
async fn write_uses<M: KeyModel>(inner: Weak<Inner<M>>, interval: Duration) {
    loop {
        Delay::new(interval).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = inner.write_uses().await {
            event::usage_not_written(&error);
        }
    }
}

/// Publishes the changes of this handle, and hears of those of others if it has a cache.
fn exchange_news<M: KeyModel>(inner: &Arc<Inner<M>>) -> impl Future<Output = ()> + Send + use<M> {
    let publish = inner.link.clone().map(Link::publish);
    let heard = inner.link.clone().filter(|_| inner.cache.is_some());
    let weak = Arc::downgrade(inner);
    let forget = move |invalidation| {
        if let Some(inner) = weak.upgrade() {
            inner.forget(&invalidation);
        }
    };
    let listen = heard.map(|link| link.listen(forget));
    async move {
        join(OptionFuture::from(publish), OptionFuture::from(listen)).await;
    }
}
