# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which VMs a tool's result names as failed: read wrongly, the comparison would slander a tool."""

from __future__ import annotations

from benchmarks.rivals import of_list, of_set


def test_a_list_names_what_is_in_its_errors() -> None:
    text = '"VirtualMachineSnapshot" "vm-00002-now": Resource creation timed out'
    created = {"method": "create", "result": {"metadata": {"name": "vm-00001-now"}}}
    results = [created, {"error": {"msg": text}}]
    assert of_list({"result": {"results": results}}) == {"vm-00002"}


def test_one_definition_alone_is_no_list() -> None:
    assert of_list({"result": {"metadata": {"name": "vm-00001-now"}}}) == set()


def test_a_set_names_its_failed_members() -> None:
    members = {
        "vm-cluster-1/fleet/vm-00001": {"outcome": "failed"},
        "vm-cluster-1/fleet/vm-00002": {"outcome": "created"},
    }
    assert of_set({"members": members}) == {"vm-00001"}
