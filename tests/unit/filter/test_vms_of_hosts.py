# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters vms_of_hosts, hosts_without and hosts_apart, as Ansible finds them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.spectrocloud.palette.plugins.filter.hosts_apart import (
    FilterModule as Apart,
)
from ansible_collections.spectrocloud.palette.plugins.filter.hosts_without import (
    FilterModule as Without,
)
from ansible_collections.spectrocloud.palette.plugins.filter.vms_of_hosts import FilterModule
from ansible_collections.spectrocloud.palette.plugins.modules import vm_info
from ansible_collections.spectrocloud.palette.plugins.plugin_utils.role_variables import FACTS

vms_of_hosts = FilterModule().filters()["vms_of_hosts"]
hosts_apart = Apart().filters()["hosts_apart"]
hosts_without = Without().filters()["hosts_without"]

OTHER_NAME = (
    "if its VM has another name than the host, or is elsewhere, set its host variable "
    "palette_vm_name, palette_namespace or palette_cluster"
)
PLACE = {"palette_namespace": "vms", "palette_cluster": "c1"}
DB1 = {"vm_name": "db1", "namespace": "vms", "cluster": "c1"}


def entry(host: str = "db1", play: Any = None, **variables: Any) -> Any:
    """Return the VM of a host with these variables."""
    found = vms_of_hosts([host], {host: variables}, play=play)
    assert found["problems"] == []
    return found["vms"][host]


def test_a_host_is_the_vm_that_its_variables_name() -> None:
    assert entry("one.example.com", palette_vm_name="db1", **PLACE) == DB1
    assert entry("db1", **PLACE) == DB1


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"vm_snapshot_cluster": "c1"}, {"cluster": "c1"}),
        ({"vm_snapshot_cluster_uid": "u1"}, {"cluster_uid": "u1"}),
        ({"palette_cluster": "c1", "vm_snapshot_cluster": "c2"}, {"cluster": "c1"}),
        ({"palette_cluster": "c1", "vm_snapshot_cluster_uid": "u2"}, {"cluster": "c1"}),
        ({}, {"cluster": "c9"}),
        ({"vm_snapshot_cluster": ""}, None),
    ],
)
def test_a_host_s_own_cluster_goes_before_that_of_the_play(
    variables: dict[str, str], place: dict[str, str] | None
) -> None:
    found = vms_of_hosts(
        ["db1"], {"db1": {"palette_namespace": "vms", **variables}}, play={"cluster": "c9"}
    )
    if place is None:
        assert found["problems"][0].startswith("no cluster is known of db1: ")
    else:
        assert found["vms"]["db1"] == {"vm_name": "db1", "namespace": "vms", **place}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({"vm_name": "db1", "namespace": "vms", "cluster": "c1"}, DB1),
        # As the inventory sets it.
        ({**DB1, "cluster_uid": "u1"}, {**DB1, "cluster_uid": "u1"}),
        # As it sets it where clusters have the same name, or are named by their uids.
        (
            {"vm_name": "db1", "namespace": "vms", "cluster_uid": "u1"},
            {"vm_name": "db1", "namespace": "vms", "cluster_uid": "u1"},
        ),
        ({"vm_name": "db1"}, {"vm_name": "db1", "namespace": "ns9", "cluster": "c9"}),
        ({"cluster_uid": "u1"}, {"vm_name": "vm9", "namespace": "ns9", "cluster_uid": "u1"}),
    ],
)
def test_palette_vm_goes_before_all_else(own: dict[str, str], expected: dict[str, str]) -> None:
    others = {
        "palette_vm_name": "vm9",
        "palette_namespace": "ns9",
        "palette_cluster": "c9",
        "vm_snapshot_cluster": "c8",
    }
    assert entry("h1", palette_vm=own, **others) == expected


def test_palette_vm_that_is_no_dictionary_is_a_problem() -> None:
    found = vms_of_hosts(["db1"], {"db1": {"palette_vm": "db1", **PLACE}})
    assert found["problems"] == [
        (
            "palette_vm of db1 is not a dictionary: set it to one such as {vm_name: db1, "
            "namespace: vms, cluster: vm-cluster-1}"
        )
    ]


