"""Flags of programs as an operator gives them."""

import pytest

from deploy.local.layout import Layout
from deploy.local.programs import SERVICES, faults, parse_flags
from deploy.local.state import Settings, State
from deploy.trouble import Trouble


def test_flags_are_told_by_service():
    flags = parse_flags(["battle-svc.tick-ms=100", "all.log=debug,h2=info", "gateway.limits=off"])
    assert flags == {
        "battle-svc": {"tick-ms": "100"},
        "all": {"log": "debug,h2=info"},
        "gateway": {"limits": "off"},
    }
    settings = Settings("target/debug").with_flags(flags)
    more = settings.with_flags(parse_flags(["battle-svc.tick-ms=200", "battle-svc.save-every=1s"]))
    assert more.flags["battle-svc"] == {"tick-ms": "200", "save-every": "1s"}
    assert settings.with_flags({}) == settings


@pytest.mark.parametrize("wrong", ["tick-ms=100", "battle-svc.tick-ms", "battle.tick-ms=100", "battle-svc.=1", ""])
def test_what_is_no_flag_is_refused(wrong):
    with pytest.raises(Trouble, match=r"expected SERVICE\.FLAG=VALUE"):
        parse_flags([wrong])


def test_the_programs_themselves_say_which_flags_are_wrong(tmp_path):
    for service in SERVICES:
        # Like ours: 64 for a wrong flag, 1 for an address that is taken, here whichever it is.
        (tmp_path / service).write_text('#!/bin/sh\ncase "$*" in *wrong*) echo "not $*" >&2; exit 64;; esac\nexit 1\n')
        (tmp_path / service).chmod(0o755)
    state = State.new(Layout(tmp_path), Settings(str(tmp_path)))

    assert faults(state, state.settings) == []
    flags = parse_flags(["user-svc.log=wrong", "gateway.wrong=1", "battle-svc.tick-ms=100"])
    first, second = faults(state, state.settings.with_flags(flags))
    assert first.startswith("user-svc: not --instance user-svc ") and first.endswith("--log wrong")
    assert second.startswith("gateway: ") and second.endswith("--wrong 1")
