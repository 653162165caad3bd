# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a VM."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.errors import (
    PaletteError,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import (
    VmKey,
    Volume,
    read_vm,
)
from unit.builders import Json


@pytest.mark.parametrize(
    "machine",
    [
        {"metadata": []},
        {"status": "Running"},
        {"status": {"volumeSnapshotStatuses": {}}},
        {"status": {"volumeSnapshotStatuses": ["rootdisk"]}},
        {"metadata": {"labels": "a=b"}},
    ],
)
def test_read_vm_refuses_another_shape(machine: Json) -> None:
    with pytest.raises(PaletteError) as caught:
        read_vm("c1", machine)
    assert caught.value.reason == "malformed_response"


def test_read_vm_reads_what_snapshots_depend_on() -> None:
    machine = read_vm(
        "c1",
        {
            "metadata": {"name": "db1", "namespace": "vms", "uid": "u", "labels": {"a": "1"}},
            "status": {
                "printableStatus": "Running",
                "snapshotInProgress": "s",
                "volumeSnapshotStatuses": [
                    {"name": "a", "enabled": True},
                    {"name": "b", "reason": "no class"},
                ],
            },
        },
    )
    assert machine.key == VmKey("c1", "vms", "db1")
    assert machine.labels == {"a": "1"}
    assert machine.volumes == (Volume("a", True, ""), Volume("b", False, "no class"))
    assert (machine.snapshot_in_progress, machine.restore_in_progress) == ("s", "")
    assert not machine.deleting
