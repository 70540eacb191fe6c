//! TLS with ALPN.

use std::sync::Arc;

use rustls::{ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsPem;

/// Why a certificate or key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file.
    #[error("the certificate is not a PEM certificate chain: {0}")]
    Certificate(rustls_pki_types::pem::Error),
    /// There is none in the file.
    #[error("the certificate file holds no certificate")]
    NoCertificate,
    /// The key file.
    #[error("the key is not a PEM private key: {0}")]
    Key(rustls_pki_types::pem::Error),
    /// The two do not fit, or the algorithm is not supported.
    #[error("the certificate and key can't be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// An acceptor that offers `h2` and `http/1.1`.
pub(super) fn acceptor(pem: &TlsPem) -> Result<TlsAcceptor, TlsError> {
    let config = config(pem, rustls::DEFAULT_VERSIONS, &[b"h2", b"http/1.1"])?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS with this certificate, offering `alpn`.
pub(crate) fn config(
    pem: &TlsPem,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> Result<ServerConfig, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem.cert)
        .collect::<Result<_, _>>()
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
