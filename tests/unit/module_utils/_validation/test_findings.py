# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings in a body, put in the words of the options that the user wrote."""

from __future__ import annotations

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation.findings import (
    Finding,
    example_value,
    worded,
)


def test_worded_names_the_option_of_the_longest_path() -> None:
    labels = ("metadata", "labels")
    origins = {labels: "labels", (*labels, "tier"): "definition.metadata.labels.tier"}
    owner, tier = Finding((*labels, "owner"), "is wrong"), Finding((*labels, "tier"), "is wrong")
    assert str(worded(owner, origins)) == (
        "labels.owner: is wrong; for example: labels: {owner: db}"
    )
    assert worded(tier, origins).option == "definition.metadata.labels.tier"


def test_worded_names_the_definition_where_no_option_is_known() -> None:
    finding = Finding(("metadata", "finalizers", 1), "is wrong")
    assert worded(finding, {}).option == "definition.metadata.finalizers[1]"


def test_example_value_of_a_free_key_is_that_of_another() -> None:
    assert example_value(("metadata", "labels", "anything")) == "db"
