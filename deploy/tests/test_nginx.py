"""The front door opens on the gateways that are there."""

import http.server
import os
import signal
import threading
import urllib.request

import pytest

from deploy.local import nginx, ports
from deploy.local.nginx import Route
from deploy.local.process import Files, start
from deploy.waiting import wait_for


class Gateway:
    """Answers every request with its name; while it goes away, with 503."""

    def __init__(self, name):
        self.leaving = False

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(request):
                request.send_response(503 if self.leaving else 200)
                request.send_header("content-length", str(len(name)))
                request.end_headers()
                request.wfile.write(name.encode())

            def do_POST(request):
                said = request.rfile.read(int(request.headers["content-length"]))
                request.send_response(503 if self.leaving else 200)
                request.send_header("content-length", str(len(name) + len(said)))
                request.end_headers()
                request.wfile.write(name.encode() + said)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def gateways():
    pair = [Gateway("one"), Gateway("two")]
    yield pair
    for gateway in pair:
        gateway.close()


@pytest.fixture
def front(tmp_path, gateways):
    routes = [Route(f"gateway-{n}", gateway.address) for n, gateway in enumerate(gateways, 1)]
    front = Front(tmp_path, routes)
    yield front
    front.process.signal(signal.SIGTERM)
    assert front.process.gone_within(10)


class Front:
    def __init__(self, directory, routes):
        self.routes, self.directory, self.port = routes, directory, ports.block()
        self.files = Files(directory / "log", directory / "out", directory / "code")
        command = nginx.command(directory, self.port, routes)
        self.process = start(command, self.files, os.environ, directory)
        assert wait_for(lambda: nginx.accepts(self.process), 10), self.files.tail()

    def route(self, routes):
        nginx.write(self.directory, self.port, routes)
        nginx.reload(self.process)

    def answers(self, query, said=None):
        """Who answers twelve requests."""
        url = f"http://127.0.0.1:{self.port}/socket.io/?{query}"
        return {urllib.request.urlopen(url, said, timeout=5).read().decode() for _ in range(12)}


def test_websockets_go_to_all_and_long_polling_stays_with_one(front):
    assert front.answers("EIO=4&transport=websocket") == {"one", "two"}
    assert len(front.answers("EIO=4&transport=polling")) == 1
    assert front.answers("EIO=4&transport=websocket&sid=x") == front.answers("EIO=4&transport=polling&sid=x")


def test_what_is_left_of_one_that_was_killed_lets_nobody_in(front):
    front.process.signal(signal.SIGKILL)
    assert front.process.gone_within(10) and not nginx.accepts(front.process)
    assert wait_for(lambda: not ports.accepts(front.port), 10)


def test_a_gateway_that_is_gone_is_passed_over(front, gateways):
    gateways[0].close()
    assert front.answers("EIO=4&transport=websocket") == {"two"}
    assert front.answers("EIO=4&transport=polling") == {"two"}


def test_a_gateway_that_goes_away_is_passed_over_until_it_is_back(front, gateways):
    gateways[0].leaving = True
    assert front.answers("EIO=4&transport=websocket") == {"two"}
    assert front.answers("EIO=4&transport=polling") == {"two"}
    # What whoever was let in there says goes there, too.
    assert front.answers("EIO=4&transport=polling&sid=x") == {"two"}
    assert front.answers("EIO=4&transport=polling&sid=x", b"40") == {"two40"}
    gateways[0].leaving, gateways[1].leaving = False, True
    assert front.answers("EIO=4&transport=websocket") == {"one"}
    assert front.answers("EIO=4&transport=polling&sid=x", b"40") == {"one40"}
    gateways[1].leaving = False
    assert front.answers("EIO=4&transport=websocket") == {"one", "two"}


def test_players_go_where_they_are_sent(front):
    one, two = front.routes
    front.route([two])
    assert front.answers("EIO=4&transport=websocket") == {"two"}
    assert front.answers("EIO=4&transport=polling") == {"two"}
    front.route([Route(one.slot, one.address, leaving=True), two])
    assert front.answers("EIO=4&transport=websocket") == {"two"}
    front.route([one, two])
    assert front.answers("EIO=4&transport=websocket") == {"one", "two"}
