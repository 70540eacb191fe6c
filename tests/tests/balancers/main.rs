//! The configurations of `spec/deploy/balancers`, in the real balancers, before the real binary.

mod balancer;
mod buffering;
mod events;
mod failover;
mod gateway;
mod links;
mod s2;
mod streams;

/// Every row, for every balancer.
macro_rules! rows {
    ($balancer:ident, $kind:expr) => {
        mod $balancer {
            use crate::balancer::Kind;

            const KIND: Kind = $kind;

            #[tokio::test]
            async fn records_arrive_one_at_a_time() {
                crate::streams::one_at_a_time(KIND).await;
            }

            #[tokio::test]
            async fn a_silent_read_is_kept_alive() {
                crate::streams::silent(KIND).await;
            }

            #[tokio::test]
            async fn a_read_that_the_balancer_cut_resumes_by_cursor() {
                crate::streams::cut(KIND).await;
            }

            #[tokio::test]
            async fn clients_are_told_the_address_that_they_used() {
                crate::streams::addresses(KIND).await;
            }

            #[tokio::test]
            async fn workers_link_through_it() {
                crate::links::turns(KIND).await;
            }

            #[tokio::test]
            async fn a_worker_is_led_back_to_its_gateway() {
                crate::links::led(KIND).await;
            }

            #[tokio::test]
            async fn s2_sessions_of_frames_go_both_ways_at_once() {
                crate::s2::both_ways(KIND).await;
            }

            #[tokio::test]
            async fn a_killed_gateway_is_replaced_by_the_other() {
                crate::failover::killed(KIND).await;
            }

            #[tokio::test]
            async fn nothing_is_held_back() {
                crate::buffering::none(KIND).await;
            }
        }
    };
}

rows!(nginx, Kind::Nginx);
rows!(haproxy, Kind::Haproxy);
rows!(caddy, Kind::Caddy);
