//! What stands between a client and a server, and turns to another server, or lets nothing through any more.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Hands on each connection to a port of this machine, for as long as it lives.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    target: Arc<AtomicU16>,
    /// How many times it has forgotten all connections.
    forgotten: watch::Sender<u32>,
    task: AbortHandle,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let target = Arc::new(AtomicU16::new(port));
        let forgotten = watch::Sender::new(0);
        let task = tokio::spawn(hand_on(listener, Arc::clone(&target), forgotten.clone()));
        Self { port: own, target, forgotten, task: task.abort_handle() }
    }

    /// Gives the URL of a server that goes through here.
    pub(crate) fn through(&self, url: &str, port: u16) -> String {
        url.replace(&format!(":{port}/"), &format!(":{}/", self.port))
    }

    /// Leads those who come from now on to another server. The others stay where they are.
    pub(crate) fn turn_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }

    /// Lets nothing through any more for those who are there, and tells nobody, as a firewall does that forgets what was
    /// idle for too long.
    pub(crate) fn forget_all(&self) {
        self.forgotten.send_modify(|times| *times += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hand_on(listener: TcpListener, target: Arc<AtomicU16>, forgotten: watch::Sender<u32>) {
    let mut connections = JoinSet::new();
    loop {
        let (mut client, _) = listener.accept().await.unwrap();
        let port = target.load(Ordering::SeqCst);
        let mut forgotten = forgotten.subscribe();
        connections.spawn(async move {
            let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await else {
                return;
            };
            let is_forgotten = tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => false,
                _ = forgotten.changed() => true,
            };
            if is_forgotten {
                std::future::pending::<()>().await;
            }
        });
    }
}
