# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs cells: each is a task struck by a fault, and the same task again without it."""

from __future__ import annotations

import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from faults.evidence import ClusterApi, Estate, Run, manifests, stored, writes_in
from faults.judge import Circumstances, complaints, forgotten, not_healed
from faults.machines import not_running
from faults.operations import WAYS, Cell, Operation, all_cells
from faults.proxy import Aim, Aims, Proxy
from faults.ways import ModuleHost, Told, in_process
from palette_simulator.launch import Simulator

_FLEET = Path(__file__).with_name("fleet.yml")
_AT_ONCE = 8  # cells mostly wait
_OF_THE_USER = ("proxy", "ca_bundle", "palette_", "spectrocloud_", "netrc")

Way = Callable[[str, Mapping[str, Any]], Told]


class Verdict(NamedTuple):
    """How a cell went. complaints: none if it is green. strikes: requests that were struck."""

    number: int
    complaints: Sequence[str]
    strikes: int

    @property
    def green(self) -> bool:
        """Whether all was true."""
        return not self.complaints

    @property
    def colour(self) -> str:
        """The verdict in a word."""
        return "green" if self.green else "RED  "


class Scene(NamedTuple):
    """What there was at the beginning. snapshots: as Palette lists them."""

    snapshots: Sequence[dict[str, Any]]
    estate: Estate


class Court:
    """Where cells are run one after another, with a simulator of their own."""

    def __init__(self, palette: Simulator, module_host: ModuleHost) -> None:
        self._palette = palette
        self._cluster = ClusterApi(palette)
        self._ways: dict[str, Way] = dict(zip(WAYS, (in_process, module_host.run), strict=True))

    def run(self, number: int, cell: Cell) -> Verdict:
        """Run a cell."""
        self._palette.reset()
        before = Scene(manifests(self._palette), self._cluster.estate())
        point = cell.point
        struck, strikes = self._run(cell, self._ways[cell.way], before, cell.aims)
        how = Circumstances(point.blind, point.deaf, cell.fault.honest)
        found = complaints(cell.operation, struck, how)
        if not strikes[0]:
            found.append("the fault did not strike")
        again, _strikes = self._run(cell, in_process, before, [])
        again = again._replace(forgotten=forgotten(cell.operation, again))
        found += not_healed(cell.operation, again)
        found += still_off(cell.operation, self._palette.url, self._cluster)
        return Verdict(number, found, strikes[0])

    def _run(
        self, cell: Cell, way: Way, before: Scene, aims: Sequence[Aim]
    ) -> tuple[Run, list[int]]:
        self._palette.clear_requests()
        planned, url, clusters = Aims(aims), self._palette.url, self._cluster.clusters
        with Proxy.running(url, planned, before.snapshots, clusters) as proxy:
            told = way(cell.operation.module, {**cell.operation.task, "host": proxy.url})
        after, estate = stored(manifests(self._palette)), self._cluster.estate()
        writes = writes_in(self._palette)
        token = self._cluster.token
        run = Run(told, stored(before.snapshots), after, writes, before.estate, estate, token)
        return run, planned.strikes


def still_off(operation: Operation, host: str, cluster: ClusterApi) -> list[str]:
    """Start what ran before, as a play does by its own record; return what does not run even so."""
    if not operation.rested:
        return []
    told = in_process("vm_power", {**operation.start, "host": host})
    failed = (told.result or {"failed": True}).get("failed")
    texts = [f"it failed: {told.text}"] if failed else []
    texts += not_running(operation.rested, cluster.estate())
    return [f"vm_power after all: {text}" for text in texts]


def a_sample(cells: Sequence[Cell]) -> list[Cell]:
    """Return each operation's share of its cells, chosen by a hash of their names."""
    shares: dict[str, list[Cell]] = {}
    for cell in sorted(cells, key=lambda cell: zlib.crc32(cell.name.encode())):
        shares.setdefault(cell.operation.name, []).append(cell)
    return [cell for own in shares.values() for cell in own[: len(own) // own[0].operation.share]]


def verdicts_on(cells: Sequence[Cell]) -> Iterator[tuple[Cell, Verdict]]:
    """Run cells, several at once, and yield them with their verdicts as they come."""
    numbers = {cell.name: number for number, cell in enumerate(all_cells())}
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(_AT_ONCE, context, _open_court) as pool:
        wanted = [numbers[cell.name] for cell in cells]
        yield from zip(cells, pool.map(_try, wanted, chunksize=4), strict=True)


_court: list[Court] = []


def _open_court() -> None:
    for name in list(os.environ):
        if any(part in name.lower() for part in _OF_THE_USER):
            del os.environ[name]
    # Both end with this process, whose end closes their standard input.
    open_to_the_end = ExitStack()
    palette = open_to_the_end.enter_context(
        Simulator.running(
            _FLEET, timing="fast", rate_limits="off", admin_login="token", log_bodies=True
        )
    )
    module_host = open_to_the_end.enter_context(ModuleHost.running())
    _court.append(Court(palette, module_host))
    _kept.append(open_to_the_end)


_kept: list[ExitStack] = []


def _try(number: int) -> Verdict:
    return _court[0].run(number, all_cells()[number])
