//! The conformance suite: what every backend must do, as cases run against each of them on a fresh store.
//!
//! To add a case: an `async fn name(bench: &Bench)` in the module of its topic and its name in that module's list in
//! `suite!`. SQLite runs in a temporary directory. PostgreSQL runs in a database of its own on the server that
//! `LOOPGATE_TEST_POSTGRES` names; without it these cases say so and pass, but fail when `CI` is set.

mod admission;
mod conclusions;
mod deliveries;
pub(super) mod given;
mod histories;
mod kept;
mod lanes;
mod leases;
mod model;
mod referrals;
mod requests;
mod resources;
mod searches;
mod setup;
mod trail;

use given::Bench;

macro_rules! suite {
    ($($topic:ident: $cases:tt;)+) => {
        mod sqlite { suite!(@backend sqlite, $($topic: $cases)+); }
        mod postgres { suite!(@backend postgres, $($topic: $cases)+); }
    };
    (@backend $backend:ident, $($topic:ident: [$($case:ident),+ $(,)?])+) => {
        $(mod $topic { $(
            #[tokio::test]
            async fn $case() {
                if let Some(bench) = super::super::setup::$backend().await {
                    super::super::$topic::$case(&bench).await;
                    bench.finish().await;
                }
            }
        )+ })+
    };
}

suite! {
    admission: [numbers_follow_the_order_of_arrival, what_was_admitted_comes_back_whole,
        a_resend_is_a_duplicate_across_batches, a_resend_is_a_duplicate_within_a_batch,
        a_duplicate_carries_the_outcome_of_now, an_empty_control_id_is_never_a_duplicate,
        another_sender_or_feed_is_no_duplicate, reuse_is_flagged_or_refused, a_refused_message_is_kept_and_never_first,
        an_old_control_id_may_come_again, an_unheard_answer_is_noted];
    lanes: [order_holds_within_a_lane, a_message_out_of_turn_is_not_concluded, lanes_do_not_wait_for_each_other, a_merge_fences_both_lanes,
        a_parked_lane_stops_only_itself, a_parked_merge_holds_both_lanes, retry_runs_the_head_again, back_to_work_means_fresh_tries,
        release_and_divert_let_the_next_up, an_absent_or_working_lane_cannot_be_acted_on,
        what_is_in_work_is_not_claimed_again, requeue_goes_to_the_end, lanes_are_listed];
    conclusions: [a_conclusion_is_found_again, a_message_is_concluded_once, a_conflict_undoes_the_batch,
        a_lost_lease_undoes_the_batch, no_mapping_frees_the_lane, tries_are_counted, messages_are_listed,
        the_backlog_counts, many_callers_share_commits];
    resources: [versions_follow_each_other, a_batch_may_write_successive_versions, a_wrong_version_conflicts,
        identifiers_follow_the_index, redirects_collapse, identifiers_lead_to_the_survivor];
    requests: [a_request_is_journalled_and_in_effect, a_stale_request_changes_nothing, a_guard_is_searched_again,
        requests_of_one_moment_do_not_disturb_each_other, one_of_two_creations_wins, a_guard_lets_one_through,
        a_request_moves_all_that_a_message_moves, a_request_is_never_put_to_work, a_deleted_resource_is_read_as_deleted];
    histories: [versions_are_read_by_number_and_id, a_history_is_read_in_pages, a_history_of_a_type_and_of_all,
        a_history_keeps_to_its_period, a_snapshot_shows_the_past, current_resources_are_listed_for_reindexing,
        families_are_all_who_were_merged];
    searches: [keys_are_found_exactly_and_in_ranges, keys_are_tested_byte_by_byte, criteria_combine,
        deleted_resources_are_not_found, pages_follow_the_order_of_creation, pages_are_stable_under_writes,
        several_types_follow_each_other, matches_are_counted, results_are_ordered_by_their_keys,
        several_orders_decide_in_turn, an_order_spans_types, chains_are_followed, reverse_chains_are_followed,
        chains_combine_with_other_criteria, words_are_found, many_matches_are_found_as_few_are,
        an_index_is_made_anew];
    kept: [exports_are_kept_until_they_are_dropped, a_token_is_used_once, a_secret_is_made_once];
    trail: [a_trace_is_found_again, codes_wait_until_the_message_runs_again, versions_name_their_message];
    referrals: [versions_are_checked, timeline_keeps_the_order, open_referrals_follow_merges, timers_fire_once,
        a_timer_fires_and_not_its_neighbour,        work_items_are_kept];
    deliveries: [order_holds_per_subject, due_times_hold, attempts_are_counted_and_finished_once,
        a_dead_one_frees_the_next, the_same_id_is_queued_once, paused_endpoints_wait, an_earlier_sequence_goes_first,
        deliveries_are_listed];
    leases: [a_lease_covers_all_partitions, renewal_keeps_the_token, a_released_lease_is_lost, an_ousted_lease_is_lost];
}
