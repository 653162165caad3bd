# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's message names the role's variables where the role passes it on."""

from __future__ import annotations

import pytest

from ansible_collections.spectrocloud.palette.plugins.plugin_utils.role_variables import (
    with_variables,
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "set: must not end in -; for example: set: before-patch",
            "vm_snapshot_set: must not end in -; for example: vm_snapshot_set: before-patch",
        ),
        (
            "the VM runs; stop it, or use stop: true",
            "the VM runs; stop it, or use vm_snapshot_stop: true",
        ),
        (
            "not ready within 600 s (wait_timeout); set max_in_progress",
            "not ready within 600 s (vm_snapshot_wait_timeout); set vm_snapshot_max_in_progress",
        ),
        ("cluster 'x' not found", "cluster 'x' not found"),
        ("definition.spec.failure_deadline: x", "definition.spec.failure_deadline: x"),
        ("see https://x.example/keep_last", "see https://x.example/keep_last"),
        ("vm_snapshot_keep_last must be set", "vm_snapshot_keep_last must be set"),
    ],
)
def test_with_variables_names_variables_in_place_of_options(text: str, told: str) -> None:
    assert with_variables(text) == told
