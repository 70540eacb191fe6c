//! The list of the contract's tests.

/// Makes a test of every function of the contract. `$factory` is an expression that gives a new
/// [`StoreFactory`](crate::contract::StoreFactory) over no data.
#[macro_export]
macro_rules! contract_suite {
    ($factory:expr) => {
        $crate::contract_suite! { @tests $factory;
            appends: records_get_dense_places, timestamps_never_decrease,
                state_tells_where_a_stream_stands, reads_are_bounded, large_records_are_refused,
                concurrent_appends_do_not_mix, the_listener_hears_every_batch,
                an_empty_append_writes_nothing;
            atomicity: a_refused_commit_leaves_nothing, a_commit_is_whole;
            blobs: blobs_are_kept, blobs_list_by_prefix, blobs_are_deleted_from_a_name_on;
            deletion: nothing_remains, a_new_epoch_starts_far_ahead, old_writers_stay_out,
                deleting_nothing_does_nothing;
            ending: a_closed_store_says_so;
            fences: a_run_is_fenced, the_gateway_bumps_the_fence, a_bump_ends_the_lease,
            a_blob_can_be_bound_to_a_fence,
                a_guest_writes_until_hand_over;
            floors: a_replay_trim_keeps_the_data, a_retention_trim_drops_the_data,
                a_trim_ends_at_the_tail, a_trim_of_nothing_is_nothing;
            frames: a_repeat_gets_the_first_answer, a_repeat_skips_the_rest,
                a_repeat_is_answered_behind_the_fence, keys_are_bounded;
            inputs: an_input_has_one_fate, a_fate_needs_its_input, what_is_owed_is_bounded,
                only_inputs_are_owed;
            leases: one_holder_at_a_time, a_late_renewal_keeps_the_fence,
                a_released_lease_is_free;
            listing: filters, pages_are_stable, filtered_pages_are_full,
                bad_cursors_are_refused, changed_rows_show_once;
            retention: by_age, by_count, by_bytes, owed_inputs_stay;
            rows: rows_compare_and_set, a_row_can_be_written_twice_in_a_commit,
            a_commit_can_expect_a_row,
                friendly_ids_resolve;
            sweeps: owed_without_a_lease, expired_sessions;
        }
    };
    (@tests $factory:expr; $($module:ident: $($name:ident),+;)+) => {
        $(mod $module {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                $crate::contract::$module::$name(&$factory).await;
            })+
        })+
    };
}
