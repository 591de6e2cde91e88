"""Processes are started, known again, and ended."""

import contextlib
import os
import signal
from dataclasses import replace

import pytest

from deploy.local.process import Files, began, start
from deploy.trouble import Trouble
from deploy.waiting import wait_for


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "log", tmp_path / "out", tmp_path / "code")


def run(script, files):
    return start(["sh", "-c", script], files, os.environ, files.log.parent)


def test_a_process_lives_in_a_session_of_its_own_until_it_is_ended(files):
    process = run("exec sleep 100", files)
    assert process.alive() and not process.gone_within(0)
    assert os.getsid(process.pid) != os.getsid(0)
    process.signal(signal.SIGTERM)
    assert process.gone_within(10) and not process.alive()
    assert files.exit_code() == 128 + signal.SIGTERM


def test_another_process_of_the_same_number_is_left_alone(files):
    process = run("exec sleep 100", files)
    another = replace(process, began=process.began - 1)
    assert not another.alive()
    another.signal(signal.SIGKILL)
    assert another.gone_within(0) and not process.gone_within(0)
    process.signal(signal.SIGKILL)
    assert process.gone_within(10)


def test_what_a_process_leaves_behind_goes_with_it(files):
    process = run("sleep 100 & echo $!; wait", files)
    assert wait_for(lambda: files.out.exists() and files.out.read_text().endswith("\n"), 10)
    child = int(files.out.read_text())
    process.signal(signal.SIGKILL)
    assert files.exit_code() == 128 + signal.SIGKILL
    assert wait_for(lambda: began(child) is None, 10)


def test_what_it_says_and_how_it_ends_are_kept(files):
    seen = files.log.parent / "seen"
    # It goes on when it was seen to be there.
    process = run(f"until [ -e {seen} ]; do sleep 0.01; done; echo ready; echo oops >&2; exit 70", files)
    seen.touch()
    assert process.gone_within(10)
    assert files.exit_code() == 70
    assert files.out.read_text() == "ready\n"
    assert files.tail() == "oops"


def test_a_program_that_is_not_there_is_told(files):
    # Whether it has ended by the time it is looked at is chance.
    with contextlib.suppress(Trouble):
        assert start(["/nowhere/program"], files, os.environ, files.log.parent).gone_within(10)
    assert files.exit_code() == 127
    assert "/nowhere/program" in files.tail()
