//! Workers and gateways that die, freeze and lose their links under load (I1–I4, I7), and races of
//! the wake-up of runs. Seeds are printed; `TIDEGATE_SEED` replays one, `TIDEGATE_LONG` runs 500
//! rounds.

mod check;
mod deploy;
mod fates;
mod faults;
mod lost;
mod proxy;
mod racing;
mod recovery;
mod rng;
mod rounds;
mod user;
mod worker;
