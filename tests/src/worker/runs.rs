//! Mode `runs`, by hand: the frames of the link as the specification has them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tidegate_protocol::ErrorCode;
use tidegate_protocol::limits::{LINK_HEARTBEAT_MS, LINK_LEASE_MS};
use tidegate_protocol::link::GatewayFrame;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::dial::{Socket, dial};
use super::held::Held;
use super::run::Run;
use super::shared::Shared;

/// Between tries to connect.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves `agent` at `address` (`host:port`) until it is killed. What the gateway refuses is noted
/// in `log`, a line each.
pub async fn serve(
    address: &str,
    key: &str,
    agent: &str,
    version: &str,
    tag: &str,
    capacity: usize,
    log: &Path,
) -> io::Result<()> {
    let shared = Arc::new(Shared::new(agent, version, tag, capacity));
    let tag: Arc<str> = tag.into();
    let mut log = tokio::fs::File::create(log).await?;
    loop {
        if let Ok(socket) = dial(address, key).await {
            // However it ends, the next one takes up what is left.
            let _ = link(socket, &shared, &tag, &mut log).await;
        }
        sleep(PAUSE).await;
    }
}

/// One connection.
async fn link(
    socket: Socket,
    shared: &Arc<Shared>,
    tag: &Arc<str>,
    log: &mut tokio::fs::File,
) -> Result<(), Error> {
    let (mut sink, mut stream) = socket.split();
    sink.send(Message::text(shared.hello().await)).await?;
    let writing = async {
        loop {
            let text = shared.next_message().await;
            sink.send(Message::text(text)).await?;
        }
    };
    let beating = async {
        loop {
            sleep(Duration::from_millis(LINK_HEARTBEAT_MS / 2)).await;
            shared.beat().await;
        }
    };
    let reading = async {
        let silence = Duration::from_millis(LINK_LEASE_MS);
        while let Ok(Some(message)) = timeout(silence, stream.next()).await {
            let Message::Text(text) = message? else { continue };
            let frame = GatewayFrame::parse(text.as_str()).expect("the gateway's frames are good");
            take(frame, shared, tag, log).await?;
        }
        Ok(())
    };
    tokio::select! {
        ended = reading => ended,
        ended = writing => ended,
        () = beating => Ok(()),
    }
}

async fn take(
    frame: GatewayFrame,
    shared: &Arc<Shared>,
    tag: &Arc<str>,
    log: &mut tokio::fs::File,
) -> io::Result<()> {
    match frame {
        GatewayFrame::Welcome(welcome) => shared.welcome(&welcome).await,
        GatewayFrame::Boot(boot) => {
            if shared.begin(&boot.id, Held::new(&boot)).await {
                tokio::spawn(Run::new(shared, tag, &boot).run());
            }
        }
        GatewayFrame::Error(error) => {
            log.write_all(format!("{}\n", error.code).as_bytes()).await?;
            log.flush().await?;
            assert!(
                error.code == ErrorCode::NotHeld.as_str(),
                "a right frame was refused: {error:?}"
            );
        }
        frame => shared.handle(frame).await,
    }
    Ok(())
}
