//! What every backplane has to do, whatever it is made of: one suite, run against each of them.
//!
//! [`suite!`] makes a test of each case. Each gets a world of its own, so worlds on a shared server are told apart by
//! a prefix; beside it comes what has to live as long as it. Times are short, because not every world's clock can be paused.

pub(crate) mod bus;
pub(crate) mod connections;
pub(crate) mod leases;
pub(crate) mod logs;
pub(crate) mod membership;
pub(crate) mod memory;
pub(crate) mod throttle;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::{Backplane, Channel, Delivery, Entered, Member, Message, RoomKind, Subscription};

/// What a case is given.
pub(crate) type World = Arc<dyn Backplane>;

const LOBBY: RoomKind = RoomKind::new("lobby");
const ARENA: RoomKind = RoomKind::new("arena");

/// Long enough for a world on a server of its own, and for nothing else.
const PATIENCE: Duration = Duration::from_secs(5);

macro_rules! suite {
    ($(#[$test:meta])+, $world:expr) => {
        crate::contract::cases! { $(#[$test])+, $world,
            connections: [
                numbers_rise_for_each_account,
                the_gateway_before_is_known,
                a_number_nobody_confirmed_counts_against_nobody,
                the_confirmed_of_many_are_answered_in_order,
                a_number_that_was_lost_is_put_back,
                a_session_that_is_over_gets_no_number_and_leaves_no_trace
            ]
            memory: [a_life_lasts]
            leases: [
                a_lease_ends_by_itself,
                renewing_keeps_it_and_releasing_ends_it,
                a_renewal_says_whether_the_lease_ran,
                two_starts_are_two_leases
            ]
            throttle: [
                a_burst_and_then_one_at_a_time,
                keys_do_not_meet,
                what_is_given_back_may_be_spent_again,
                forgiving_fills_the_bucket
            ]
            membership: [
                the_fullest_room_with_space_is_chosen,
                a_preferred_room_is_taken_while_it_has_space,
                a_newcomer_is_announced_and_one_who_comes_back_is_not,
                kinds_do_not_meet,
                an_old_leave_cannot_remove_a_newer_entry,
                an_old_entry_cannot_take_over_a_newer_one,
                the_last_one_takes_the_room_along,
                a_deferred_leave_is_announced_once,
                many_leave_at_once,
                coming_back_calls_the_leave_off,
                due_leaves_come_in_portions_and_by_kind,
                members_can_be_put_back,
                a_room_is_told_once_how_many_were_put_back,
                being_put_back_calls_the_leave_off,
                gateways_are_known_while_they_hold_members,
                racing_entries_never_overfill_a_room
            ]
            logs: [
                entries_are_numbered_and_published_with_their_place,
                a_reader_goes_on_where_it_stopped,
                a_log_keeps_the_latest_entries,
                a_place_in_another_life_is_noticed,
                a_place_that_does_not_exist_is_noticed,
                nothing_is_written_into_a_room_that_is_gone,
                racing_writers_leave_no_hole,
                what_is_written_under_one_key_is_written_once
            ]
            bus: [
                a_message_reaches_whom_it_is_for,
                order_is_kept,
                rooms_are_heard_from_when_they_are_added_until_they_are_removed
            ]
        }
    };
}

macro_rules! cases {
    ($(#[$test:meta])+, $world:expr, $($noun:ident: [$($case:ident),* $(,)?])*) => {
        crate::contract::cases! { @ [$(#[$test])+] [$world] $($noun: [$($case)*])* }
    };
    (@ $tests:tt $world:tt $noun:ident: [$($case:ident)*] $($rest:tt)*) => {
        mod $noun {
            use super::*;
            $(crate::contract::case!($tests $world $noun $case);)*
        }
        crate::contract::cases! { @ $tests $world $($rest)* }
    };
    (@ $tests:tt $world:tt) => {};
}

macro_rules! case {
    ([$(#[$test:meta])+] [$world:expr] $noun:ident $case:ident) => {
        $(#[$test])+
        async fn $case() {
            let (world, _host) = $world;
            crate::contract::$noun::$case(world).await;
        }
    };
}

pub(crate) use {case, cases, suite};

fn member(id: &str, connection: u64) -> Member {
    Member { id: id.to_owned(), name: format!("name of {id}"), gateway: "g1".to_owned(), connection }
}

fn words(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

/// Enters a lobby of ten.
async fn enter(world: &World, id: &str, connection: u64) -> Entered {
    world.enter(LOBBY, 10, member(id, connection), None, words("hello")).await.unwrap()
}

/// The next message, or a test that says what came instead.
async fn heard(subscription: &Subscription) -> Message {
    match tokio::time::timeout(PATIENCE, subscription.recv()).await {
        Ok(Some(Delivery::Message(message))) => message,
        other => panic!("expected a message, got {other:?}"),
    }
}

/// Proves that nothing else was published to this subscriber: a mark sent last comes next.
async fn heard_nothing_more(world: &World, gateway: &str, subscription: &Subscription) {
    world.publish(&Channel::Gateway(gateway.to_owned()), words("mark")).await.unwrap();
    assert_eq!(heard(subscription).await.payload, words("mark"));
}