def test_what_the_first_host_has_for_itself_is_not_taken_for_that_of_others() -> None:
    hostvars = {
        "db1": {"vm_snapshot_namespace": "prod", "palette_cluster": "c1"},
        "web1": {"palette_cluster": "c1"},
    }
    # In a play, a variable of its first host looks like one of the play.
    found = vms_of_hosts(["db1", "web1"], hostvars, play={"namespace": "prod"})
    assert found["problems"] == [
        (
            "no namespace is known of web1: set the host variable palette_namespace, or "
            "vm_snapshot_namespace for all"
        )
    ]


def test_homeless_hosts_are_named_but_not_all_of_many() -> None:
    hosts = [f"h{number}" for number in range(8)]
    problems = vms_of_hosts(hosts, {host: {} for host in hosts})["problems"]
    assert [text.split(":")[0] for text in problems] == [
        "no namespace is known of h0, h1, h2, h3, h4 and 3 more",
        "no cluster is known of h0, h1, h2, h3, h4 and 3 more",
    ]


def test_a_variable_that_differs_from_host_to_host_is_a_problem() -> None:
    hostvars = {
        "db1": {**PLACE, "vm_snapshot_expire_after": "7d"},
        "web1": {**PLACE, "vm_snapshot_expire_after": "14d"},
    }
    # Only the host that worked for all has the facts of an earlier run.
    hostvars["db1"] |= dict.fromkeys(FACTS, "told")
    assert vms_of_hosts(["db1", "web1"], hostvars)["problems"] == [
        (
            "vm_snapshot_expire_after differs from host to host: set it for all, or limit the play "
            "to some"
        )
    ]


TWINS = "set palette_vm_name of each or, if they are one machine, leave all but one of them out"


@pytest.mark.parametrize(
    ("hostvars", "told"),
    [
        ({"a": {"palette_vm_name": "db1"}, "db1": {}}, "a, db1 are the same VM"),
        # The inventory knows more than people write.
        ({"a": {"palette_vm": {**DB1, "cluster_uid": "u1"}}, "db1": {}}, "a, db1 are the same VM"),
        ({host: {"palette_vm_name": "db1"} for host in "abc"}, "a, b, c are the same VM"),
        ({"a": {"palette_vm_name": "db1", "palette_namespace": "prod"}, "db1": {}}, None),
        ({"a": {"palette_vm_name": "db1", "palette_cluster": "c2"}, "db1": {}}, None),
        ({uid: {"palette_vm": {**DB1, "cluster_uid": uid}} for uid in ("u1", "u2")}, None),
    ],
)
def test_hosts_that_are_the_same_vm_are_a_problem(
    hostvars: dict[str, dict[str, Any]], told: str | None
) -> None:
    found = vms_of_hosts(list(hostvars), {host: {**PLACE, **own} for host, own in hostvars.items()})
    assert found["problems"] == found["same_vm"]
    if told is None:
        assert found["problems"] == []
    else:
        (text,) = found["problems"]
        assert text.startswith(told)
        assert text.endswith(f"VM, db1 in namespace vms of c1: {TWINS} of the play")


def test_hosts_that_are_the_same_vm_are_not_all_named() -> None:
    hosts = [(f"{copy}{number}", f"db{number}") for number in range(9) for copy in "ab"]
    hostvars = {host: {**PLACE, "palette_vm_name": vm_name} for host, vm_name in hosts}
    (text,) = vms_of_hosts(list(hostvars), hostvars)["problems"]
    assert text.count("are the same VM, db") == 5
    assert f"; and 4 more: {TWINS}" in text


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("palette_namspace", "prod", "palette_namespace"),
        ("palette_vm_nmae", "db1", "palette_vm_name"),
        ("palette_VM_name", "db1", "palette_vm_name"),
        ("palette_cluser", "c1", "palette_cluster"),
        # A list of several is no misspelt name of one.
        ("palette_clusters", ["c1"], None),
        ("palette_owner", "dba", None),
    ],
)
def test_a_misspelt_variable_of_a_host_is_a_problem(
    name: str, value: Any, meant: str | None
) -> None:
    problems = vms_of_hosts(["db1"], {"db1": {**PLACE, name: value}})["problems"]
    assert problems == ([f"{name} of db1 is not known (nearest: {meant})"] if meant else [])


