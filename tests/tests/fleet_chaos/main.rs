//! Three gateways behind HAProxy over one Redis, with workers linked to each of them: gateways are
//! killed, frozen, cut off and replaced, Redis restarts, fails over and moves slots, under load
//! (I1–I5, I7). Seeds are printed; `TIDEGATE_SEED` replays one, `TIDEGATE_LONG` runs 300 rounds.

#[path = "../balancers/balancer.rs"]
#[expect(dead_code, reason = "the balancers' tests use more of it")]
mod balancer;
mod check;
mod epochs;
mod fates;
mod faults;
mod gateway;
mod log;
mod losses;
#[path = "../workers_chaos/proxy.rs"]
#[expect(dead_code, reason = "the workers' tests use more of it")]
mod proxy;
mod report;
#[path = "../workers_chaos/rng.rs"]
mod rng;
mod rolling;
mod rounds;
mod servers;
mod session;
mod shared;
mod takeover;
mod user;
#[path = "../workers_chaos/worker.rs"]
#[expect(dead_code, reason = "the workers' tests use more of it")]
mod worker;
mod world;
