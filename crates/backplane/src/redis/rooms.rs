//! Rooms: each operation is one script, so that what it changes and what it tells are one step.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use service_kit::time::millis;

use super::{Redis, record, unreadable};
use crate::epoch::random_epoch;
use crate::fault::Result;
use crate::rooms::{
    Appended, Entered, Entry, LOG_ENTRIES, LONGEST_GRACE, Leaving, Left, Member, Once, Page, Position, RoomId,
    RoomKind, Rooms, Standing,
};

/// How many members are put back, or marked, in one step: others wait while a script runs.
const MEMBERS_AT_ONCE: usize = 200;

/// How a room stands as scripts answer it: name, epoch, head, count, capacity.
type RawStanding = (String, u64, u64, u32, u32);
/// An appended entry: epoch, offset, time.
type RawAppended = (u64, u64, u64);
/// A page: epoch, head, offset of the first entry, whether it is recovered, entries.
type RawPage = (RawStanding, u64, bool, Vec<Vec<u8>>);

#[async_trait]
impl Rooms for Redis {
    async fn enter(
        &self,
        kind: RoomKind,
        capacity: u32,
        member: Member,
        prefer: Option<&RoomId>,
        announcement: Bytes,
    ) -> Result<Entered> {
        let record = record::of_member(&member);
        let prefer = prefer.map_or("", RoomId::as_str);
        let args = (kind.name(), capacity, random_epoch(), member.id, record, prefer, &announcement[..]);
        let (newcomer, raw): (bool, RawStanding) = self.door.run(&self.scripts.enter, args).await?;
        Ok(Entered { standing: standing(raw).ok_or_else(|| unreadable("enter"))?, newcomer })
    }

    async fn leave(&self, room: &RoomId, member: &str, connection: u64, announcement: Bytes) -> Result<Option<Left>> {
        let args = (room.as_str(), member, connection, &announcement[..]);
        let left: Option<(String, u32)> = self.door.run(&self.scripts.leave, args).await?;
        let Some((text, count)) = left else { return Ok(None) };
        let member = record::member(member.to_owned(), &text).ok_or_else(|| unreadable("leave"))?;
        Ok(Some(Left { room: room.clone(), member, count }))
    }

    async fn mark_leaving(
        &self,
        room: &RoomId,
        member: &str,
        connection: u64,
        grace: Duration,
        announcement: Bytes,
    ) -> Result<bool> {
        let args = (room.as_str(), member, connection, millis(grace.min(LONGEST_GRACE)), &announcement[..]);
        self.door.run(&self.scripts.mark_leaving, args).await
    }

    async fn mark_all_leaving(&self, room: &RoomId, leaving: Vec<Leaving>, grace: Duration) -> Result<()> {
        for portion in leaving.chunks(MEMBERS_AT_ONCE) {
            let mut args = vec![Bytes::from(room.to_string()), millis(grace.min(LONGEST_GRACE)).to_string().into()];
            for Leaving { member, connection, announcement } in portion {
                args.extend([member.clone().into(), connection.to_string().into(), announcement.clone()]);
            }
            let args: Vec<&[u8]> = args.iter().map(|arg| &arg[..]).collect();
            self.door.run::<()>(&self.scripts.mark_all_leaving, args).await?;
        }
        Ok(())
    }

