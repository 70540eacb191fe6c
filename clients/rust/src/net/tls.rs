//! TLS with the system's roots.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsConnector;

/// A connector over TCP, as [`config`] says.
pub(crate) fn connector(
    alpn: &[&[u8]],
    more: &[CertificateDer<'static>],
) -> Result<TlsConnector, String> {
    Ok(TlsConnector::from(Arc::new(config(alpn, more)?)))
}

/// Trusts what the system trusts (`SSL_CERT_FILE` says otherwise) and `more`, and offers the
/// protocols `alpn`. The error says why there is none.
pub(super) fn config(
    alpn: &[&[u8]],
    more: &[CertificateDer<'static>],
) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in more {
        roots.add(certificate.clone()).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
