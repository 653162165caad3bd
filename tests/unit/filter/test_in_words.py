# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter in_words, as Ansible finds it."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.spectrocloud.palette.plugins.filter.in_words import FilterModule
from ansible_collections.spectrocloud.palette.plugins.modules import (
    vm_snapshot_retention as retention,
)

in_words = FilterModule().filters()["in_words"]

# Why a retention keeps snapshots, as its documentation says.
KEPT = re.findall(
    r"V\((\w+)\)", retention.RETURN.partition("of a kept snapshot is one of")[2].partition("see")[0]
)

OUTCOMES = (
    *("created", "replaced", "updated", "unchanged", "fresh", "deleted", "absent", "not_tried"),
    *("failed", "blocked"),
)


def of_set(*vms: tuple[str, str, str], check_mode: bool = False, **more: int) -> dict[str, Any]:
    """Return the result of a set. vms: outcome, reason and msg of each."""
    counts = Counter(outcome for outcome, _reason, _msg in vms)
    summary = {"total": len(vms), **{outcome: counts[outcome] for outcome in OUTCOMES}, **more}
    members = {
        f"c/vms/vm{n}": {
            "outcome": outcome,
            "cluster_uid": "u",
            "name": f"vm{n}-s",
            "status": None,
            "reason": reason or None,
            "msg": msg,
        }
        for n, (outcome, reason, msg) in enumerate(vms, 1)
    }
    return {"check_mode": check_mode, "members": members, "summary": summary}


def of_retention(*rows: tuple[str, str, str, str], check_mode: bool = False) -> dict[str, Any]:
    """Return the result of a retention. rows: outcome, set, cluster and msg of each."""
    counts = Counter(outcome for outcome, *_rest in rows)
    snapshots = [
        {
            "cluster": cluster,
            "cluster_uid": cluster,
            "namespace": "vms",
            "vm_name": "db1",
            "name": f"s{n}",
            "set": set_name or None,
            "decision": "keep" if outcome == "kept" else "delete",
            "why": "kept" if outcome == "kept" else "no_longer_kept",
            "kept_by": ["keep_last"] if outcome == "kept" else [],
            "outcome": outcome,
            "reason": "forbidden" if msg else None,
            "msg": msg,
        }
        for n, (outcome, set_name, cluster, msg) in enumerate(rows, 1)
    ]
    outcomes = ("kept", "deleted", "failed", "not_tried")
    deleted = [
        (set_name, cluster) for outcome, set_name, cluster, _msg in rows if outcome == "deleted"
    ]
    summary = {
        "seen": len(rows),
        "by_why": dict(Counter(row["why"] for row in snapshots)),
        "by_rule": {"keep_last": counts["kept"]} if counts["kept"] else {},
        "sets": len({set_name for set_name, _cluster in deleted} - {""}),
        **{outcome: counts[outcome] for outcome in outcomes},
    }
    by_cluster = Counter(cluster for _set_name, cluster in deleted)
    clusters = {
        cluster: {"reachable": True, "counts": {"deleted": number}}
        for cluster, number in by_cluster.items()
    }
    result = {"check_mode": check_mode, "snapshots": snapshots, "summary": summary}
    return {**result, "clusters": clusters}


def test_in_words_counts_the_vms_of_a_set() -> None:
    result = of_set(("created", "", ""), ("created", "", ""), ("not_tried", "", ""))
    assert in_words(result) == ["3 VMs: 2 created, 1 not tried"]
    assert in_words(of_set(("fresh", "", ""))) == ["1 VM: 1 fresh"]
    assert in_words(of_set()) == ["0 VMs: nothing to do"]


def test_in_words_says_what_a_check_predicts() -> None:
    result = of_set(
        ("created", "", ""), ("deleted", "", ""), ("unchanged", "", ""), check_mode=True
    )
    assert in_words(result) == ["3 VMs: 1 would be created, 1 would be deleted, 1 unchanged"]


def test_in_words_counts_blocked_and_failed_vms_once_and_groups_them_by_reason() -> None:
    result = of_set(
        ("failed", "wait_timeout", "not ready after 600 s"),
        ("blocked", "not_snapshottable", "no volume of VM vm2"),
        ("created", "", ""),
        ("blocked", "not_snapshottable", "no volume of VM vm4"),
    )
    assert in_words(result) == [
        "4 VMs: 1 created, 2 blocked, 1 failed",
        "not_snapshottable: 2 VMs (c/vms/vm2, c/vms/vm4): for example: no volume of VM vm2",
        "wait_timeout: 1 VM (c/vms/vm1): not ready after 600 s",
    ]


