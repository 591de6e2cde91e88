//! The search for the instance that has a battle: whom to ask next, and what the search comes to when nobody has it.
//!
//! Whoever is asked has the battle, names its owner, or doesn't answer. Nobody is asked twice in one search.

use std::time::Duration;

use proto::battle::v1::AttachResponse;
use service_kit::Fault;
use tokio::time::Instant;

use super::IN_VAIN_WITHIN;
use super::link::away;

/// How many instances are asked in one search.
const ASKED_AT_MOST: usize = 4;

/// One search.
pub(super) struct Search {
    /// Whom every process would ask first.
    favourite: Option<String>,
    asked: Vec<String>,
    /// Whom the last one asked has named.
    named: Option<String>,
    /// Until then nobody but the named owner can have it.
    alone_until: Option<Instant>,
    silence: Fault,
}

impl Search {
    /// A search for a battle for which every process would ask the `favourite` first.
    pub(super) fn new(favourite: Option<String>) -> Self {
        Self { favourite, asked: Vec::new(), named: None, alone_until: None, silence: away() }
    }

    /// Whom to ask next: whoever was named, or else the one that is chosen among those who weren't asked. None when the
    /// search is over.
    pub(super) fn next(&mut self, choose: impl FnOnce(&[String]) -> Option<String>) -> Option<String> {
        if self.asked.len() == ASKED_AT_MOST {
            return None;
        }
        let next = match self.named.take() {
            Some(named) => Some(named).filter(|named| !self.asked.contains(named)),
            // An owner was named and doesn't answer: nobody else has it, whoever is asked.
            None if self.alone().is_some() => None,
            None => choose(&self.asked),
        };
        self.asked.extend(next.clone());
        next
    }

    /// Whether the last one to be asked is to know that it isn't asked as the favourite: another was, or is known to be
    /// away. It takes the battle over rather than send on to the favourite.
    pub(super) fn is_redirected(&self) -> bool {
        self.asked.as_slice() != self.favourite.as_slice()
    }

    /// The last one asked has named another.
    pub(super) fn redirected(&mut self, answer: AttachResponse) {
        self.alone_until = Instant::now().checked_add(Duration::from_millis(answer.redirect_alone_ms));
        self.named = Some(answer.redirect);
    }

    /// The last one asked didn't answer.
    ///
    /// # Errors
    /// The fault itself when no other is worth asking: it is an answer, or says when to come again and so speaks for all
    /// of them.
    pub(super) fn silent(&mut self, fault: Fault) -> Result<(), Fault> {
        if !fault.is_unanswered() || fault.retry_delay().is_some() {
            return Err(fault);
        }
        self.silence = fault;
        Ok(())
    }

    /// What a search in vain comes to; it says when to come again, where nobody can have the battle before.
    pub(super) fn into_fault(self) -> Fault {
        match self.alone() {
            Some(left) => self.silence.retry_after(left.min(IN_VAIN_WITHIN)),
            None => self.silence,
        }
    }

    /// For how long nobody but the named owner can have the battle.
    fn alone(&self) -> Option<Duration> {
        self.alone_until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    fn search() -> Search {
        Search::new(Some("a".into()))
    }

    /// The first that wasn't asked.
    fn first_new(asked: &[String]) -> Option<String> {
        INSTANCES.into_iter().find(|name| !asked.iter().any(|known| known == name)).map(str::to_owned)
    }

    fn next(search: &mut Search) -> Option<String> {
        search.next(first_new)
    }

    fn to(address: &str, redirect_alone_ms: u64) -> AttachResponse {
        AttachResponse { redirect: address.into(), redirect_alone_ms, ..AttachResponse::default() }
    }

    #[test]
    fn who_is_named_is_asked_next_and_knows_that_it_was() {
        let mut search = search();
        assert_eq!(next(&mut search).unwrap(), "a");
        assert!(!search.is_redirected());
        search.redirected(to("d", 0));
        assert_eq!(next(&mut search).unwrap(), "d");
        assert!(search.is_redirected());
    }

    #[test]
    fn the_favourite_is_redirected_to_when_it_is_asked_later() {
        let mut search = search();
        assert_eq!(search.next(|_| Some("b".into())).unwrap(), "b");
        assert!(search.is_redirected(), "in its stead");
        search.redirected(to("a", 0));
        assert_eq!(next(&mut search).unwrap(), "a");
        assert!(search.is_redirected());
    }

    #[test]
    fn four_are_asked_and_none_twice() {
        let mut search = search();
        let mut asked = Vec::new();
        while let Some(address) = next(&mut search) {
            asked.push(address);
            search.silent(away()).unwrap();
        }
        assert_eq!(asked, ["a", "b", "c", "d"]);
        assert_eq!(search.into_fault().retry_delay(), None);
    }

    #[test]
    fn two_that_name_each_other_are_asked_once_each() {
        let mut search = search();
        next(&mut search).unwrap();
        search.redirected(to("b", 0));
        next(&mut search).unwrap();
        search.redirected(to("a", 0));
        assert_eq!(next(&mut search), None);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_else_is_asked_while_only_an_owner_that_is_silent_can_have_it() {
        for (alone, pause) in [(500, Duration::from_millis(500)), (8_000, IN_VAIN_WITHIN)] {
            let mut search = search();
            next(&mut search).unwrap();
            search.redirected(to("d", alone));
            assert_eq!(next(&mut search).unwrap(), "d", "the owner itself is asked");
            search.silent(Fault::too_late("deadline-exceeded")).unwrap();
            assert_eq!(next(&mut search), None);
            let fault = search.into_fault();
            assert_eq!((fault.key(), fault.retry_delay()), ("deadline-exceeded", Some(pause)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn others_are_asked_once_the_owner_can_be_dead() {
        let mut search = search();
        next(&mut search).unwrap();
        search.redirected(to("d", 1_000));
        next(&mut search).unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        search.silent(away()).unwrap();
        assert_eq!(next(&mut search).unwrap(), "b");
        assert_eq!(search.into_fault().retry_delay(), None);
    }

    #[test]
    fn an_answer_ends_the_search_and_so_does_who_says_when_to_come_again() {
        for fault in [Fault::not_found("no-battle"), away().retry_after(Duration::from_secs(1))] {
            let (mut search, key) = (search(), fault.key().to_owned());
            next(&mut search).unwrap();
            assert_eq!(search.silent(fault).unwrap_err().key(), key);
        }
    }
}