    async fn take_due_leaves(&self, kind: RoomKind, limit: usize) -> Result<Vec<Left>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let taken: Vec<(String, String, String, u32)> =
            self.door.run(&self.scripts.take_due_leaves, (kind.name(), limit)).await?;
        let left = taken.into_iter().map(|(room, id, text, count)| {
            Some(Left { room: RoomId::parse(&room)?, member: record::member(id, &text)?, count })
        });
        left.collect::<Option<_>>().ok_or_else(|| unreadable("take_due_leaves"))
    }

    async fn find(&self, kind: RoomKind, member: &str) -> Result<Option<(RoomId, Member)>> {
        let found: Option<(String, String)> = self.door.run(&self.scripts.find, (kind.name(), member)).await?;
        let Some((room, text)) = found else { return Ok(None) };
        let found = RoomId::parse(&room).zip(record::member(member.to_owned(), &text));
        found.ok_or_else(|| unreadable("find")).map(Some)
    }

    async fn members(&self, room: &RoomId) -> Result<Vec<Member>> {
        let records: Vec<(String, String)> = self.door.run(&self.scripts.members, room.as_str()).await?;
        let members = records.into_iter().map(|(id, text)| record::member(id, &text));
        let mut members: Vec<_> = members.collect::<Option<_>>().ok_or_else(|| unreadable("members"))?;
        members.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(members)
    }

    async fn standing(&self, room: &RoomId) -> Result<Option<Standing>> {
        let found: Option<RawStanding> = self.door.run(&self.scripts.standing, room.as_str()).await?;
        found.map(|raw| standing(raw).ok_or_else(|| unreadable("standing"))).transpose()
    }

    async fn rooms(&self, kind: RoomKind) -> Result<Vec<Standing>> {
        let found: Vec<RawStanding> = self.door.run(&self.scripts.list_rooms, kind.name()).await?;
        let mut rooms = standings(found).ok_or_else(|| unreadable("list_rooms"))?;
        rooms.sort_unstable_by(|one, other| one.room.cmp(&other.room));
        Ok(rooms)
    }

    async fn append(&self, room: &RoomId, payload: Bytes) -> Result<Option<Appended>> {
        let written: Option<RawAppended> = self.door.run(&self.scripts.append, (room.as_str(), &payload[..])).await?;
        Ok(written.map(appended))
    }

    async fn append_once(&self, room: &RoomId, key: &str, payload: Bytes) -> Result<Option<Once>> {
        let args = (room.as_str(), key, &payload[..]);
        let written: Option<(u64, u64, u64, bool)> = self.door.run(&self.scripts.append_once, args).await?;
        Ok(written.map(|(epoch, offset, at_ms, again)| Once { appended: appended((epoch, offset, at_ms)), again }))
    }

    async fn read(&self, room: &RoomId, after: Option<Position>, limit: usize) -> Result<Option<Page>> {
        let epoch = after.map_or_else(String::new, |place| place.epoch.to_string());
        let offset = after.map_or(0, |place| place.offset);
        let args = (room.as_str(), epoch, offset, limit.min(LOG_ENTRIES));
        let found: Option<RawPage> = self.door.run(&self.scripts.read, args).await?;
        found.map(|raw| page(raw).ok_or_else(|| unreadable("read"))).transpose()
    }

    async fn gateways(&self, kind: RoomKind) -> Result<Vec<String>> {
        let mut gateways: Vec<String> = self.door.run(&self.scripts.gateways, kind.name()).await?;
        gateways.sort_unstable();
        Ok(gateways)
    }

    async fn reassert(&self, members: Vec<(RoomId, u32, Member)>, announcement: Bytes) -> Result<Vec<Standing>> {
        let mut seated = Vec::with_capacity(members.len());
        for portion in members.chunks(MEMBERS_AT_ONCE) {
            let claims: Vec<String> = portion.iter().flat_map(claim).collect();
            let args = (&announcement[..], claims);
            seated.extend(self.door.run::<Vec<RawStanding>>(&self.scripts.reassert, args).await?);
        }
        standings(seated).ok_or_else(|| unreadable("reassert"))
    }
}

fn claim((room, capacity, member): &(RoomId, u32, Member)) -> [String; 5] {
    let record = record::of_member(member);
    [room.to_string(), capacity.to_string(), random_epoch().to_string(), member.id.clone(), record]
}

fn standing((room, epoch, offset, count, capacity): RawStanding) -> Option<Standing> {
    Some(Standing { room: RoomId::parse(&room)?, head: Position { epoch, offset }, count, capacity })
}

fn standings(raw: Vec<RawStanding>) -> Option<Vec<Standing>> {
    raw.into_iter().map(standing).collect()
}

fn appended((epoch, offset, at_ms): RawAppended) -> Appended {
    Appended { position: Position { epoch, offset }, at_ms }
}

fn page((stands, first, recovered, raw): RawPage) -> Option<Page> {
    let entries = (first..).zip(raw).map(|(offset, text)| entry(offset, text));
    Some(Page { standing: standing(stands)?, entries: entries.collect::<Option<_>>()?, recovered })
}

/// An entry is kept as its time, a line feed and the payload.
fn entry(offset: u64, text: Vec<u8>) -> Option<Entry> {
    let end = text.iter().position(|byte| *byte == b'\n')?;
    let at_ms = std::str::from_utf8(&text[..end]).ok()?.parse().ok()?;
    Some(Entry { offset, at_ms, payload: Bytes::from(text).slice(end + 1..) })
}