def test_in_words_names_a_few_of_many() -> None:
    result = of_set(*[("failed", "forbidden", "no permission")] * 7)
    assert in_words(result)[1] == (
        "forbidden: 7 VMs (c/vms/vm1, c/vms/vm2, c/vms/vm3, c/vms/vm4, c/vms/vm5 and 2 more): "
        "no permission"
    )


def test_in_words_counts_what_the_retention_did_beyond_the_rows_of_its_result() -> None:
    result = of_retention(*[("deleted", "nightly", "c1", "")] * 9)
    result["snapshots"] = result["snapshots"][:2]
    assert in_words(result) == ["retention: deleted 9 snapshots in 1 set of 1 cluster, kept 0"]


def test_in_words_names_causes_of_vms_that_have_no_row() -> None:
    result = of_set(("failed", "forbidden", "no permission"), total=3, failed=3)
    place = {"set": "s", "cluster": "c", "cluster_uid": "u", "namespace": "vms"}
    alike = {"outcome": "failed", "reason": "forbidden", "ready_to_use": False}
    result["left_out"] = [{**place, **alike, "vm_names": ["vm2", "vm3"]}]
    assert in_words(result) == [
        "3 VMs: 3 failed",
        "forbidden: 3 VMs (c/vms/vm1, c/vms/vm2, c/vms/vm3): no permission",
    ]


def test_in_words_counts_all_vms_where_a_failing_result_has_only_those_that_failed() -> None:
    result = of_set(("failed", "forbidden", "no permission"), total=1000, created=999)
    assert in_words(result)[0] == "1000 VMs: 999 created, 1 failed"


def test_in_words_counts_what_the_retention_did_in_sets_and_clusters() -> None:
    result = of_retention(
        ("deleted", "nightly", "c1", ""),
        ("deleted", "nightly", "c2", ""),
        ("deleted", "weekly", "c2", ""),
        ("kept", "nightly", "c3", ""),
    )
    assert in_words(result) == [
        "retention: deleted 3 snapshots in 2 sets of 2 clusters, kept 1",
        "what stays: 1 kept by keep_last",
    ]
    predicted = of_retention(("deleted", "nightly", "c1", ""), check_mode=True)
    assert in_words(predicted) == [
        "retention: would delete 1 snapshot in 1 set of 1 cluster, would keep 0"
    ]
    assert in_words(of_retention(("deleted", "", "c1", ""))) == [
        "retention: deleted 1 snapshot of 1 cluster, kept 0"
    ]


def test_in_words_says_why_a_retention_deleted_nothing() -> None:
    assert in_words(of_retention()) == [
        "retention: deleted 0 snapshots, kept 0",
        "nothing to delete: no snapshot was found",
    ]
    result = of_retention(*[("kept", "a", "c1", "")] * 9)
    others = dict.fromkeys(("not_ours", "scheduled_by_palette", "no_rule"), 1)
    reasons = {"newest_usable": 2, "kept": 4, **others}
    result["summary"].update(by_why=reasons, by_rule={"keep_last": 4, "keep_daily": 1})
    # The result may lack rows.
    result["snapshots"] = result["snapshots"][:1]
    assert in_words(result) == [
        "retention: deleted 0 snapshots, kept 9",
        (
            "nothing to delete: 4 kept by keep_daily (1) and keep_last (4), some by several, "
            "2 the newest usable of its VM and set (stays under any rule), 1 not taken by this "
            "collection, 1 of Palette's scheduler, 1 that no rule is for"
        ),
    ]
    deleted = of_retention(("kept", "a", "c1", ""), ("deleted", "a", "c1", ""))
    assert not any(text.startswith("nothing to delete") for text in in_words(deleted))


@pytest.mark.parametrize("why", KEPT)
def test_in_words_has_words_for_all_that_is_kept(why: str) -> None:
    result = of_retention(("kept", "a", "c1", ""))
    result["summary"]["by_why"] = {why: 1}
    assert in_words(result)[1].startswith("nothing to delete: 1 ")
    assert "_" not in in_words(result)[1].replace("keep_last", "")


def test_in_words_says_that_there_is_no_rule() -> None:
    result = {**of_retention(("deleted", "a", "c1", "")), "rules": {}}
    assert in_words(result)[1] == (
        "no rule was given, such as keep_last: only failed and expired snapshots are deleted"
    )
    assert len(in_words({**result, "rules": {"keep_last": 1}})) == 1


