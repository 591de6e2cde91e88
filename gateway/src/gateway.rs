//! What every connection of this gateway shares.

use std::sync::Arc;

use backplane::Backplane;
use service_kit::TaskGroup;

use crate::bus::Announcer;
use crate::clients::Clients;
use crate::drain::Drain;
use crate::feed::Feed;
use crate::lang::Texts;
use crate::lobby::Lobby;
use crate::registry::Registry;
use crate::rooms::Rooms;
use crate::settings::Settings;
use crate::stays::Stays;

/// The shared parts. Nothing in here would be missed after a restart.
pub(crate) struct Gateway {
    pub(crate) settings: Settings,
    pub(crate) clients: Clients,
    pub(crate) backplane: Arc<dyn Backplane>,
    pub(crate) texts: Arc<Texts>,
    pub(crate) tasks: TaskGroup,
    pub(crate) lobby: Lobby,
    pub(crate) stays: Stays,
    pub(crate) registry: Arc<Registry>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) announcer: Announcer,
    pub(crate) drain: Drain,
}
