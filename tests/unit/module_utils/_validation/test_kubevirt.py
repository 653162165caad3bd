# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KubeVirt's and Kubernetes' rules, value by value."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._validation import kubevirt

Rule = Callable[[str], "str | None"]

GOOD: list[tuple[Rule, str]] = [
    (kubevirt.snapshot_name_problem, "db1"),
    (kubevirt.snapshot_name_problem, "db1.before-patch.2"),
    (kubevirt.snapshot_name_problem, "a" * 253),
    (kubevirt.snapshot_name_problem, "snapshot"),
    (kubevirt.vm_name_problem, "db1"),
    (kubevirt.vm_name_problem, "snapshots"),
    (kubevirt.namespace_problem, "a" * 63),
    (kubevirt.name_prefix_problem, "nightly-"),
    (kubevirt.name_prefix_problem, "nightly."),
    (kubevirt.name_prefix_problem, "a" * 245),
    (kubevirt.label_key_problem, "tier"),
    (kubevirt.label_key_problem, "app.kubernetes.io/managed-by"),
    (kubevirt.label_key_problem, "Tier_2.x"),
    (kubevirt.label_key_problem, f"{'a' * 253}/{'b' * 63}"),
    (kubevirt.label_value_problem, ""),
    (kubevirt.label_value_problem, "A" * 63),
    (kubevirt.label_value_problem, "v1.2_rc-3"),
    (kubevirt.annotation_key_problem, "Example.com/Ticket"),
    (kubevirt.annotation_value_problem, "any text: even {this}\n"),
    (kubevirt.finalizer_problem, "example.com/keep"),
    (kubevirt.failure_deadline_problem, "0"),
    (kubevirt.failure_deadline_problem, "2h45m"),
    (kubevirt.deletion_policy_problem, "Delete"),
    (kubevirt.deletion_policy_problem, "Retain"),
    (kubevirt.api_version_problem, "snapshot.kubevirt.io/v1beta1"),
    (kubevirt.api_version_problem, "snapshot.kubevirt.io/v1alpha1"),
    (kubevirt.kind_problem, "VirtualMachineSnapshot"),
    (kubevirt.source_kind_problem, "VirtualMachine"),
    (kubevirt.source_api_group_problem, "kubevirt.io"),
]

BAD: list[tuple[Rule, str, str]] = [
    (kubevirt.snapshot_name_problem, "", "must not be empty"),
    (kubevirt.snapshot_name_problem, "Db1", "'Db1' must be lower-case letters"),
    (kubevirt.snapshot_name_problem, "db1-", "'db1-' must be"),
    (kubevirt.snapshot_name_problem, "-db1", "'-db1' must be"),
    (kubevirt.snapshot_name_problem, "a..b", "'a..b' must be"),
    (kubevirt.snapshot_name_problem, "a.-b", "'a.-b' must be"),
    (kubevirt.snapshot_name_problem, "db_1", "'db_1' must be"),
    (kubevirt.snapshot_name_problem, "db1\n", "must be lower-case letters"),
    (kubevirt.snapshot_name_problem, "dé", "'dé' must be"),
    (kubevirt.snapshot_name_problem, "a" * 254, "has 254 characters; at most 253"),
    (kubevirt.vm_name_problem, "", "must not be empty"),
    (kubevirt.namespace_problem, "", "must not be empty"),
    (kubevirt.namespace_problem, "a.b", "'a.b' must be"),
    (kubevirt.namespace_problem, "a" * 64, "has 64 characters; at most 63"),
    (kubevirt.name_prefix_problem, "", "must not be empty"),
    (kubevirt.name_prefix_problem, "Nightly-", "'Nightly-' cannot start a name"),
    (kubevirt.name_prefix_problem, "-nightly", "'-nightly' cannot start a name"),
    (kubevirt.name_prefix_problem, "a" * 246, "has 246 characters; at most 245"),
    (kubevirt.label_key_problem, "", "the key must not be empty"),
    (kubevirt.label_key_problem, "a b", "the key 'a b' must be"),
    (kubevirt.label_key_problem, "a" * 64, "the key has 64 characters"),
    (kubevirt.label_key_problem, "a/", "invalid name after its '/': must not be empty"),
    (kubevirt.label_key_problem, "/a", "invalid prefix: must not be empty"),
    (kubevirt.label_key_problem, "a/b/c", "invalid prefix"),
    (kubevirt.label_key_problem, "Example.com/a", "invalid prefix"),
    (kubevirt.label_value_problem, "a b", "'a b' must be"),
    (kubevirt.label_value_problem, "db-", "'db-' must be"),
    (kubevirt.label_value_problem, "a" * 64, "has 64 characters; at most 63"),
    (kubevirt.annotation_key_problem, "a b", "the key 'a b' must be"),
    (kubevirt.finalizer_problem, "keep me", "'keep me' must be"),
    (kubevirt.failure_deadline_problem, "1d", "unknown unit 'd'"),
    (kubevirt.failure_deadline_problem, "300", "without a unit"),
    (kubevirt.failure_deadline_problem, "-1s", "is negative"),
    (kubevirt.deletion_policy_problem, "delete", "case matters"),
    (kubevirt.deletion_policy_problem, "", "is not a deletion policy"),
    (kubevirt.api_version_problem, "v1", "is not an API version"),
    (kubevirt.kind_problem, "VirtualMachineRestore", "is not VirtualMachineSnapshot"),
    (kubevirt.source_kind_problem, "Pod", "cannot be snapshotted"),
    (kubevirt.source_api_group_problem, "kubevirt.io/v1", "is not the API group"),
]


def id_of(value: Rule | str) -> str | None:
    """Name a case after its rule."""
    return getattr(value, "__name__", None)


@pytest.mark.parametrize(("rule", "value"), GOOD, ids=id_of)
def test_rule_accepts_a_right_value(rule: Rule, value: str) -> None:
    assert rule(value) is None


@pytest.mark.parametrize(("rule", "value", "said"), BAD, ids=id_of)
def test_rule_says_what_is_wrong_with_a_value(rule: Rule, value: str, said: str) -> None:
    assert said in (rule(value) or "")


def test_annotations_problem_allows_256_kib_together() -> None:
    limit = 256 * 1024
    assert kubevirt.annotations_problem({"key": "v" * (limit - 3)}) is None
    assert "have 262145 bytes" in (kubevirt.annotations_problem({"key": "v" * (limit - 2)}) or "")


def test_annotations_problem_counts_bytes() -> None:
    assert kubevirt.annotations_problem({"key": "é" * (128 * 1024)}) is not None


DNS_CHARACTERS = st.text("abz019-.", max_size=20)


@given(DNS_CHARACTERS)
def test_snapshot_name_problem_accepts_labels_joined_by_dots(value: str) -> None:
    parts = [re.fullmatch(r"[a-z0-9]+(-+[a-z0-9]+)*", part) for part in value.split(".")]
    assert (kubevirt.snapshot_name_problem(value) is None) is all(parts)


@given(DNS_CHARACTERS)
def test_name_prefix_problem_accepts_what_makes_good_names(prefix: str) -> None:
    name = prefix + "x" * kubevirt.NAME_SUFFIX_LENGTH
    good = bool(prefix) and kubevirt.snapshot_name_problem(name) is None
    assert (kubevirt.name_prefix_problem(prefix) is None) is good