def test_in_words_names_what_found_nothing() -> None:
    misses = [
        {"option": "namespaces", "value": "prdo", "nearest": ["prod"]},
        {"option": "vm_names", "value": "x*", "nearest": []},
        *[{"option": "exclude", "value": f"e{n}", "nearest": []} for n in range(7)],
    ]
    listed = {"summary": {"total": 0, "blocked": 0, "without_snapshot": 0}}
    for result in (of_set(("fresh", "", "")), of_retention(("deleted", "", "c", "")), listed):
        assert in_words({**result, "unmatched": []}) == in_words(result)
        assert in_words({**result, "unmatched": misses})[1:3] == [
            "nothing was found for namespaces prdo (nearest: prod), vm_names x*",
            f"nothing is excluded by {', '.join(f'exclude e{n}' for n in range(5))} and 2 more",
        ]


def test_in_words_tells_no_name_from_a_mistake_where_a_cluster_was_not_reached() -> None:
    misses: list[dict[str, Any]] = [
        {"option": option, "value": "x", "nearest": []} for option in ("vm_names", "exclude")
    ]
    down = {"reachable": False, "reason": "unavailable", "message": "", "counts": {}}
    result = {**of_set(("fresh", "", "")), "clusters": {"c2": down}, "unmatched": misses}
    assert in_words(result)[2:] == [
        "nothing was found in the clusters that were reached for vm_names x",
        "nothing in the clusters that were reached is excluded by exclude x",
    ]


def test_in_words_names_the_snapshots_that_could_not_be_deleted() -> None:
    result = of_retention(("failed", "a", "c1", "no permission"), ("not_tried", "a", "c1", ""))
    assert in_words(result) == [
        "retention: deleted 0 snapshots, kept 0, 1 could not be deleted, 1 not tried",
        "forbidden: 1 snapshot (c1/vms/s1): no permission",
    ]


def test_in_words_counts_listed_snapshots_so_that_they_add_up() -> None:
    counts = {"total": 9, "vms": 1, "ready": 5, "not_ready": 2, "in_progress": 1, "failed": 1}
    assert in_words({"summary": {**counts, "deleting": 1}}) == [
        "9 snapshots of 1 VM: 5 ready, 2 not ready, 1 in progress, 1 failed; 1 being deleted"
    ]
    none = {"total": 0, "vms": 0, "ready": 0, "not_ready": 0, "in_progress": 0, "failed": 0}
    assert in_words({"summary": {**none, "deleting": 0}}) == ["0 snapshots of 0 VMs"]


def test_in_words_counts_listed_vms() -> None:
    assert in_words({"summary": {"total": 2, "blocked": 0, "without_snapshot": 0}}) == ["2 VMs"]
    assert in_words({"summary": {"total": 3, "blocked": 1, "without_snapshot": 2}}) == [
        "3 VMs: 1 cannot be snapshotted now, 2 without a usable snapshot"
    ]


def test_in_words_counts_the_vms_that_were_brought_back() -> None:
    (member,) = of_set(("failed", "wait_timeout", "not in time"))["members"].values()
    members = {"c/vms/db1": {**member, "snapshot": "db1-s"}}
    result = {"members": members, "summary": {"total": 2, "restored": 1, "failed": 1}}
    assert in_words(result) == [
        "2 VMs: 1 restored, 1 failed",
        "wait_timeout: 1 VM (c/vms/db1): not in time",
    ]
    predicted = {"members": {}, "summary": {"total": 1, "restored": 1}, "check_mode": True}
    assert in_words(predicted) == ["1 VM: 1 would be restored"]


def test_in_words_counts_the_vms_of_power_calls() -> None:
    counts = {"total": 3, "started": 0, "stopped": 1, "unchanged": 1, "blocked": 1}
    place = {"cluster": "c", "cluster_uid": "u", "namespace": "vms"}
    states = {"before": "Stopped", "after": "Stopped", "outcome": "blocked", "changed": False}
    why = {**place, **states, "reason": "not_running"}
    result = {"vms": [{**why, "vm_name": "db1", "msg": "it is off"}], "check_mode": False}
    assert in_words({**result, "summary": counts}) == [
        "3 VMs: 1 stopped, 1 unchanged, 1 blocked",
        "not_running: 1 VM (c/vms/db1): it is off",
    ]
    # Those beyond the rows of the result, too.
    result["left_out"] = [{**why, "vm_names": ["db2"]}]
    assert in_words({**result, "summary": counts})[1:] == [
        "not_running: 2 VMs (c/vms/db1, c/vms/db2): it is off"
    ]


