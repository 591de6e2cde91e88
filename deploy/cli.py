"""The commands and their flags."""

import argparse
import json
import os
import resource
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from deploy.local import programs
from deploy.local.cluster import Cluster
from deploy.local.layout import Layout, write_json
from deploy.local.state import Settings
from deploy.local.target import LocalTarget
from deploy.report import Limits, Report
from deploy.rolling import roll
from deploy.terminal import say
from deploy.trouble import Trouble

ROOT = Path(__file__).resolve().parents[1]
OPEN_FILES = 65_536


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out a command; the answer is the exit code."""
    parser = _parser()
    args = parser.parse_args(arguments)
    try:
        _many_open_files()
        if "set" in args:
            args.set = programs.parse_flags(args.set)
        command: Callable[[argparse.Namespace], int] = args.command
        return command(args)
    except Trouble as trouble:
        say(f"{args.name}: {trouble}")
        return 1
    except KeyboardInterrupt:
        say(f"{args.name}: interrupted")
        return 130


def up(args: argparse.Namespace) -> int:
    """Starts a cluster, or what is missing of the one that is there, and prints it."""
    layout = Layout(args.dir)
    layout.make()
    with layout.locked():
        cluster = Cluster.open(layout)
        if cluster is None:
            cluster = Cluster.new(layout, Settings(str(args.binaries)).with_flags(args.set))
        elif cluster.settings.with_flags(args.set) != cluster.settings:
            raise Trouble("the cluster is up with other settings; `make deploy` changes them")
        if cluster.whole():
            say(f"the cluster in {layout.root} is up already")
        cluster.up()
        print(json.dumps(cluster.state.entries()))
    return 0


def down(args: argparse.Namespace) -> int:
    """Ends a cluster, and nothing else."""
    layout = Layout(args.dir)
    if not layout.state.exists():
        say(f"no cluster in {layout.root}")
        return 0
    with layout.locked():
        if cluster := Cluster.open(layout):
            cluster.down()
            say(f"the cluster in {layout.root} has ended; its data is still there")
        else:
            say(f"no cluster in {layout.root}")
    return 0


def deploy(args: argparse.Namespace) -> int:
    """Replaces every program of a cluster while it is played on, and prints what came of it."""
    layout = Layout(args.dir)
    if not layout.state.exists():
        raise Trouble(f"no cluster in {layout.root}; `make up` starts one")
    with layout.locked():
        cluster = Cluster.open(layout)
        if cluster is None:
            raise Trouble(f"no cluster in {layout.root}; `make up` starts one")
        cluster.settings = replace(cluster.settings, binaries=str(args.binaries)).with_flags(args.set)
        report = Report(args.target, Limits(args.max_dropped, args.max_slow))
        roll(LocalTarget(cluster), report)
        if not report.stopped:
            cluster.settle()
        write_json(layout.report, report.as_json())
        say(report.as_text())
        print(json.dumps(report.as_json()))
    return 1 if report.faults() else 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    run_dir = os.environ.get("RUN_DIR") or str(ROOT / ".run")
    common.add_argument("--dir", type=_path, default=run_dir, help="where the cluster lives (RUN_DIR)")
    programs_of = argparse.ArgumentParser(add_help=False)
    programs_of.add_argument("--binaries", type=_path, required=True, help="where the programs are")
    programs_of.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SERVICE.FLAG=VALUE",
        help="a flag for the programs of a service, or of `all`; may be given several times",
    )

    parser = argparse.ArgumentParser(prog="deploy", description="Clusters on this machine.")
    commands = parser.add_subparsers(dest="name", required=True)
    commands.add_parser("up", parents=[common, programs_of], help=up.__doc__).set_defaults(command=up)
    commands.add_parser("down", parents=[common], help=down.__doc__).set_defaults(command=down)
    rolling = commands.add_parser("deploy", parents=[common, programs_of], help=deploy.__doc__)
    rolling.add_argument("--target", choices=["local"], required=True, help="what kind of cluster")
    rolling.add_argument("--max-dropped", type=_count, default=0, help="players, battles and calls that may be lost")
    rolling.add_argument("--max-slow", type=_seconds, default=15.0, help="how long one of them may take, such as 15s")
    rolling.set_defaults(command=deploy)
    return parser


def _path(text: str) -> Path:
    return Path(text).resolve()


def _count(text: str) -> int:
    """Reads a number of whatever may be lost."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number such as 5, not {text}")
    return int(text)


def _seconds(text: str) -> float:
    """Reads `15s`."""
    number = text.removesuffix("s")
    if number == text or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"expected whole seconds such as 15s, not {text}")
    return float(number)


def _many_open_files() -> None:
    """Each player is a file or three; what we start has our limits."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, min(most, OPEN_FILES)), most))
