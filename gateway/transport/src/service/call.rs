//! An authenticated request, as bindings get it.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use tidegate_core::Gateway;
use tidegate_core::access::Principal;
use tidegate_core::error::Result;
use tidegate_core::seams::store::Appended;
use tidegate_core::streams::append::AppendRequest;
use tidegate_protocol::ids::Channel;
use tidegate_protocol::limits::JSON_BODY_MAX_BYTES;

use super::app::App;
use super::finish::ToTheEnd;
use super::query::{Query, refused};
use super::read_body;
use super::request_body::RequestBody;
use crate::metrics::StreamPermit;

/// One request.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a Arc<App>,
    pub(crate) tls: bool,
    pub(crate) parts: Parts,
    pub(crate) body: RequestBody,
    pub(crate) principal: Principal,
}

impl Call<'_> {
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.app.gateway
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    pub(crate) fn query(&self) -> Result<Query> {
        Query::parse(self.parts.uri.query())
    }

    /// The text of a header; blank is absent.
    pub(crate) fn header(&self, name: &'static str) -> Result<Option<&str>> {
        let Some(value) = self.parts.headers.get(name) else { return Ok(None) };
        let text = value.to_str().map_err(|_| refused(name, format!("{name} must be text")))?;
        Ok(Some(text.trim()).filter(|text| !text.is_empty()))
    }

    /// The whole body, if it has at most `limit` bytes.
    pub(crate) async fn body(&mut self, limit: usize) -> Result<Bytes> {
        let timeout = self.app.limits.body_timeout;
        read_body::read(&self.parts.headers, &mut self.body, limit, timeout).await
    }

    /// The body of a small JSON request.
    pub(crate) async fn small_body(&mut self) -> Result<Bytes> {
        self.body(JSON_BODY_MAX_BYTES).await
    }

    /// Appends, to the end even if the client goes away meanwhile.
    pub(crate) fn append(
        &self,
        name: &str,
        channel: Channel,
        request: AppendRequest,
    ) -> ToTheEnd<Result<Appended>> {
        let (gateway, principal) = (self.gateway().clone(), self.principal.clone());
        let name = name.to_owned();
        ToTheEnd::of(async move { gateway.append(&principal, &name, &channel, request).await })
    }

    /// The right to hold a stream open.
    pub(crate) fn stream_permit(&self) -> Result<StreamPermit> {
        self.app.stream_permit()
    }

    /// Does what was appended wait for a version that no worker has (R-RUNS-16)?
    pub(crate) async fn version_is_pending(&self, name: &str) -> Result<bool> {
        let located = self.gateway().locate(&self.principal, name).await?;
        Ok(located.row.is_some_and(|row| self.gateway().is_version_pending(&row)))
    }
}
