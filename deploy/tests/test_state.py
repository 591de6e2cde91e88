"""What is kept of a cluster between two commands."""

from pathlib import Path

import pytest

from deploy.local.layout import Layout
from deploy.local.state import Settings, State
from deploy.trouble import Trouble


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    assert State.load(layout) is None
    state = State.new(layout, Settings("/programs"))
    state.save()
    assert State.load(layout) == state


@pytest.mark.parametrize(
    ("content", "said"),
    [("{half", "is damaged"), ("", "is damaged"), ("[]", "another version"), ('"text"', "another version")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: str, said: str) -> None:
    layout = Layout(tmp_path)
    layout.state.write_text(content)
    with pytest.raises(Trouble, match=f"{layout.state} .*{said}"):
        State.load(layout)
