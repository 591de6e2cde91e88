//! The services of this process, each called directly by the others.

use std::sync::Arc;

use anyhow::Context;
use backplane::Backplane;
use gateway::Clients;
use proto::battle::v1::battle_service_client::BattleServiceClient;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::TaskGroup;
use service_kit::grpc::{GrpcServer, in_process};
use tokio::net::TcpListener;

use crate::Settings;

/// The services, running.
pub(crate) struct Services {
    pub(crate) user: user_svc::Service,
    pub(crate) battle: battle_svc::Service,
    pub(crate) chat: chat_svc::Service,
    instance: String,
}

impl Services {
    /// Starts them in the order in which they need each other.
    ///
    /// # Errors
    /// When the database can't be opened or brought up to date.
    pub(crate) async fn start(
        settings: &Settings,
        ruleset: Arc<Ruleset>,
        plane: Arc<dyn Backplane>,
        tasks: &TaskGroup,
    ) -> anyhow::Result<Self> {
        let instance = instance_name()?;
        let user = settings.user(&instance);
        let user = user_svc::start(user, Arc::clone(&ruleset), Arc::clone(&plane), tasks);
        let user = user.await.with_context(|| format!("users in database {}", settings.database))?;
        let users = UserServiceClient::new(in_process(user.server.clone()));
        let battle = battle_svc::start(settings.battle(&instance), users, ruleset, tasks).await.context("battles")?;
        let chat = chat_svc::start(settings.chat(&instance), plane, tasks);
        Ok(Self { user, battle, chat, instance })
    }

    /// All of them on one port, with what reflection tells.
    pub(crate) fn mount(&self, server: GrpcServer) -> GrpcServer {
        server
            .descriptors(proto::DESCRIPTOR_SET)
            .service(self.user.server.clone())
            .service(self.user.admin.clone())
            .service(self.battle.players())
            .service(self.battle.admin())
            .service(self.chat.server())
    }

    /// The players' edge over all of them.
    pub(crate) async fn start_gateway(
        &self,
        settings: &Settings,
        listener: TcpListener,
        plane: Arc<dyn Backplane>,
        tasks: TaskGroup,
    ) -> anyhow::Result<gateway::Service> {
        let clients = Clients {
            user: UserServiceClient::new(in_process(self.user.server.clone())),
            battle: BattleServiceClient::new(in_process(self.battle.players())),
            chat: ChatServiceClient::new(in_process(self.chat.server())),
        };
        gateway::start(settings.gateway(&self.instance), clients, plane, tasks, listener).await.context("gateway")
    }
}

/// A name no other start of this program has.
fn instance_name() -> anyhow::Result<String> {
    let id = uuid::Uuid::now_v7().simple().to_string();
    // The first half of such an id is the time, the second is chance.
    Ok(format!("mud-{}", &id[20..]))
}
