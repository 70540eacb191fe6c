//! `/metrics`.

use tidegate_core::Gateway;
use tidegate_transport::TransportMetrics;

use super::exposition::{CONTENT_TYPE, Exposition};
use super::process;

/// Content type of [`render`]'s document.
pub const METRICS_TYPE: &str = CONTENT_TYPE;

/// Every number that the gateway gives, in the Prometheus text format. No label holds an id.
/// `lost` is what the store lost.
pub fn render(
    gateway: &Gateway,
    transport: &TransportMetrics,
    lost: u64,
    draining: bool,
) -> String {
    let mut document = Exposition::default();
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    document.info("tidegate_build_info", "The build that runs.", &version);
    document.gauge("tidegate_draining", "1 while the gateway stops.", u8::from(draining));
    for (name, value) in gateway.metrics().counters() {
        document.counter(&format!("tidegate_{name}_total"), &help(name), value);
    }
    for (name, value) in transport.counters() {
        document.counter(&format!("tidegate_{name}_total"), &help(name), value);
    }
    document.counter(
        "tidegate_lost_records_total",
        "Durable records that the store lost, each behind a gap that readers are told of.",
        lost,
    );
    for (name, value) in transport.gauges() {
        document.gauge(&format!("tidegate_{name}"), &help(name), value);
    }
    let live = gateway.channels().len();
    document.gauge("tidegate_live_channels", "Streams that have readers on this node.", live);
    let driven = gateway.turns().len();
    document.gauge(
        "tidegate_driven_sessions",
        "Sessions with a turn that runs or ran just now.",
        driven,
    );
    let agents = gateway.agents().len();
    document.gauge("tidegate_agents", "Agents that are configured.", agents);
    process::render(&mut document);
    document.into_text()
}

fn help(name: &str) -> String {
    let known = HELP.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| format!("{}.", name.replace('_', " ")), |(_, help)| (*help).to_owned())
}

const HELP: &[(&str, &str)] = &[
    ("appends", "Appends of clients that became durable."),
    ("turns_started", "Turns that were started or started again."),
    ("turns_completed", "Turns that ended in their boundary."),
    ("turns_stopped", "Turns that were stopped."),
    ("turns_failed", "Turns that ended in an error."),
    ("turns_retried", "Turns that were run again after a failure that nobody saw."),
    ("turns_interrupted", "Turns that a crash cut and the gateway closed."),
    ("connections", "Connections that are open."),
    ("streams", "Streams that are read."),
    ("links", "Links of workers that are open."),
    ("connections_accepted", "Connections that were accepted."),
    ("accept_errors", "Connections that could not be accepted."),
    ("requests", "Requests that were answered."),
    ("errors_client", "Requests that were answered with a 4xx status."),
    ("errors_server", "Requests that were answered with a 5xx status."),
    ("rate_limited", "Requests that were refused by a rate limit."),
    ("streams_refused", "Streams that were refused because too many are read."),
    ("records_delivered", "Records that were handed to readers."),
    ("quic_connections_accepted", "Connections over QUIC that were begun."),
    ("quic_retries", "Clients that were asked for a proof of their address."),
    ("quic_connections_refused", "Connections over QUIC that were refused for lack of room."),
];
