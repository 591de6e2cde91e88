//! What is said in a room, and what was said.

use std::sync::Arc;
use std::time::Duration;

use backplane::rooms::LOG_ENTRIES;
use backplane::{Appended, Backplane, Once, Page, Position, Rate, RoomId, Verdict};
use service_kit::Fault;
use vocab::CharacterName;

use crate::caller::Caller;
use crate::line::Text;
use crate::room::{Lobby, not_in_room};
use crate::wire::{self, News};

/// How fast one player may talk: a burst, then one line a second.
const FLOOD: Rate = Rate { every: Duration::from_secs(1), burst: 10 };

/// A line that wants to be said.
#[derive(Debug)]
pub(crate) struct Said {
    /// By whom.
    pub(crate) caller: Caller,
    /// As whom.
    pub(crate) name: CharacterName,
    /// Where.
    pub(crate) room: RoomId,
    /// What.
    pub(crate) text: Text,
    /// Under this key, at most once.
    pub(crate) key: Option<String>,
    /// Without a limit.
    pub(crate) unlimited: bool,
}

/// What of a log is wanted.
#[derive(Debug)]
pub(crate) struct Asked {
    /// By whom.
    pub(crate) caller: Caller,
    /// Which room's.
    pub(crate) room: RoomId,
    /// Entries after this offset; 0 for all that are kept.
    pub(crate) after: u64,
    /// The life of the log that offset belongs to; `None` for the present one.
    pub(crate) epoch: Option<u64>,
}

/// The logs of this world's rooms.
pub(crate) struct Log {
    plane: Arc<dyn Backplane>,
    publisher: Arc<str>,
    lobby: Lobby,
}

impl Log {
    /// The logs on this backplane, as told by `publisher`.
    pub(crate) fn new(plane: Arc<dyn Backplane>, publisher: Arc<str>, lobby: Lobby) -> Self {
        Self { plane, publisher, lobby }
    }

    /// Says a line to a room the caller is in. A repeated key is answered like the first time, and nobody hears it
    /// again.
    pub(crate) async fn say(&self, said: Said) -> Result<Appended, Fault> {
        self.lobby.require_member(said.caller, &said.room).await?;
        if !said.unlimited {
            self.throttle(said.caller).await?;
        }
        let news = News::Said { from: said.name.as_str(), text: said.text };
        let entry = wire::envelope(&self.publisher, news);
        let once = match said.key {
            Some(key) => self.plane.append_once(&said.room, &format!("{}:{key}", said.caller.account), entry).await?,
            None => self.plane.append(&said.room, entry).await?.map(|appended| Once { appended, again: false }),
        };
        let Once { appended, again } = once.ok_or_else(not_in_room)?;
        if !again {
            metrics::counter!("chat_lines_total").increment(1);
        }
        Ok(appended)
    }

    /// A stretch of the log of a room the caller is in.
    pub(crate) async fn read(&self, asked: Asked) -> Result<Page, Fault> {
        self.lobby.require_member(asked.caller, &asked.room).await?;
        let epoch = match asked.epoch {
            Some(epoch) => epoch,
            None => self.plane.standing(&asked.room).await?.ok_or_else(not_in_room)?.head.epoch,
        };
        let after = Position { epoch, offset: asked.after };
        self.plane.read(&asked.room, Some(after), LOG_ENTRIES).await?.ok_or_else(not_in_room)
    }

    async fn throttle(&self, caller: Caller) -> Result<(), Fault> {
        match self.plane.throttle(&format!("chat:{}", caller.account), FLOOD).await? {
            Verdict::Allowed => Ok(()),
            Verdict::RetryAfter(wait) => {
                metrics::counter!("chat_flood_refused_total").increment(1);
                Err(Fault::exhausted("chat-flood").reason("flood").retry_after(wait))
            }
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("publisher", &self.publisher).finish_non_exhaustive()
    }
}
