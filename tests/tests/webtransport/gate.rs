//! A gateway with the service, and a certificate.

use std::net::Ipv4Addr;

use tidegate_transport::config::{Limits, TlsPem};

use crate::service::{Gate, start};

const CERT: &[u8] = include_bytes!("../http/localhost.cert.pem");
const CERT_KEY: &[u8] = include_bytes!("../http/localhost.key.pem");

pub(crate) fn gate() -> Gate {
    gate_with(Limits::default())
}

pub(crate) fn gate_with(limits: Limits) -> Gate {
    let tls = TlsPem { cert: CERT.to_vec(), key: CERT_KEY.to_vec() };
    start((Ipv4Addr::LOCALHOST, 0).into(), tls, limits)
}
