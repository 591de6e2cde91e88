//! The services of this process, each called directly by the others.

use std::sync::Arc;

use anyhow::Context;
use gateway::Clients;
use proto::chat::v1::chat_service_client::ChatServiceClient;
use proto::user::v1::user_service_client::UserServiceClient;
use rules::Ruleset;
use service_kit::TaskGroup;
use service_kit::grpc::{GrpcServer, in_process};
use tokio::net::TcpListener;

use crate::Settings;
use crate::cluster::Cluster;

/// The services, running.
pub(crate) struct Services {
    user: user_svc::Service,
    pub(crate) battle: battle_svc::Service,
    chat: chat_svc::Service,
}

impl Services {
    /// Starts them in the order in which they need each other.
    ///
    /// # Errors
    /// When the database can't be opened or brought up to date.
    pub(crate) async fn start(settings: &Settings, cluster: &Cluster, tasks: &TaskGroup) -> anyhow::Result<Self> {
        let ruleset = Arc::new(Ruleset::read(content::rules())?);
        let user = user_svc::start(settings.user(), Arc::clone(&ruleset), cluster.plane(), tasks);
        let user = user.await.with_context(|| format!("users in database {}", settings.database))?;
        let users = UserServiceClient::new(in_process(user.server.clone()));
        let battle = battle_svc::start(settings.battle(), users, ruleset, cluster.peers(), tasks);
        let battle = battle.await.context("battles")?;
        let chat = chat_svc::start(settings.chat(), cluster.plane(), tasks);
        Ok(Self { user, battle, chat })
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
        cluster: &Cluster,
        listener: TcpListener,
        tasks: TaskGroup,
    ) -> anyhow::Result<gateway::Service> {
        let clients = Clients {
            user: UserServiceClient::new(in_process(self.user.server.clone())),
            chat: ChatServiceClient::new(in_process(self.chat.server())),
            battles: cluster.battles(in_process(self.battle.players())),
        };
        gateway::start(settings.gateway(), clients, cluster.plane(), tasks, listener).await.context("gateway")
    }
}
