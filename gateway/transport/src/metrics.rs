//! What the transport counts. The server renders it (`/metrics`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Gauges and counters, without ids in labels.
#[derive(Debug, Default)]
pub struct TransportMetrics {
    pub(crate) connections: AtomicU64,
    pub(crate) streams: AtomicU64,
    pub(crate) links: AtomicU64,
    pub(crate) connections_accepted: AtomicU64,
    pub(crate) accept_errors: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) errors_client: AtomicU64,
    pub(crate) errors_server: AtomicU64,
    pub(crate) rate_limited: AtomicU64,
    pub(crate) streams_refused: AtomicU64,
    pub(crate) records_delivered: AtomicU64,
    pub(crate) quic_connections: AtomicU64,
    pub(crate) quic_retries: AtomicU64,
    pub(crate) quic_refused: AtomicU64,
}

impl TransportMetrics {
    /// Name and value of what goes up and down.
    pub fn gauges(&self) -> [(&'static str, u64); 3] {
        [
            ("connections", self.connections.load(Relaxed)),
            ("streams", self.streams.load(Relaxed)),
            ("links", self.links.load(Relaxed)),
        ]
    }

    /// Name and value of what only goes up.
    pub fn counters(&self) -> [(&'static str, u64); 11] {
        [
            ("connections_accepted", self.connections_accepted.load(Relaxed)),
            ("accept_errors", self.accept_errors.load(Relaxed)),
            ("requests", self.requests.load(Relaxed)),
            ("errors_client", self.errors_client.load(Relaxed)),
            ("errors_server", self.errors_server.load(Relaxed)),
            ("rate_limited", self.rate_limited.load(Relaxed)),
            ("streams_refused", self.streams_refused.load(Relaxed)),
            ("records_delivered", self.records_delivered.load(Relaxed)),
            ("quic_connections_accepted", self.quic_connections.load(Relaxed)),
            ("quic_retries", self.quic_retries.load(Relaxed)),
            ("quic_connections_refused", self.quic_refused.load(Relaxed)),
        ]
    }

    /// One open stream, if fewer than `max` are open. The body of the answer holds it.
    pub(crate) fn open_stream(self: &Arc<Self>, max: usize) -> Option<StreamPermit> {
        let open = self.streams.fetch_add(1, Relaxed);
        let permit = StreamPermit(Arc::clone(self));
        if open < max as u64 {
            return Some(permit);
        }
        self.streams_refused.fetch_add(1, Relaxed);
        None
    }

    /// One open link of a worker.
    pub(crate) fn open_link(self: &Arc<Self>) -> LinkCount {
        self.links.fetch_add(1, Relaxed);
        LinkCount(Arc::clone(self))
    }

    /// One open connection.
    pub(crate) fn open_connection(self: &Arc<Self>) -> ConnectionCount {
        self.connections.fetch_add(1, Relaxed);
        self.connections_accepted.fetch_add(1, Relaxed);
        ConnectionCount(Arc::clone(self))
    }
}

/// The right to hold one stream open; given back on drop.
#[derive(Debug)]
pub(crate) struct StreamPermit(Arc<TransportMetrics>);

impl StreamPermit {
    /// Counts records that were handed to this stream's reader.
    pub(crate) fn delivered(&self, records: usize) {
        self.0.records_delivered.fetch_add(records as u64, Relaxed);
    }
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}

/// Counts a connection while it lives.
#[derive(Debug)]
pub(crate) struct ConnectionCount(Arc<TransportMetrics>);

impl Drop for ConnectionCount {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}

/// Counts a worker's link while it lives.
#[derive(Debug)]
pub(crate) struct LinkCount(Arc<TransportMetrics>);

impl Drop for LinkCount {
    fn drop(&mut self) {
        self.0.links.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_are_bounded_and_given_back() {
        let metrics = Arc::new(TransportMetrics::default());
        let first = metrics.open_stream(1);
        assert!(first.is_some());
        assert!(metrics.open_stream(1).is_none());
        drop(first);
        assert_eq!(metrics.gauges()[1], ("streams", 0));
        assert!(metrics.open_stream(1).is_some());
    }
}
