# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs as hosts: their variables and names, and what outlasts a cluster that is out of reach."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.spectrocloud.palette.plugins.plugin_utils.hosts import (
    Known,
    cached,
    completed,
    default_name,
    outlasting,
    read,
    remembered,
    safe_name,
    untrusted,
    variables_of,
)
from unit.builders import NOW

try:
    from ansible.template import is_trusted_as_template as is_trusted
except ImportError:  # before ansible-core 2.19
    is_trusted = None

OPTIONS = {"project": "Default", "vm_names": ["db*"], "api_key": "sesame", "retries": 5}
SICK = {"uid": "u2", "reachable": False, "reason": "unavailable", "message": "HTTP 503"}
WELL = {"uid": "u1", "reachable": True, "reason": None, "message": ""}
LOST = {"cluster": "two", "cluster_uid": "u2", "reason": "unavailable", "message": "HTTP 503"}


def row(vm_name: str = "db1", cluster: str = "one", **more: Any) -> dict[str, Any]:
    """Return a VM as vm_info shows it, as far as it matters here."""
    uid = {"one": "u1", "two": "u2"}.get(cluster, cluster)
    place = {"cluster": cluster, "cluster_uid": uid, "namespace": "vms", "vm_name": vm_name}
    return {**place, "addresses": [], "newest_snapshot": None, "newest_unusable": None, **more}


def known(*rows: dict[str, Any], stale: bool = False) -> Known:
    return Known([{**each, "stale": stale} for each in rows])


def test_variables_are_the_row_with_a_prefix() -> None:
    given = row(labels={"app": "db"}, running=True, stale=False)
    assert variables_of(given, NOW) == {
        **{f"palette_{key}": value for key, value in given.items()},
        "palette_vm": {
            "vm_name": "db1",
            "namespace": "vms",
            "cluster": "one",
            "cluster_uid": "u1",
        },
    }


def test_vm_of_a_cluster_called_by_its_uid_is_named_by_the_uid() -> None:
    named = {"vm_name": "db1", "namespace": "vms", "cluster_uid": "u9"}
    assert variables_of(row(cluster="u9"), NOW)["palette_vm"] == named


def test_ansible_host_is_the_first_address() -> None:
    addresses = ["192.0.2.11", "2001:db8::11"]
    assert variables_of(row(addresses=addresses), NOW)["ansible_host"] == "192.0.2.11"
    assert "ansible_host" not in variables_of(row(), NOW)


@pytest.mark.parametrize(
    ("taken", "age"),
    [("2026-11-23T11:00:00Z", 3600), ("2026-11-23T13:00:00Z", 0), (None, 5)],
)
def test_age_of_a_snapshot_is_that_of_now_and_not_of_the_cache(taken: str | None, age: int) -> None:
    snapshot = {"name": "s", "creation_time": taken, "age_seconds": 5}
    for key in ("newest_snapshot", "newest_unusable"):
        newest = variables_of({**row(), key: snapshot}, NOW)[f"palette_{key}"]
        assert newest == {**snapshot, "age_seconds": age}


@pytest.mark.parametrize("text", ["{{ 1 + 1 }}", "{% if true %}", "{# a #}"])
def test_untrusted_text_is_marked_wherever_it_is(text: str) -> None:
    marked = untrusted({"a": [text, (text,)], text: 7, "plain": "text"})
    assert marked == {"a": [text, [text]], text: 7, "plain": "text"}
    for each in (marked["a"][0], marked["a"][1][0], next(k for k in marked if k == text)):
        assert is_untrusted(each)
    assert marked["plain"].__class__ is str


def is_untrusted(text: str) -> bool:
    """Say whether an ansible-core takes a text for no template."""
    return hasattr(text, "__UNSAFE__") if is_trusted is None else not is_trusted(text)


def test_names_need_no_other_vm() -> None:
    assert default_name(row()) == "db1.vms.one"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("db1.vms.vm-cluster-1", "db1.vms.vm-cluster-1"),
        ("one/vms/db1", "one/vms/db1"),
        (" db1 ", "db1"),
        ("db1.{{ 7 }}:22,[a]", "db1.___7____22__a_"),
        ("db1\x1b[31m\n", "db1__31m"),
        ("dbé", "db_"),
    ],
)
def test_names_have_only_characters_without_a_meaning(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_hosts_of_a_cluster_out_of_reach_are_kept_as_last_known() -> None:
    result = {"vms": [row("db1")], "clusters": {"one": WELL, "two": SICK}}
    last = known(row("db0"), row("edge1", "two"), row("far1", "three"))
    now = completed(read(result), last)
    assert [(each["vm_name"], each["stale"]) for each in now.vms] == [
        ("db1", False),
        ("edge1", True),
    ]
    assert now.unreachable == [LOST]
    assert now.told == (
        "clusters that could not be reached: two (unavailable); 1 of their hosts are as they were "
        "last known (palette_stale: true)"
    )


def test_without_a_cache_the_hosts_of_a_cluster_out_of_reach_are_missing() -> None:
    now = completed(read({"vms": [row()], "clusters": {"two": SICK}}), None)
    assert [each["vm_name"] for each in now.vms] == ["db1"]
    assert now.told.endswith(": two (unavailable); their hosts are not in the inventory")


def test_nothing_is_told_where_all_is_well() -> None:
    assert completed(read({"vms": [row()], "clusters": {"one": WELL}}), known(row())).told == ""


def test_hosts_outlast_all_clusters_out_of_reach_whatever_the_reason() -> None:
    failure = {"reason": "forbidden", "msg": "no", "clusters": {"two": SICK}}
    kept = outlasting(failure, known(row(cluster="two")))
    assert kept is not None
    assert [each["stale"] for each in kept.vms] == [True]
    assert kept.unreachable == [LOST]


def test_hosts_outlast_a_palette_out_of_reach() -> None:
    last = known(row("db1"), row("db2"), row("edge1", "two"))
    kept = outlasting({"reason": "unreachable", "msg": "no route"}, last)
    assert kept is not None
    assert [each["stale"] for each in kept.vms] == [True] * 3
    why = {"reason": "unreachable", "message": "no route"}
    assert kept.unreachable == [
        {"cluster": "one", "cluster_uid": "u1", **why},
        {"cluster": "two", "cluster_uid": "u2", **why},
    ]


@pytest.mark.parametrize("reason", ["unauthorized", "invalid_parameters", "not_found"])
def test_hosts_do_not_outlast_a_mistake(reason: str) -> None:
    assert outlasting({"reason": reason, "msg": "no"}, known(row())) is None


@pytest.mark.parametrize("last", [None, known()])
def test_nothing_outlasts_where_nothing_was_known(last: Known | None) -> None:
    assert outlasting({"reason": "unreachable", "msg": "no"}, last) is None


def test_cache_counts_for_what_was_asked_and_holds_no_key() -> None:
    kept = known(row())._replace(unreachable=[LOST])
    text = json.dumps(cached(kept, OPTIONS))
    content = json.loads(text)
    assert remembered(content, {**OPTIONS, "api_key": "another"}) == kept
    assert remembered(content, {**OPTIONS, "vm_names": ["web*"]}) is None
    assert "sesame" not in text


@pytest.mark.parametrize("content", [None, [], {}, {"vms": []}])
def test_what_is_no_cache_of_ours_is_not_remembered(content: object) -> None:
    assert remembered(content, OPTIONS) is None
