# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet and timing files: what is read, and how errors name the key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from palette_simulator.build import build
from palette_simulator.fleet import (
    Fleet,
    FleetCluster,
    FleetError,
    FleetKey,
    FleetProject,
    FleetSnapshot,
    FleetVM,
    FleetVolume,
    grow,
    load_fleet,
)
from palette_simulator.launch import FLEETS
from palette_simulator.timing import PROFILES, load_timing

FLEET = """
keys: [{key: k}]
projects:
  - name: p
    clusters:
      - name: c
        vms:
          - {name: a, namespace: n}
          - {name: b, namespace: n, EXTRA}
"""


def test_the_readme_shows_a_whole_file_and_tells_all_keys(tmp_path: Path) -> None:
    text = (FLEETS.parent / "README.md").read_text("utf-8")
    section = text.partition("\n## Fleet files\n")[2].partition("\n## ")[0]
    file = tmp_path / "fleet.yml"
    file.write_text(section.partition("```yaml\n")[2].partition("```")[0])
    fleet = load_fleet(file)
    assert [cluster.name for cluster in fleet.clusters()] == ["vm-cluster-1", "shared-cluster"]
    told = set(re.findall(r"\w+", " ".join(re.findall("`([^`\n]+)`", section))))
    kinds = (Fleet, FleetKey, FleetProject, FleetCluster, FleetVM, FleetVolume, FleetSnapshot)
    assert [key for kind in kinds for key in kind.__struct_fields__ if key not in told] == []


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("freeze: bad", "Invalid enum value 'bad' - at `$.projects[0].clusters[0].vms[1].freeze`"),
        ("colour: red", "unknown field `colour` - at `$.projects[0].clusters[0].vms[1]`"),
        ("guest_agent: 1", "`bool`, got `int` - at `$.projects[0].clusters[0].vms[1].guest_agent`"),
        ("age: old", 'invalid duration "old"'),
        ("timing: {soon: 1}", "unknown field `soon`"),
        ("snapshots: [{name: s, age: soon}]", 'invalid duration "soon"'),
        ("snapshots: [{name: s, finishes_in: 1}]", "vms[1].snapshots[0].finishes_in`"),
        ("snapshots: [{name: s}, {name: s}]", "snapshot n s is there twice in cluster c"),
    ],
)
def test_an_error_names_the_file_and_the_key(tmp_path: Path, extra: str, words: str) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(FLEET.replace("EXTRA", extra))
    with pytest.raises(FleetError) as caught:
        load_fleet(file)
    assert str(file) in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("permissions: [virtualMachine.fly]", "unknown permission: virtualMachine.fly"),
        ("projects: [q]", "no such project: q - at `$.keys[0].projects`"),
    ],
)
def test_a_key_must_fit_the_fleet(tmp_path: Path, key: str, words: str) -> None:
    file = tmp_path / "fleet.yml"
    file.write_text(f"keys: [{{key: k, {key}}}]\nprojects: [{{name: p}}]\n")
    with pytest.raises(FleetError, match=words.replace("[", r"\[").replace("$", r"\$")):
        load_fleet(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"absent\.yml"):
        load_fleet(tmp_path / "absent.yml")


@pytest.mark.parametrize("name", ["demo", "test"])
def test_the_fleets_that_come_along_can_be_used(name: str) -> None:
    state = build(load_fleet(FLEETS / f"{name}.yml"), load_timing("real", 1.0), now=1e9)
    names = {cluster.name for cluster in state.clusters.values()}
    assert "vm-cluster-1" in names


def test_a_fleet_grows_over_namespaces_in_turn() -> None:
    fleet = load_fleet(FLEETS / "demo.yml")
    grow(fleet, 3, ["a", "b"])
    grown = fleet.projects[0].clusters[0].vms[-3:]
    members = [(vm.name, vm.namespace) for vm in grown]
    assert members == [("vm-00001", "b"), ("vm-00002", "a"), ("vm-00003", "b")]


def test_a_fleet_grows_over_clusters_evenly() -> None:
    fleet = load_fleet(FLEETS / "demo.yml")
    grow(fleet, 8, ["a"], clusters=3)
    first, *edges = fleet.projects[0].clusters
    assert [(edge.name, [vm.name[-1] for vm in edge.vms]) for edge in edges] == [
        ("edge-001", ["1", "2"]),
        ("edge-002", ["3", "4", "5"]),
        ("edge-003", ["6", "7", "8"]),
    ]
    assert "vm-00001" not in {vm.name for vm in first.vms}


def test_clusters_may_come_without_vms() -> None:
    fleet = load_fleet(FLEETS / "demo.yml")
    grow(fleet, 0, ["a"], clusters=2)
    state = build(fleet, load_timing("fast", 1.0), 0.0)
    edges = [cluster for cluster in state.clusters.values() if cluster.name.startswith("edge-")]
    assert [(edge.vms, edge.namespaces, edge.vm_enabled) for edge in edges] == [
        ({}, {"a"}, True)
    ] * 2


def test_a_timing_file_builds_on_a_profile(tmp_path: Path) -> None:
    file = tmp_path / "timing.yml"
    file.write_text("base: fast\nready: [1, 2]\nvms:\n  db1: {cut: 7}\n  n/db2: {cut: 8}\n")
    timing = load_timing(str(file), 1.0)
    assert timing.of_vm("n", "db1", {}).cut == 7
    assert timing.of_vm("n", "db2", {}).cut == 8
    assert timing.of_vm("other", "db2", {}).cut == PROFILES["fast"].cut
    assert timing.of_vm("n", "db1", {"cut": 9}).cut == 9
    assert timing.of_vm("n", "web", {}).ready == (1, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("base: quick", "base 'quick' is not a profile"),
        ("raedy: 1", "raedy"),
        ("vms: {db1: {raedy: 1}}", "raedy"),
        ("ready: soon", "ready"),
    ],
)
def test_a_bad_timing_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "timing.yml"
    file.write_text(text)
    with pytest.raises(ValueError, match=words):
        load_timing(str(file), 1.0)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="not one of real, fast, instant, spread"):
        load_timing("quick", 1.0)


def test_a_range_is_drawn_by_name_and_scaled() -> None:
    timing = load_timing("spread", 0.1)
    delay = PROFILES["spread"].ready
    drawn = [timing.draw(delay, f"n/vm-{number}") for number in range(200)]
    assert drawn == [timing.draw(delay, f"n/vm-{number}") for number in range(200)]
    assert min(drawn) >= 0.2
    assert max(drawn) <= 1.7
    assert len(set(drawn)) > 190
