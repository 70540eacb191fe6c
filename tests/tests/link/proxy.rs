//! A TCP proxy whose connections can be cut.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards to one address; cuts on demand.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    cuts: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (cuts, cut) = watch::channel(0);
        let target = target.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((mut inner, _)) = listener.accept().await {
                let (target, mut cut) = (target.clone(), cut.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let Ok(mut outer) = TcpStream::connect(&target).await else { return };
                    tokio::select! {
                        _ = copy_bidirectional(&mut inner, &mut outer) => {}
                        _ = cut.changed() => {
                            // Bytes on their way are lost, as when a network dies.
                            let _ = inner.set_zero_linger();
                            let _ = outer.set_zero_linger();
                        }
                    }
                });
            }
        });
        Self { address, cuts, task }
    }

    /// Cuts every connection that is open now.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
