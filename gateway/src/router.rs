//! The protocol: every event a client may send, and what carries it out.
//!
//! Events of the contract that are not built yet have their line too, and answer `unimplemented`.

use futures::future::BoxFuture;
use service_kit::{Fault, trace};

use crate::handlers::{auth, battle, character, chat, player};
use crate::once::{Doubt, once};
use crate::payload::{Event, Payload};
use crate::reply::Outcome;
use crate::session::Session;

/// What carries an event out.
type Handler = for<'a> fn(&'a mut Session, &'a Payload) -> BoxFuture<'a, Outcome>;

/// Who may send an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Guest,
    Player,
}

/// What is done with an event.
enum Route {
    /// Answers what is asked; changes nothing.
    Asks(Who, Handler),
    /// Answers with what was told before, which may be much: so much of it at a time.
    Retells(Who, Handler),
    /// Changes something; a repeat under the same `key` happens once.
    Changes(Who, Handler),
    /// The same, and the service that is asked knows the key too.
    Keyed(Who, Handler),
    /// Changes something, and cares for repeats itself.
    Guards(Who, Handler),
    /// Part of the contract, not built yet.
    Later,
}

macro_rules! routes {
    ($($event:literal => $route:ident $(($who:ident, $handler:path))?;)+) => {
        /// The names of all events, in the order of the contract.
        #[cfg(test)]
        pub(crate) const EVENTS: &[(&str, bool)] = &[$(($event, routes!(@built $route))),+];

        fn route(event: &str) -> Option<Route> {
            match event {
                $($event => Some(Route::$route $((Who::$who, |session, payload| Box::pin($handler(session, payload))))?),)+
                _ => None,
            }
        }
    };
    (@built Later) => { false };
    (@built $other:ident) => { true };
}

routes! {
    "auth:signup" => Guards(Guest, auth::sign_up);
    "auth:signin" => Guards(Guest, auth::sign_in);
    "auth:refresh" => Guards(Player, auth::refresh);
    "auth:signout" => Guards(Player, auth::sign_out);
    "account:delete" => Guards(Player, auth::delete);
    "character:get" => Asks(Player, character::get);
    "dungeon:list" => Asks(Player, battle::dungeons);
    "battle:auto" => Changes(Player, battle::auto);
    "battle:hunt" => Later;
    "battle:attack" => Later;
    "battle:flee" => Later;
    "battle:stop" => Changes(Player, battle::stop);
    "battle:skill" => Later;
    "battle:sync" => Retells(Player, battle::sync);
    "battle:watch" => Later;
    "battle:unwatch" => Later;
    "village:heal" => Later;
    "village:talk" => Later;
    "village:story" => Later;
    "village:enhance" => Later;
    "village:gamble" => Later;
    "shop:list" => Later;
    "shop:buy" => Later;
    "shop:sell" => Later;
    "item:list" => Later;
    "item:equip" => Later;
    "item:use" => Later;
    "skill:list" => Later;
    "skill:equip" => Later;
    "quest:list" => Later;
    "quest:claim" => Later;
    "auth:password" => Later;
    "character:look" => Later;
    "arena:list" => Later;
    "arena:create" => Later;
    "arena:join" => Later;
    "arena:watch" => Later;
    "arena:leave" => Later;
    "arena:queue" => Later;
    "arena:unqueue" => Later;
    "arena:act" => Later;
    "arena:status" => Later;
    "chat:send" => Keyed(Player, chat::send);
    "chat:whisper" => Later;
    "chat:block" => Later;
    "chat:unblock" => Later;
    "chat:report" => Later;
    "chat:history" => Retells(Player, chat::history);
    "rank:top" => Later;
    "command" => Later;
}

/// Finds what an event asks for and has it done.
pub(crate) async fn dispatch(session: &mut Session, event: &Event<'_>) -> Outcome {
    match route(&event.name) {
        Some(route) => trace::event(&event.name, carry_out(route, session, event)).await,
        None => Err(Fault::unimplemented("unknown-event")),
    }
}

async fn carry_out(route: Route, session: &mut Session, event: &Event<'_>) -> Outcome {
    match route {
        Route::Asks(who, handler) => {
            allowed(who, session)?;
            handler(session, &event.payload(false)?).await
        }
        Route::Retells(who, handler) => {
            allowed(who, session)?;
            session.may_retell()?;
            let reply = handler(session, &event.payload(false)?).await?;
            session.retold(&reply);
            Ok(reply)
        }
        Route::Changes(who, handler) => {
            allowed(who, session)?;
            let payload = event.payload(true)?;
            once(session, &event.name, &payload, Doubt::Waits, handler).await
        }
        Route::Keyed(who, handler) => {
            allowed(who, session)?;
            let payload = event.payload(true)?;
            once(session, &event.name, &payload, Doubt::Settled, handler).await
        }
        Route::Guards(who, handler) => {
            allowed(who, session)?;
            handler(session, &event.payload(true)?).await
        }
        Route::Later => Err(Fault::unimplemented("not-built-yet")),
    }
}

fn allowed(who: Who, session: &Session) -> Result<(), Fault> {
    match (who, &session.player) {
        (Who::Player, _) => player(session).map(drop),
        (Who::Guest, None) => Ok(()),
        (Who::Guest, Some(_)) => Err(Fault::precondition("signed-in").reason("signed_in")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../docs/EVENTS.md");

    /// The rows of the table whose head begins with `head`: name and state.
    fn rows(head: &str) -> Vec<(String, String)> {
        let table = PAGE.lines().skip_while(|line| !line.starts_with(head)).skip(2);
        table.take_while(|line| line.starts_with('|')).map(row).collect()
    }

    fn row(line: &str) -> (String, String) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        (cells[0].trim_matches('`').to_owned(), cells[cells.len() - 1].to_owned())
    }

    #[test]
    fn the_router_is_what_the_page_says() {
        let routed: Vec<_> = EVENTS
            .iter()
            .map(|(event, built)| ((*event).to_owned(), if *built { "built" } else { "later" }.to_owned()))
            .collect();
        assert_eq!(routed, rows("| client event"));
    }

    #[test]
    fn programs_are_told_of_every_event_that_is_built() {
        let protocol = include_str!("../../docs/asyncapi.yaml");
        let messages = protocol.lines().skip_while(|line| *line != "  messages:").skip(1);
        let named: Vec<_> = messages
            .take_while(|line| line.starts_with("    "))
            .filter_map(|line| line.strip_prefix("      name: "))
            .collect();
        let all = [rows("| client event"), rows("| server event")].concat();
        let built: Vec<_> = all.iter().filter(|(_, state)| state == "built").map(|(event, _)| event.as_str()).collect();
        assert_eq!(named, built);
    }

    #[test]
    fn every_event_has_a_route_and_strangers_have_none() {
        for (event, built) in EVENTS {
            assert_eq!(matches!(route(event), Some(Route::Later)), !built, "{event}");
        }
        assert!(route("no:such").is_none());
    }

    #[test]
    fn every_built_server_event_is_sent_somewhere() {
        let sources = [
            include_str!("delivery/line.rs"),
            include_str!("session.rs"),
            include_str!("welcome.rs"),
            include_str!("chair.rs"),
            include_str!("rooms.rs"),
            include_str!("bus.rs"),
            include_str!("service.rs"),
        ];
        let all = rows("| server event");
        assert!(all.len() > 10);
        for (event, state) in all {
            let sent = sources.iter().any(|source| source.contains(&format!("\"{event}\"")));
            assert_eq!(sent, state == "built", "{event}");
        }
    }
}
