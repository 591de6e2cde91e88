"""The first fight with python-socketio, by WebSocket and by long-polling only."""

import pytest

from player import Player, gained


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]], ids="+".join)
def test_a_newcomer_fights(start, transports):
    server = start(tick_ms=50)
    player = Player(server.url, transports)
    try:
        before = player.sign_up()["character"]
        battle = player.ask("battle:auto", {"dungeon": "1"})["battle"]
        player.reach(60)
        assert player.ask("battle:stop")["battle"]["phase"] == "ended"
        player.hear_the_end()
        after = player.ask("character:get")["character"]
    finally:
        player.socket.disconnect()

    assert [frame["seq"] for frame in player.frames] == list(range(1, player.seq + 1))
    assert all(frame["battle"] == battle["id"] for frame in player.frames)
    vitals = player.frames[-1]["vitals"]
    assert before["exp"] + gained(player.frames, "kill", "exp") == vitals["exp"] == after["exp"]
    assert gained(player.frames, "loot", "gold") == vitals["gold"] == after["gold"] - before["gold"]
    assert len(player.ends) == 1
