"""Flags of programs as an operator gives them."""

import pytest

from deploy.local.programs import parse_flags
from deploy.local.state import Settings
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
