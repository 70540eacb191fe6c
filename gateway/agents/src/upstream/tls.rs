//! The TLS configuration that all backends share.

use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// Trusts the system's certificates (or those of `SSL_CERT_FILE`), read once. The error says why
/// there are none.
pub(super) fn system() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            let (usable, _) = roots.add_parsable_certificates(found.certs);
            match (usable, found.errors.first()) {
                (0, Some(error)) => Err(format!("no system certificates: {error}")),
                (0, None) => Err("no system certificates".to_owned()),
                _ => with_roots(roots),
            }
        })
        .clone()
}

/// Trusts `roots`.
pub(super) fn with_roots(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
