"""A player with the stock Python client, and the first laws of the contract."""

import itertools
import os
import threading

import socketio

SECONDS = 30
_numbers = itertools.count(1)


class Player:
    """One player's socket and the frames it got; one that `stays` comes back whenever it is sent away."""

    def __init__(self, url: str, transports: list[str], stays: bool = False):
        self.frames, self.ends, self.faults = [], [], []
        self.early = {}
        self.connects, self.token = 0, None
        self.changed = threading.Condition()
        self.socket = socketio.Client(reconnection=stays)
        self.socket.on("connect", self._connect)
        self.socket.on("battle:frame", self._frame)
        self.socket.on("battle:end", self._end)
        self.socket.on("session:ready", lambda _ready: None)
        self.socket.connect(url, auth=self._auth, transports=transports, wait_timeout=SECONDS)

    def ask(self, event: str, payload: dict | None = None) -> dict:
        """The acknowledgement of an event; a refusal fails the story."""
        answer = self.socket.call(event, payload or {}, timeout=SECONDS)
        assert answer["ok"], f"{event}: {answer}"
        return answer

    def sign_up(self) -> dict:
        tail = f"{os.getpid():x}y{next(_numbers)}"
        names = {"username": f"p{tail}", "password": "correct horse", "character": f"P{tail}"}
        answer = self.ask("auth:signup", names)
        self.token = answer["token"]
        return answer

    def reach(self, seq: int) -> None:
        """Waits until frame `seq` is there, or the character has fallen: then it lies still for a minute."""
        with self.changed:
            there = self.changed.wait_for(lambda: self.faults or self.seq >= seq or self.fallen, SECONDS)
        assert not self.faults, self.faults
        assert there, f"frame {seq} did not come; stood at {self.seq} with {sorted(self.early)} before their time"

    def hear_the_end(self) -> dict:
        """Waits until the end of the battle has come, and every frame before it."""
        with self.changed:
            there = self.changed.wait_for(lambda: self.ends and self.seq == self.ends[0]["seq"], SECONDS)
        assert there, f"the end did not come after frame {self.seq}: {self.ends}"
        return self.ends[0]

    @property
    def seq(self) -> int:
        return self.frames[-1]["seq"] if self.frames else 0

    @property
    def fallen(self) -> bool:
        return bool(self.frames) and self.frames[-1]["vitals"]["hp"] == 0

    def _auth(self) -> dict:
        """Fresh at every connect: who this is, and how far it has come."""
        token = {"token": self.token} if self.token else {}
        last = self.frames[-1] if self.frames else None
        resume = {"resume": {"battle": {"id": last["battle"], "seq": last["seq"]}}} if last else {}
        return {"lang": "en", **token, **resume}

    def _connect(self) -> None:
        self.connects += 1

    def _frame(self, frame: dict) -> None:
        with self.changed:
            if frame["seq"] <= self.seq or frame["seq"] in self.early:
                self.faults.append(f"twice came {frame}")
            self.early[frame["seq"]] = frame
            # The stock client hands each message to a thread of its own, so those that come together may change places.
            while self.seq + 1 in self.early:
                self.frames.append(self.early.pop(self.seq + 1))
            self.changed.notify_all()

    def _end(self, end: dict) -> None:
        with self.changed:
            self.ends.append(end)
            self.changed.notify_all()


def gained(frames: list[dict], event: str, field: str) -> int:
    """The sum of one field over all events of a type."""
    return sum(e[field] for frame in frames for e in frame["events"] if e["type"] == event)