def test_no_variable_of_the_inventory_is_a_misspelt_one() -> None:
    keys = yaml.safe_load(vm_info.RETURN)["vms"]["contains"]
    own = {f"palette_{key}": "text" for key in (*keys, "stale", "unreachable_clusters")}
    assert vms_of_hosts(["db1"], {"db1": own})["problems"] == []


def row(vm_name: str, outcome: str, reason: str | None = None, msg: str = "") -> dict[str, Any]:
    place = {"cluster": "c1", "cluster_uid": "u1", "namespace": "vms", "vm_name": vm_name}
    return {**place, "outcome": outcome, "reason": reason, "msg": msg}


def test_hosts_without_are_those_whose_snapshot_failed_or_of_which_nothing_is_known() -> None:
    vms = {f"h{name}": {**DB1, "vm_name": name} for name in "abcde"}
    rows = [
        row("a", "created"),
        row("b", "failed", "forbidden", "no permission"),
        row("c", "blocked", "not_found"),
        row("d", "not_tried"),
    ]
    assert hosts_without(list(vms), vms, rows, "stopped") == {
        "hb": "forbidden: no permission",
        "hc": f"not_found: {OTHER_NAME}",
        "hd": "stopped",
        "he": "stopped",
    }
    assert hosts_without(["he"], {}, rows) == {"he": "no snapshot was taken"}


def test_hosts_without_tells_clusters_of_the_same_name_apart_by_their_uids() -> None:
    place = {"vm_name": "a", "namespace": "vms", "cluster": "c1"}
    vms = {"mine": {**place, "cluster_uid": "u1"}, "theirs": {**place, "cluster_uid": "u2"}}
    rows = [row("a", "fresh"), {**row("a", "failed", "forbidden"), "cluster_uid": "u2"}]
    for order in (rows, rows[::-1]):
        assert hosts_without(["mine", "theirs"], vms, order) == {"theirs": "forbidden"}


def test_hosts_without_knows_a_cluster_by_its_uid_too() -> None:
    by_uid = {"h": {"vm_name": "a", "namespace": "vms", "cluster_uid": "u1"}}
    assert hosts_without(["h"], by_uid, [row("a", "fresh")]) == {}
    elsewhere = {"h": {"vm_name": "a", "namespace": "vms", "cluster": "c2"}}
    assert list(hosts_without(["h"], elsewhere, [row("a", "fresh")])) == ["h"]


def test_hosts_without_compares_what_is_known_of_where_a_vm_is() -> None:
    vms = {"a": {"vm_name": "a"}, "b": {"vm_name": "b", "namespace": "prod"}}
    rows = [row("a", "created"), row("b", "created")]
    assert hosts_without(["a", "b"], vms, rows) == {"b": "no snapshot was taken"}
    # Of two that could be meant, the one without a snapshot counts.
    rows += [{**row("a", "blocked", "forbidden"), "namespace": "prod"}]
    assert hosts_without(["a"], vms, rows) == {"a": "forbidden"}


def test_hosts_are_without_until_their_snapshots_are_ready_if_that_is_asked_for() -> None:
    vms = {"a": {"vm_name": "a"}, "b": {"vm_name": "b"}}
    rows = [
        {**row("a", "created"), "ready_to_use": True},
        {**row("b", "created"), "ready_to_use": False},
    ]
    assert hosts_without(vms, vms, rows, ready=True) == {"b": "the snapshot is not ready to use"}


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (["db1", "vms/orders"], []),
        ("vm-cluster-1/vms/db1@before\norders,", []),
        # Another VM that nobody reaches as a host, and hosts that are no VMs at all.
        (["db1", {"vm_name": "orders"}, "appliance"], []),
        (["appliance"], []),
        ("db1", ["web.example.com: hosts of the play"]),
        (["db1", "orders", "db2"], ["db2: in vm_snapshot_vms, but as hosts not in this play"]),
    ],
)
def test_hosts_and_listed_vms_that_do_not_belong_together_are_told(
    listed: Any, told: list[str]
) -> None:
    vms = {"db1": {"vm_name": "db1"}, "web.example.com": {"vm_name": "orders"}}
    found = hosts_apart(list(vms), vms, listed, [*vms, "db2"])
    assert len(found) == len(told)
    assert all(map(str.startswith, found, told))
