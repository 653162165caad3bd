# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff shows of a VM's spec: only what differs, and nothing that is secret."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.spec_diff import (
    differences,
)


def spec(volumes: Any = (), **domain: Any) -> dict[str, Any]:
    """Return a VM's spec."""
    return {"template": {"spec": {"domain": domain, "volumes": list(volumes)}}}


def test_only_what_differs_is_shown_by_its_path() -> None:
    now, then = spec(cpu={"cores": 4}, memory="1Gi"), spec(cpu={"cores": 2}, memory="1Gi")
    path = "template.spec.domain.cpu.cores"
    assert differences(now, then) == ({path: "4"}, {path: "2"})


def test_what_is_only_there_once_is_only_shown_once() -> None:
    extra = {"name": "extra", "persistentVolumeClaim": {"claimName": "x", "readOnly": True}}
    before, after = differences(spec([extra]), spec([{"name": "root", "emptyDisk": {}}]))
    assert before["template.spec.volumes[extra].name"] == "extra"
    assert after["template.spec.volumes[root].emptyDisk"] == "{}"
    assert not before.keys() & after.keys()


def test_volumes_are_compared_by_name_and_not_by_place() -> None:
    volumes = [{"name": "a", "emptyDisk": {}}, {"name": "b", "emptyDisk": {}}]
    assert differences(spec(volumes), spec(volumes[::-1])) == ({}, {})


def test_what_is_told_elsewhere_is_left_out() -> None:
    def claimed(claim: str, strategy: str) -> dict[str, Any]:
        root = {"name": "root", "persistentVolumeClaim": {"claimName": claim}}
        data = {"name": "data", "dataVolume": {"name": claim}}
        templates = [{"metadata": {"name": claim}}]
        return {**spec([root, data]), "runStrategy": strategy, "dataVolumeTemplates": templates}

    assert differences(claimed("old", "Always"), claimed("new", "Halted")) == ({}, {})


@pytest.mark.parametrize(
    "volume",
    [
        {"cloudInitNoCloud": {"userData": "secret-1"}},
        {"cloudInitNoCloud": {"userDataBase64": "secret-1"}},
        {"cloudInitConfigDrive": {"networkData": "secret-1"}},
        {"sysprep": {"password": "secret-1"}},
    ],
)
def test_secrets_are_hidden(volume: dict[str, Any]) -> None:
    (kind,) = volume
    other = {kind: dict.fromkeys(volume[kind], "secret-2")}
    before, after = differences(
        spec([{"name": "init", **volume}], sshkeys=["secret-3"]),
        spec([{"name": "init", **other}], sshkeys=["secret-4"]),
    )
    assert before.keys() == after.keys()
    assert len(before) == 2
    assert "secret-" not in f"{before} {after}"
    assert "(hidden: the one now)" in before.values()


def test_values_do_not_steer_a_terminal_and_are_short() -> None:
    before, after = differences(spec(name="\x1b[31mred"), spec(name="x" * 5000))
    assert "\x1b" not in str(before)
    assert len(after["template.spec.domain.name"]) < 300
