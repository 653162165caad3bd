# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that are sick, each in its own way, while Palette is well."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from palette_simulator.launch import LIMIT, Simulator
from palette_simulator.probe import Probe

SICK = "vm-cluster-1"
WELL = "0123456789abcdef00000012"
KINDS = ("503", "403", "500", "404", "hang", "reset")


@pytest.mark.parametrize(
    ("kind", "version", "status", "words"),
    [
        ("503", "4.8", 503, "<h1>503 Service Temporarily Unavailable</h1>"),
        ("403", "4.8", 403, '"code":"OperationForbidden"'),
        ("403", "4.9", 403, '"code":"ResOperationForbidden"'),
        ("500", "4.8", 500, '"code":"InternalServerError"'),
        ("500", "4.9", 500, '"code":"ClusterFeatureTimeoutError"'),
        ("404", "4.8", 404, '"code":"ResourceNotFound","message":"Cluster not found"'),
    ],
)
def test_a_sick_cluster_is_told_as_palette_tells_it(
    probe: Probe, kind: str, version: str, status: int, words: str
) -> None:
    probe.palette.switch(palette_version=version)
    probe.palette.sicken(SICK, kind)
    for answer in (probe.vms("GET"), probe.create("db1", "s"), probe.vms("GET", "snapshot")):
        assert answer.status_code == status
        assert words in answer.text
    assert probe.palette.strikes(SICK) == 3
    assert {entry["fault"] for entry in probe.palette.requests()} == {f"sick_{kind}"}


def test_a_sick_cluster_may_cut_the_connection(probe: Probe) -> None:
    probe.palette.sicken(SICK, "reset")
    with pytest.raises(requests.ConnectionError):
        probe.create("db1", "s")
    assert probe.palette.strikes(SICK) == 1
    probe.palette.heal(SICK)
    assert probe.names(vmName="db1") == []


@pytest.mark.parametrize("kind", KINDS)
def test_look_ups_and_other_clusters_are_well(probe: Probe, kind: str) -> None:
    probe.palette.sicken(SICK, kind)
    assert probe.call("GET", "dashboard/spectroclusters/vms").status_code == 200
    assert probe.call("GET", f"spectroclusters/{probe.cluster}").status_code == 200
    probe.cluster = WELL
    assert probe.vms("GET").status_code == 200
    assert probe.palette.strikes(SICK) == 0


def test_a_wrong_key_does_not_reach_the_cluster(probe: Probe) -> None:
    probe.palette.sicken(SICK, "503")
    probe.key = "wrong"
    assert probe.vms("GET").status_code == 401
    assert probe.palette.strikes(SICK) == 0


def test_it_may_break_out_with_the_first_write(probe: Probe) -> None:
    probe.palette.sicken(SICK, "503", since="write")
    assert probe.vms("GET").status_code == 200
    assert probe.create("db1", "s").status_code == 503
    assert probe.vms("GET").status_code == 503
    assert probe.palette.strikes(SICK) == 2
    probe.palette.heal(SICK)
    assert probe.names(vmName="db1") == []


def test_it_may_break_out_after_the_first_write(probe: Probe) -> None:
    probe.palette.sicken(SICK, "503", since="wait")
    assert probe.vms("GET").status_code == 200
    assert probe.create("db1", "s").status_code == 200
    assert probe.vms("GET").status_code == 503
    assert probe.create("db2", "t").status_code == 503
    assert probe.palette.strikes(SICK) == 2
    probe.palette.heal(SICK)
    assert probe.names(vmName="db1,db2") == ["s"]


def test_another_sickness_begins_anew(probe: Probe) -> None:
    probe.palette.sicken(SICK, "503")
    probe.vms("GET")
    probe.palette.sicken(SICK, "403", since="write")
    assert probe.palette.strikes(SICK) == 0
    assert probe.vms("GET").status_code == 200


@pytest.mark.parametrize("end", ["heal", "sicken", "reset"])
def test_what_hangs_ends_with_the_sickness_and_is_not_carried_out(probe: Probe, end: str) -> None:
    palette = probe.palette
    ends: dict[str, Callable[[], None]] = {
        "heal": lambda: palette.heal(SICK),
        "sicken": lambda: palette.sicken(SICK, "503", since="wait"),
        "reset": palette.reset,
    }
    palette.sicken(SICK, "hang")
    with ThreadPoolExecutor() as pool, Probe.of(palette) as other:
        other.cluster = WELL
        hanging = pool.submit(probe.create, "db1", "s")
        while palette.strikes(SICK) == 0:
            assert not hanging.done()
        assert other.vms("GET").status_code == 200
        assert not hanging.done()
        ends[end]()
        assert isinstance(hanging.exception(LIMIT), requests.ConnectionError)
    assert probe.names(vmName="db1") == []


def test_what_hangs_ends_when_the_client_leaves(probe: Probe) -> None:
    probe.palette.sicken(SICK, "hang")
    probe.timeout = 0.05
    with pytest.raises(requests.ReadTimeout):
        probe.vms("GET")
    while not probe.palette.requests():
        assert probe.palette.strikes(SICK) == 1
    (entry,) = probe.palette.requests()
    assert (entry["fault"], entry["status"]) == ("sick_hang", None)


def test_a_reset_heals(probe: Probe) -> None:
    probe.palette.sicken(SICK, "503")
    probe.palette.reset()
    assert probe.vms("GET").status_code == 200
    with pytest.raises(ValueError, match="has not been sick"):
        probe.palette.strikes(SICK)


@pytest.mark.parametrize(
    "complaint", [(SICK, "flu"), (SICK, "503", "tomorrow"), ("nowhere", "503")]
)
def test_a_wrong_sickness_is_refused(palette: Simulator, complaint: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="error"):
        palette.sicken(*complaint)
