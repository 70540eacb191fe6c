//! The network between a worker and the gateway: cuts, half-closes and stalls on demand.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Forwards to one address.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    weather: watch::Sender<Weather>,
    task: JoinHandle<()>,
}

#[derive(Clone, Copy, Default)]
struct Weather {
    /// Cuts so far; a connection ends when it grows.
    cuts: u64,
    /// Half-closes so far: the gateway hears no more of a connection, the worker still does.
    half_closes: u64,
    stalled: bool,
}

impl Proxy {
    pub(crate) async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let (weather, seen) = watch::channel(Weather::default());
        let target = target.to_owned();
        let task = tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let (target, mut seen) = (target.clone(), seen.clone());
                tokio::spawn(async move {
                    let Ok(outer) = TcpStream::connect(&target).await else { return };
                    let began = *seen.borrow_and_update();
                    let (up, down) = (seen.clone(), seen.clone());
                    let (from_inner, to_inner) = inner.into_split();
                    let (from_outer, to_outer) = outer.into_split();
                    // A drop ends the connection with whatever is on its way.
                    tokio::select! {
                        biased;
                        () = until(&mut seen, |now| now.cuts != began.cuts) => {}
                        () = pass(from_inner, to_outer, up, began, true) => {}
                        () = pass(from_outer, to_inner, down, began, false) => {}
                    }
                });
            }
        });
        Self { address, weather, task }
    }

    /// Cuts every connection that is open now.
    pub(crate) fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Closes the worker's direction of every connection that is open now.
    pub(crate) fn half_close(&self) {
        self.weather.send_modify(|weather| weather.half_closes += 1);
    }

    /// Lets nothing pass, or everything again.
    pub(crate) fn stall(&self, stalled: bool) {
        self.weather.send_modify(|weather| weather.stalled = stalled);
    }
}

/// One direction, until it ends.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    began: Weather,
    up: bool,
) {
    let mut buffer = [0; 8192];
    loop {
        let mut halves = weather.clone();
        let half_closed = until(&mut halves, |now| up && now.half_closes != began.half_closes);
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            () = half_closed => {
                let _ = to.shutdown().await;
                // The other direction decides when the connection is over.
                return std::future::pending().await;
            }
        };
        let Ok(count @ 1..) = read else { return };
        until(&mut weather, |now| !now.stalled).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Waits for weather; a proxy that is gone cuts.
async fn until(weather: &mut watch::Receiver<Weather>, is_it: impl FnMut(&Weather) -> bool) {
    let _ = weather.wait_for(is_it).await;
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}
