//! Opens a WebTransport session on bare QUIC: as much of HTTP/3 as that needs.

use std::io;

use quinn::{Connection, RecvStream, SendStream, VarInt};
use tidegate_protocol::duplex::PATH;

/// ENABLE_CONNECT_PROTOCOL, H3_DATAGRAM, ENABLE_WEBTRANSPORT (draft 02) on a control stream.
const SETTINGS: [u8; 12] = [0, 4, 9, 0x08, 1, 0x33, 1, 0xab, 0x60, 0x37, 0x42, 1];
/// Type of the frame of a head.
const HEADERS: u64 = 1;
/// The field line `:status: 200` of the static table, the first behind the prefix of two bytes.
const STATUS_200: u8 = 0xd9;
/// Type of a bidirectional stream of a session.
const BIDIRECTIONAL: [u8; 2] = [0x40, 0x41];

/// A session, with the streams that must stay open for it.
#[derive(Debug)]
pub(super) struct Extended {
    /// The control stream of the duplex binding.
    pub(super) control: (SendStream, RecvStream),
    _request: (SendStream, RecvStream),
    _settings: SendStream,
}

impl Extended {
    /// The first session of a new connection.
    pub(super) async fn open(quic: &Connection) -> io::Result<Self> {
        let mut settings = quic.open_uni().await.map_err(io::Error::other)?;
        settings.write_all(&SETTINGS).await?;
        let (mut send, mut receive) = quic.open_bi().await.map_err(io::Error::other)?;
        send.write_all(&head()?).await?;
        let (kind, length) = (varint(&mut receive).await?, varint(&mut receive).await?);
        let mut block = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        receive.read_exact(&mut block).await.map_err(io::Error::other)?;
        if kind != HEADERS || block.get(2) != Some(&STATUS_200) {
            return Err(io::Error::other("the gateway refused a session"));
        }
        let id = byte(VarInt::from(send.id()).into_inner())?;
        let mut control = quic.open_bi().await.map_err(io::Error::other)?;
        control.0.write_all(&[BIDIRECTIONAL[0], BIDIRECTIONAL[1], id]).await?;
        Ok(Self { control, _request: (send, receive), _settings: settings })
    }
}

/// The request: literal names and values (RFC 9204 §4.5.6), none of them long.
fn head() -> io::Result<Vec<u8>> {
    let mut block = vec![0, 0];
    for (name, value) in [
        (":method", "CONNECT"),
        (":protocol", "webtransport"),
        (":scheme", "https"),
        (":authority", "localhost"),
        (":path", PATH),
    ] {
        put_prefixed(&mut block, 0x20, 7, name.len())?;
        block.extend_from_slice(name.as_bytes());
        put_prefixed(&mut block, 0, 0x7f, value.len())?;
        block.extend_from_slice(value.as_bytes());
    }
    let length = u16::try_from(block.len()).map_err(io::Error::other)? | 0x4000;
    Ok([&[1][..], &length.to_be_bytes(), &block].concat())
}

/// A whole number of QUIC (RFC 9000 §16).
pub(super) async fn varint(stream: &mut RecvStream) -> io::Result<u64> {
    let mut first = [0];
    stream.read_exact(&mut first).await.map_err(io::Error::other)?;
    let mut rest = vec![0; (1 << (first[0] >> 6)) - 1];
    stream.read_exact(&mut rest).await.map_err(io::Error::other)?;
    Ok(rest.iter().fold(u64::from(first[0] & 0x3f), |sum, byte| sum << 8 | u64::from(*byte)))
}

/// An integer behind the `flags` of its first byte (RFC 9204 §4.1.1).
fn put_prefixed(block: &mut Vec<u8>, flags: u8, max: u8, value: usize) -> io::Result<()> {
    let value = byte(value as u64)?;
    if value < max {
        block.push(flags | value);
    } else {
        block.extend_from_slice(&[flags | max, value - max]);
    }
    Ok(())
}

fn byte(value: u64) -> io::Result<u8> {
    u8::try_from(value).map_err(io::Error::other)
}
