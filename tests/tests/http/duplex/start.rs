//! A gateway that speaks every transport.

use tidegate_transport::config::{Http3, TransportConfig};

use crate::harness::Gate;
use crate::plan::Plan;

pub(crate) async fn gate() -> Gate {
    gate_with(|_| {}).await
}

pub(crate) async fn gate_with(change: impl FnOnce(&mut TransportConfig)) -> Gate {
    gate_of(&Plan::default(), change).await
}

/// Of other parts.
pub(crate) async fn gate_of(plan: &Plan, change: impl FnOnce(&mut TransportConfig)) -> Gate {
    let http3 = |config: &mut TransportConfig| config.http3 = Some(Http3::default());
    Gate::build(plan, |config| {
        http3(config);
        change(config);
    })
    .await
}
