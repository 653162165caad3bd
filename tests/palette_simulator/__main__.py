# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: PYTHONPATH=tests python -m palette_simulator --help."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from io import TextIOBase
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

from palette_simulator.app import ASGIApp, Front, palette_app
from palette_simulator.fleet import Fleet, grow, load_fleet
from palette_simulator.journal import Journal
from palette_simulator.palette import Palette
from palette_simulator.server import Binding, serve
from palette_simulator.switches import Switches

DEMO = Path(__file__).parent / "fleets" / "demo.yml"
_FLEET_HELP = (
    "a YAML file with what there is at the start: keys, projects, clusters, VMs and their "
    "snapshots; see 'Fleet files' in the README beside this program (default: fleets/demo.yml)"
)


def main(api: Callable[[Palette], ASGIApp] = palette_app) -> None:
    """Serve a fleet until stopped."""
    parser = _parser()
    args = parser.parse_args()
    with ExitStack() as stack:
        try:
            palette = Palette(_fleet(args), _switches(args), _journal(args, stack))
        except (ValueError, OSError) as error:
            parser.exit(2, f"palette_simulator: {error}\n")
        binding = Binding(args.port, args.tls, args.ready_file, args.stop_with_stdin)
        serve(Front(palette, api(palette)), palette.access, binding)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("palette_simulator", description="A simulated Palette.")
    add = parser.add_argument
    add("--fleet", type=Path, default=DEMO, help=_FLEET_HELP)
    add("--clusters", type=int, default=0, metavar="N", help="add N clusters for --vms")
    add("--vms", type=int, default=0, metavar="N", help="add N VMs to the first cluster")
    add("--vm-namespaces", default="fleet", metavar="A,B", help="where --vms puts them")
    add("--port", type=int, default=0, help="0 takes a free one")
    add("--tls", action="store_true", help="serve HTTPS with a CA made for this run")
    add("--ready-file", type=Path, help="written when it listens: url, pid, ca_file")
    add("--request-log", type=Path, help="write each request as a line of JSON")
    add("--stop-with-stdin", action="store_true", help="stop when standard input closes")
    defaults = Switches()
    for name, hint in get_type_hints(Switches).items():
        _add_switch(parser, name, hint, getattr(defaults, name))
    return parser


def _add_switch(parser: argparse.ArgumentParser, name: str, hint: Any, default: Any) -> None:
    option = "--" + name.replace("_", "-")
    if hint is bool:
        parser.add_argument(option, action="store_true", default=default)
    elif get_origin(hint) is Literal:
        text = "%(choices)s (default: %(default)s)"
        choices = get_args(hint)
        parser.add_argument(option, choices=choices, default=default, metavar="HOW", help=text)
    else:
        kind = next(iter(get_args(hint)), hint)  # the first of "float | None"
        parser.add_argument(option, type=kind, default=default, help="default: %(default)s")


def _switches(args: argparse.Namespace) -> Switches:
    given = {name: getattr(args, name) for name in Switches.__struct_fields__}
    return msgspec.convert(given, Switches)


def _fleet(args: argparse.Namespace) -> Fleet:
    fleet = load_fleet(args.fleet)
    grow(fleet, args.vms, args.vm_namespaces.split(","), args.clusters)
    return fleet


def _journal(args: argparse.Namespace, stack: ExitStack) -> Journal:
    if args.request_log is None:
        return Journal()
    file = stack.enter_context(args.request_log.open("a", encoding="utf-8"))
    return Journal(cast(TextIOBase, file))


if __name__ == "__main__":
    main()
