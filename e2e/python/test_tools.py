"""An internal tool that knows nothing but the address: reflection, health, and a battle watched."""

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from player import SECONDS, Player

SERVICES = {
    "mud.user.v1.UserService",
    "mud.battle.v1.BattleService",
    "mud.battle.v1.BattleAdminService",
    "mud.chat.v1.ChatService",
    "grpc.health.v1.Health",
}


class Tool:
    """A client made of nothing but what the server tells about itself."""

    def __init__(self, address: str):
        self.channel = grpc.insecure_channel(address)
        self.database = ProtoReflectionDescriptorDatabase(self.channel)
        self.pool = descriptor_pool.DescriptorPool(self.database)

    def call(self, method: str, **fields):
        """Calls `package.Service/Method`; the answer, or an iterator of them."""
        service, name = method.split("/")
        described = self.pool.FindServiceByName(service).FindMethodByName(name)
        request = message_factory.GetMessageClass(described.input_type)
        response = message_factory.GetMessageClass(described.output_type)
        make = self.channel.unary_stream if described.server_streaming else self.channel.unary_unary
        return make(f"/{method}", request.SerializeToString, response.FromString)(request(**fields), timeout=SECONDS)


@pytest.fixture
def fight(start):
    """A server with one battle under way."""
    server = start(tick_ms=100)
    player = Player(server.url, ["websocket"])
    player.sign_up()
    battle = player.ask("battle:auto", {"dungeon": "1"})["battle"]
    player.reach(2)
    yield server, player, battle
    player.socket.disconnect()


def test_services_are_listed(start):
    tool = Tool(start().grpc)
    assert SERVICES <= set(tool.database.get_services())


def test_health_answers(start):
    health = health_pb2_grpc.HealthStub(grpc.insecure_channel(start().grpc))
    for service in ["", *SERVICES - {"grpc.health.v1.Health"}]:
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING, service


def test_a_battle_is_watched(fight):
    server, player, battle = fight
    watched = Tool(server.grpc).call("mud.battle.v1.BattleService/WatchBattle", battle_id=battle["id"], from_seq=1)
    seen = []
    for answer in watched:
        seen.append(answer.frame)
        if len(seen) == 5:
            # The last frame and the end come through the same stream.
            player.ask("battle:stop")
        if answer.HasField("end"):
            break
    assert [frame.seq for frame in seen] == list(range(1, len(seen) + 1))
    player.reach(len(seen))
    shown = [(frame["seq"], frame["at"], len(frame["events"])) for frame in player.frames]
    assert shown == [(frame.seq, frame.at, len(frame.events)) for frame in seen]


def test_a_battle_is_found_replayed_and_verified(fight):
    server, player, battle = fight
    tool = Tool(server.grpc)
    found = tool.call("mud.battle.v1.BattleService/GetBattle", character=battle["character"])
    assert found.battle.id == battle["id"] and found.owner and found.epoch > 0
    player.reach(10)
    player.ask("battle:stop")

    replayed = list(tool.call("mud.battle.v1.BattleAdminService/ReplayBattle", battle_id=battle["id"]))
    assert [answer.frame.seq for answer in replayed] == list(range(1, player.seq + 1))
    verified = tool.call("mud.battle.v1.BattleAdminService/VerifyBattle", battle_id=battle["id"])
    assert verified.verified, verified.differences
    assert verified.frames == player.seq


def test_faults_are_statuses_with_details(start):
    tool = Tool(start().grpc)
    with pytest.raises(grpc.RpcError) as fault:
        tool.call("mud.battle.v1.BattleService/GetBattle", battle_id="nonsense")
    assert fault.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    details = dict(fault.value.trailing_metadata())
    assert "grpc-status-details-bin" in details
