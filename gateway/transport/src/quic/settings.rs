//! How QUIC and HTTP/3 are spoken: every bound of a connection (I6).

use std::sync::Arc;
use std::time::Duration;

use h3::server::Builder;
use quinn::congestion::BbrConfig;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, ServerConfig, TransportConfig, VarInt};
use tidegate_protocol::limits::{
    H3_STREAMS_FIRST, HEADERS_MAX_BYTES, QUIC_CONNECTION_WINDOW_BYTES, QUIC_DATAGRAM_BUFFER_BYTES,
    QUIC_PEER_STREAMS_MAX, QUIC_PING_INTERVAL_MS, QUIC_SEND_WINDOW_BYTES, QUIC_SILENCE_MS,
    QUIC_STREAM_WINDOW_BYTES,
};

use super::keys::Keys;
use crate::config::TlsPem;
use crate::listen::tls::{self, TlsError};

/// Connections that wait to be taken up by the accept loop, which never waits itself.
const INCOMING_MAX: usize = 1_024;
/// What is kept of what each of them, and all of them, sent meanwhile.
const INCOMING_BYTES: u64 = 16 * 1024;
const INCOMING_TOTAL_BYTES: u64 = 4 * 1024 * 1024;

/// TLS 1.3 without early data (R-H3-4): h3 can't say of a request whether it was replayed.
pub(super) fn server(pem: &TlsPem, keys: Keys) -> Result<ServerConfig, TlsError> {
    let tls = tls::config(pem, &[&rustls::version::TLS13], &[b"h3"])?;
    let crypto = QuicServerConfig::try_from(tls).expect("the provider has QUIC's cipher suite");
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    keys.seal(&mut config);
    config
        .transport_config(Arc::new(transport()))
        .max_incoming(INCOMING_MAX)
        .incoming_buffer_size(INCOMING_BYTES)
        .incoming_buffer_size_total(INCOMING_TOTAL_BYTES);
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    let silence = VarInt::from_u32(QUIC_SILENCE_MS);
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(H3_STREAMS_FIRST))
        .max_concurrent_uni_streams(VarInt::from_u32(QUIC_PEER_STREAMS_MAX))
        .stream_receive_window(VarInt::from_u32(QUIC_STREAM_WINDOW_BYTES))
        .receive_window(VarInt::from_u32(QUIC_CONNECTION_WINDOW_BYTES))
        .send_window(QUIC_SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(Some(QUIC_DATAGRAM_BUFFER_BYTES))
        .datagram_send_buffer_size(QUIC_DATAGRAM_BUFFER_BYTES)
        .max_idle_timeout(Some(IdleTimeout::from(silence)))
        .keep_alive_interval(Some(Duration::from_millis(QUIC_PING_INTERVAL_MS)))
        // CUBIC takes each loss for congestion, and does not grow while there is little to send:
        // with 2 % loss chats wait for its window for seconds (tests/loss).
        .congestion_controller_factory(Arc::new(BbrConfig::default()));
    transport
}

/// Without grease, whose frames make some clients wait for ever.
pub(super) fn http3() -> Builder {
    let mut builder = h3::server::builder();
    builder
        .max_field_section_size(HEADERS_MAX_BYTES as u64)
        .send_grease(false)
        .enable_extended_connect(true)
        .enable_datagram(true)
        .enable_webtransport(true)
        .max_webtransport_sessions(1);
    builder
}
