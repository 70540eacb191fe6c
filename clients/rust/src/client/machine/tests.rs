//! Seeded drives against a gateway that is modelled: cuts at any point, another transport beside,
//! gateways that go away. What is delivered is the log.

mod gateway;
mod random;
mod scenes;