def test_in_words_says_why_listed_vms_cannot_be_snapshotted() -> None:
    result: dict[str, Any] = {"summary": {"total": 2, "blocked": 1, "without_snapshot": 0}}
    vm = {"cluster": "c", "namespace": "vms", "vm_name": "db1", "blocked_by": None}
    why = {"blocked_by": "not_snapshottable", "blocked_msg": "no volume"}
    result["vms"] = [vm, {**vm, "vm_name": "db2", **why}]
    counts, cause = in_words(result)
    assert counts == "2 VMs: 1 cannot be snapshotted now"
    assert cause == "not_snapshottable: 1 VM (c/vms/db2): no volume"
    assert in_words({**result, "vms": [{"vm_name": "db2", **why}]}) == [counts]


@pytest.mark.parametrize(("to_come", "text"), [(1, "the new one"), (3, "the 3 new ones")])
def test_in_words_counts_the_snapshots_that_a_check_predicts(to_come: int, text: str) -> None:
    result = of_retention(("deleted", "nightly", "c1", ""), check_mode=True)
    result["summary"]["to_come"] = to_come
    assert in_words(result)[0].endswith(f"would keep 0 and {text}")


def test_in_words_says_of_all_that_stays_why_so_that_it_adds_up() -> None:
    result = of_retention(*[("kept", "a", "c1", "")] * 5, ("deleted", "a", "c1", ""))
    result["summary"].update(by_why={"newest_usable": 2, "kept": 3, "no_longer_kept": 1})
    assert in_words(result)[1] == (
        "what stays: 3 kept by keep_last, 2 the newest usable of its VM and set (stays under any "
        "rule)"
    )


def test_in_words_says_once_why_clusters_were_not_reached() -> None:
    silent = {"reachable": False, "reason": "unavailable", "message": "HTTP 503"}
    result = of_set(("fresh", "", ""))
    clusters = {"c1": {"reachable": True, "reason": None, "message": ""}, "c2": silent}
    assert in_words({**result, "clusters": clusters})[1] == (
        "not reached: 1 of 2 clusters: c2 (unavailable): HTTP 503"
    )
    clusters["c1"] = {**silent, "message": "HTTP 500"}
    assert in_words({**result, "clusters": clusters})[1].endswith(": for example: HTTP 500")
    failed = {"failed": True, "msg": "HTTP 503", "clusters": {"c2": silent}}
    assert in_words(failed)[1] == "not reached: 1 of 1 cluster: c2 (unavailable)"


def test_in_words_repeats_why_a_task_failed_before_all() -> None:
    assert in_words({"failed": True, "msg": "cluster 'x' not found"}) == ["cluster 'x' not found"]


def test_in_words_names_the_variables_of_the_role_where_it_is_asked_to() -> None:
    miss = {"option": "vm_names", "value": "dbl", "nearest": []}
    result = {
        **of_set(("blocked", "wait_timeout", "not in time (wait_timeout)")),
        "unmatched": [miss],
    }
    assert in_words(result, variables=True)[1:] == [
        "nothing was found for vm_snapshot_vm_names dbl",
        "wait_timeout: 1 VM (c/vms/vm1): not in time (vm_snapshot_wait_timeout)",
    ]
    failed = {"msg": "set: must be text"}
    assert in_words(failed, variables=True) == ["vm_snapshot_set: must be text"]
    assert in_words(failed) == ["set: must be text"]


def test_in_words_ends_no_sentence_so_that_they_can_be_joined() -> None:
    assert in_words({"failed": True, "msg": "Not today. "}) == ["Not today"]
    words = in_words(of_set(("failed", "rejected", "denied by a webhook.")))
    assert words[1] == "rejected: 1 VM (c/vms/vm1): denied by a webhook"


def test_in_words_takes_only_a_result() -> None:
    with pytest.raises(AnsibleFilterError, match="not a list"):
        in_words([])


def test_in_words_says_nothing_that_steers_a_terminal() -> None:
    failed = {"msg": "no\x1b[2J\u202e", "clusters": {"c\x9b1": {"reachable": False, "reason": "x"}}}
    assert in_words(failed) == ["no[2J", "not reached: 1 of 1 cluster: c1 (x)"]
