//! What TLS is measured with: the certificate of the tests, for `localhost` alone.

/// PEM; clients of the run trust it.
pub const CERT: &[u8] = include_bytes!("../../../tests/tests/http/localhost.cert.pem");
/// PEM.
pub(super) const CERT_KEY: &[u8] = include_bytes!("../../../tests/tests/http/localhost.key.pem");
