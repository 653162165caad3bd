# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, run by name with extra vars only, against the simulator."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from checkout import CHECKOUT
from integration.role_user import FAIL, SHOW, SHOW_RETENTION, table, words
from integration.runs import Ansible, Run
from palette_simulator.launch import Simulator

REPORT = "Show the snapshots, newest first"
WRITE = "Write the report to a file"
POWER = "Show the power states"
BACK = "Show the VMs that were restored"
NOT_BACK = "Fail if a VM was not restored"
COVERAGE = "Show the VMs without a recent usable snapshot"
UNCOVERED = "Fail if a VM is without, or if not all that was asked for could be seen"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for all tests."""
    with Simulator.running("test", timing="fast", rate_limits="off") as running:
        yield running


def time_of(text: str) -> float:
    """Return how many seconds ago a time in a file was."""
    then = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    return (datetime.now(timezone.utc) - then).total_seconds()


class Operator:
    """Somebody who runs playbooks by name."""

    def __init__(self, ansible: Ansible, palette: Simulator) -> None:
        self._ansible = ansible
        self.home = ansible.home
        self.palette = palette

    def play(self, playbook: str, /, *arguments: str, **variables: str) -> Run:
        """Run a playbook of the collection, with vm_snapshot_ variables as key=value."""
        extra: list[str] = []
        for variable, value in {"project": "Default", **variables}.items():
            extra += ["-e", f"vm_snapshot_{variable}={value}"]
        return self._ansible.run(
            *("ansible-playbook", f"spectrocloud.palette.{playbook}", *extra, *arguments),
            PALETTE_HOST=self.palette.url,
            PALETTE_API_KEY="demo-key",
        )

    def inventory(self, *hosts: str) -> str:
        """Write an inventory of hosts that cannot be reached, and return its path."""
        path = self.home / "vms.ini"
        path.write_text("".join(f"{host} ansible_host=192.0.2.1\n" for host in hosts))
        return str(path)


@pytest.fixture
def operator(tmp_path: Path, simulator: Simulator) -> Operator:
    """An operator of a Palette that is as its fleet file says."""
    simulator.reset()
    simulator.clear_requests()
    return Operator(Ansible(tmp_path), simulator)


NOT_FIT = "not_snapshottable"


def test_snapshot_shows_each_snapshot(operator: Operator) -> None:
    names = {"cluster": "vm-cluster-1", "namespace": "vms", "set": "patch", "vms": "db1,web1"}
    run = operator.play("snapshot", **names).ok()
    heading, *rows = table(run, SHOW)
    assert heading[:5] == ["CLUSTER", "NAMESPACE", "VM NAME", "NAME", "OUTCOME"]
    assert [row[:-1] for row in rows] == [
        ["vm-cluster-1", "vms", "db1", "db1-patch", "created", "Succeeded", "yes"],
        ["vm-cluster-1", "vms", "web1", "web1-patch", "created", "Succeeded", "yes"],
    ]
    assert words(run, SHOW) == ["2 VMs: 2 created"]
    assert "changed=1 " in run.output
    assert "changed=0 " in operator.play("snapshot", **names).ok().output


def test_snapshot_takes_vms_that_say_their_own_place(operator: Operator) -> None:
    vms = '[{"vm_name": "edge1", "namespace": "vms", "cluster": "vm-cluster-2"}]'
    run = operator.play("snapshot", "-e", f'{{"vm_snapshot_vms": {vms}}}', set="patch").ok()
    assert [row[3] for row in table(run, SHOW)[1:]] == ["edge1-patch"]
    assert words(run, SHOW) == ["1 VM: 1 created"]


@pytest.mark.parametrize(
    ("playbook", "given", "missing"),
    [
        (
            "snapshot",
            {"vms": "db1", "namespace": ""},
            "vm_snapshot_set and vm_snapshot_namespace and vm_snapshot_cluster must be set",
        ),
        ("snapshot", {"cluster": "c", "namespace": "vms", "set": "n"}, "vm_snapshot_vms must be"),
        ("snapshot", {"name": "patch", "vms": "db1"}, "vm_snapshot_name has no effect here"),
        ("snapshot_fleet", {"set": "nightly"}, "no VMs are selected: set "),
        ("snapshot_fleet", {"selector": "app=db"}, "vm_snapshot_set must be set"),
        (
            "snapshot_fleet",
            {"set": "nightly", "selector": "app=db", "unless_newer_than": ""},
            "vm_snapshot_unless_newer_than must be set",
        ),
        ("snapshot_restore", {"set": "patch"}, "no VMs are selected: set "),
        ("vm_power", {"power": "stopped", "namespace": "vms"}, "no VMs are selected: set "),
        ("vm_power", {"vms": "db1", "state": "stopped"}, "no effect here: use vm_snapshot_power; "),
        ("snapshot_guarded_change", {"set": "patch", "vms": "db1"}, "guarded_change_tasks must be"),
    ],
)
def test_missing_variables_are_named_with_a_right_command(
    operator: Operator, playbook: str, given: dict[str, str], missing: str
) -> None:
    run = operator.play(playbook, **given)
    assert run.status != 0
    message = run.of("Check the variables")["msg"]
    assert missing in message
    assert f"ansible-playbook spectrocloud.palette.{playbook} -e vm_snapshot_project=" in message
    assert operator.palette.requests() == []


def test_variables_of_the_inventory_go_before_a_playbook_s_defaults(operator: Operator) -> None:
    inventory = operator.home / "all.ini"
    inventory.write_text("[all:vars]\nvm_snapshot_unless_newer_than=often\n")
    run = operator.play("snapshot_fleet", "-i", str(inventory), set="nightly", selector="app=db")
    assert run.status != 0
    assert "often" in run.output
    assert operator.palette.requests() == []


@pytest.mark.parametrize(
    "playbook",
    ["snapshot", "snapshot_fleet", "snapshot_restore", "snapshot_guarded_change", "vm_power"],
)
def test_two_misspelt_variables_are_told_in_one_text(operator: Operator, playbook: str) -> None:
    # Whether the sentences are joined well is looked at for each run.
    run = operator.play(playbook, clustr="x", selektor="app=db")
    message = run.of("Check the variables")["msg"]
    for near in ("vm_snapshot_cluster", "vm_snapshot_selector"):
        assert f"(nearest: {near})" in message


@pytest.mark.parametrize("playbook", ["snapshot", "snapshot_fleet"])
def test_an_empty_list_of_vms_is_a_failure(operator: Operator, playbook: str) -> None:
    given = {"cluster": "vm-cluster-1", "namespace": "vms", "set": "patch"}
    run = operator.play(playbook, "-e", '{"vm_snapshot_vms": []}', **given)
    assert run.status != 0
    assert operator.palette.requests() == []


def test_fleet_goes_on_without_the_vms_that_are_not_fit(operator: Operator) -> None:
    fleet = {
        "cluster": "vm-cluster-1",
        "set": "nightly",
        "vm_names": "db*,no-volumes,history",
        "keep_last": "2",
    }
    predicted = operator.play("snapshot_fleet", "--check", **fleet, max_failed="1").ok()
    assert [(row[2], row[4], row[5]) for row in table(predicted, SHOW)[1:]] == [
        ("db1", "created", "-"),
        ("db1", "created", "-"),
        ("db2", "created", "-"),
        ("history", "fresh", "-"),
        ("no-volumes", "blocked", NOT_FIT),
    ]
    assert table(predicted, SHOW)[0][4] == "WOULD BE"
    assert words(predicted, SHOW)[0] == "5 VMs: 3 would be created, 1 fresh, 1 blocked"
    run = operator.play("snapshot_fleet", **fleet)
    assert run.status != 0
    assert words(run, SHOW)[0] == "5 VMs: 3 created, 1 fresh, 1 blocked"
    stays = [
        "4 the newest usable of its VM and set (stays under any rule)",
        "1 kept by keep_last",
        "1 not ready yet",
    ]
    assert words(run, SHOW_RETENTION) == [
        "retention: deleted 3 snapshots in 1 set of 1 cluster, kept 6",
        "what stays: " + ", ".join(stays),
    ]
    assert f"{NOT_FIT}: 1 VM (vm-cluster-1/vms/no-volumes): " in run.of(FAIL)["msg"]
    tolerated = operator.play("snapshot_fleet", **fleet, max_failed="1").ok()
    assert words(tolerated, SHOW)[0] == "5 VMs: 4 fresh, 1 blocked"


def test_power_and_restore_show_what_became_of_each_vm(operator: Operator) -> None:
    vms = {"cluster": "vm-cluster-1", "namespace": "vms", "vms": "db1,stopped"}
    operator.play("snapshot", **vms, set="patch").ok()
    predicted = operator.play("vm_power", "--check", **vms, power="stopped").ok()
    run = operator.play("vm_power", **vms, power="stopped").ok()
    (heading, *rows), predicted_rows = table(run, POWER), table(predicted, POWER)
    assert heading == ["CLUSTER", "NAMESPACE", "VM NAME", "BEFORE", "OUTCOME", "AFTER"]
    assert [row[2:] for row in rows] == [
        ["db1", "Running", "stopped", "Stopped"],
        ["stopped", "Stopped", "unchanged", "Stopped"],
    ]
    assert (predicted_rows[0][4], predicted_rows[1:]) == ("WOULD BE", rows)
    assert words(run, POWER) == ["2 VMs: 1 stopped, 1 unchanged"]
    assert "changed=0 " in operator.play("vm_power", **vms, power="stopped").ok().output
    operator.play("vm_power", **vms, power="started").ok()
    refused = operator.play("snapshot_restore", **vms, set="patch")
    assert refused.status != 0
    assert refused.of(NOT_BACK)["msg"].startswith("2 VMs: 2 blocked -- vm_running: 2 VMs (")
    others = "or restore the others: add -e vm_snapshot_on_error=continue"
    assert refused.of(NOT_BACK)["msg"].endswith(f"Correct this and run the same again, {others}")
    back = {**vms, "set": "patch", "stop": "true"}
    predicted = operator.play("snapshot_restore", "--check", **back).ok()
    assert words(predicted, BACK) == ["2 VMs: 2 would be restored"]
    heading, *rows = table(operator.play("snapshot_restore", **back).ok(), BACK)
    assert heading[3:5] == ["SNAPSHOT", "OUTCOME"]
    assert [row[2:5] for row in rows] == [
        ["db1", "db1-patch", "restored"],
        ["stopped", "stopped-patch", "restored"],
    ]


def test_guarded_change_takes_files_from_where_the_user_is(operator: Operator) -> None:
    text = "- name: Say it\n  ansible.builtin.debug:\n    msg: changed\n"
    (operator.home / "snapshot.yml").write_text(text, encoding="utf-8")
    given = {"cluster": "vm-cluster-1", "namespace": "vms", "vms": "db1", "set": "patch"}
    files = ("-e", "guarded_change_tasks=snapshot.yml", "-e", "guarded_change_rollback=true")
    run = operator.play("snapshot_guarded_change", *files, **given).ok()
    assert run.of("Say it")["msg"] == "changed"
    (_heading, row) = run.of("Show what became of each VM")["msg"]
    assert re.split(r"  +", row)[2::2] == ["db1", "changed"]
    wrong = operator.play("snapshot_guarded_change", "-e", "guarded_change_tasks=x", **given)
    assert f"there is no file {operator.home}/x" in wrong.output


def test_report_shows_snapshots_newest_first(operator: Operator) -> None:
    run = operator.play("snapshot_report", cluster="vm-cluster-1", vm_names="history").ok()
    heading, *rows = table(run, REPORT)
    assert heading == [
        *("CLUSTER", "NAMESPACE", "VM NAME", "NAME", "SET", "PHASE", "READY TO USE"),
        *("CREATION TIME", "AGE", "EXPIRES AT", "ERROR"),
    ]
    shown = {row[3]: row for row in rows}
    assert [*shown][::7] == ["history-1h", "history-kept"]
    assert [row[8] for row in rows] == ["1h", "12h", "2d", "3d", "7d", "30d", "60d", "90d"]
    assert shown["history-30d"][9] == "2020-01-01T00:00:00Z"
    assert shown["history-by-hand"][4] == "-"
    assert words(run, REPORT) == ["8 snapshots of 1 VM: 6 ready, 1 not ready, 1 failed"]


def test_report_shows_the_errors_of_snapshots(operator: Operator) -> None:
    place = {"cluster": "vm-cluster-1", "namespace": "vms"}
    operator.play("snapshot", **place, set="patch", vms="freeze-fails", wait="false").ok()
    run = operator.play("snapshot_report", **place, set="patch").ok()
    heading, row = table(run, REPORT)
    assert heading[-1] == "ERROR"
    assert "freeze" in row[-1]


def test_report_filters(operator: Operator) -> None:
    filters = {"namespace": "vms", "set": "nightly", "older_than": "36h", "ready": "yes"}
    run = operator.play("snapshot_report", **filters).ok()
    shown = [row[3] for row in table(run, REPORT)[1:]]
    assert shown == ["made-again-before", "history-2d", "history-7d", "history-30d"]
    others = {"name": "history-*", "snapshot_selector": "owner=someone", "cluster": ""}
    run = operator.play("snapshot_report", **others, selector="app=history").ok()
    assert [row[3] for row in table(run, REPORT)[1:]] == ["history-by-hand"]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_report_writes_a_file_in_each_run(operator: Operator, form: str) -> None:
    dest = operator.home / f"report.{form}"
    given = {"cluster": "vm-cluster-1", "vm_names": "history", "dest": dest.name}
    operator.play("snapshot_report", "--check", **given).ok()
    assert not dest.exists()
    operator.play("snapshot_report", **given).ok()
    text = dest.read_text("utf-8")
    rows = (
        list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)["snapshots"]
    )
    assert [row["name"] for row in rows][::7] == ["history-1h", "history-kept"]
    assert [row["ready_to_use"] in (True, "true") for row in rows].count(True) == 6
    if form == "json":
        assert json.loads(text)["summary"]["not_ready"] == 1
    of_rows = {row["checked_at"] for row in rows} if form == "csv" else None
    assert [time_of(t) < 600 for t in of_rows or [json.loads(text)["checked_at"]]] == [True]


def test_report_refuses_a_file_that_it_cannot_write(operator: Operator) -> None:
    run = operator.play("snapshot_report", dest="report.xlsx")
    assert run.status != 0
    assert "vm_snapshot_dest must end in .html, .csv or .json" in run.output
    run = operator.play("snapshot_coverage", dest="report.html")
    assert run.status != 0
    assert "vm_snapshot_dest must end in .csv or .json" in run.output
    assert "the playbook snapshot_report writes a web page" in run.output
    assert operator.palette.requests() == []


def test_report_writes_a_page(operator: Operator) -> None:
    operator.palette.sicken("vm-cluster-2", "503")
    dest = operator.home / "report.html"
    given = {"set": "nightly", "dest": dest.name, "vm_names": "history,db*", "retries": "0"}
    operator.play("snapshot_report", "--check", **given).ok()
    assert not dest.exists()
    assert operator.play("snapshot_report", **given).ok().of(WRITE)["changed"]
    page = dest.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    shown = [
        "<dt>project</dt><dd>Default</dd>",
        "<dt>set</dt><dd>nightly</dd>",
        "<dt>vm_names</dt><dd>history,db*</dd>",
        "<dt>with a recent usable snapshot (24h)</dt>",
        '<h3 id="clusters">Clusters that could not be reached: 1</h3>',
        "<td>vm-cluster-2</td><td>unavailable</td>",
        "<th scope=row>history<td class=n>",
        "<td>history-failed</td>",
    ]
    assert [text for text in shown if text not in page] == []
    operator.palette.sicken("vm-cluster-1", "503")
    sick = {"cluster": "vm-cluster-1", "retries": "0"}
    assert operator.play("snapshot_report", **sick, dest=dest.name).status != 0
    assert dest.read_text("utf-8") == page


def test_prune_shows_what_it_deleted_and_what_it_would(operator: Operator) -> None:
    rules = {"cluster": "vm-cluster-1", "set": "nightly", "keep_last": "2"}
    predicted = operator.play("snapshot_prune", "--check", **rules).ok()
    run = operator.play("snapshot_prune", **rules).ok()
    heading, *deleted = table(run, SHOW_RETENTION)
    assert {row[3]: row[heading.index("WHY")] for row in deleted} == {
        "history-failed": "failed",
        "history-30d": "expired",
        "history-7d": "no_longer_kept",
    }
    assert {row[0] for row in deleted} == {"vm-cluster-1"}
    would_be, *doomed = table(predicted, SHOW_RETENTION)
    assert (heading[-1], would_be[-1]) == ("OUTCOME", "WOULD BE")
    assert doomed == deleted
    nothing = operator.play("snapshot_prune", **rules).ok()
    assert table(nothing, SHOW_RETENTION) == []
    assert words(nothing, SHOW_RETENTION) == [
        "retention: deleted 0 snapshots, kept 4",
        (
            "nothing to delete: 2 the newest usable of its VM and set (stays under any rule), "
            "1 kept by keep_last, 1 not ready yet"
        ),
    ]


def test_the_last_lines_say_what_found_nothing_and_that_there_is_no_rule(
    operator: Operator,
) -> None:
    missed = {"vm_names": "history,histroy", "exclude": "batchl"}
    texts = [
        "nothing was found for vm_snapshot_vm_names histroy (nearest: history)",
        "nothing is excluded by vm_snapshot_exclude batchl",
    ]
    runs = [
        (operator.play("snapshot_prune", **missed).ok(), SHOW_RETENTION),
        (operator.play("snapshot_report", **missed).ok(), REPORT),
        (operator.play("snapshot_fleet", set="x", **missed), SHOW),
    ]
    for run, task in runs:
        lines = words(run, task)
        assert [text for text in texts if text not in lines] == [], lines
    assert words(runs[0][0], SHOW_RETENTION)[1] == (
        "no rule was given, such as keep_last: only failed and expired snapshots are deleted"
    )


@pytest.mark.parametrize(
    "playbook", ["snapshot_fleet", "snapshot_prune", "snapshot_report", "snapshot_coverage"]
)
def test_a_misspelt_cluster_is_refused(operator: Operator, playbook: str) -> None:
    given = {"set": "x"} if playbook == "snapshot_fleet" else {}
    given.update(clusters="vm-cluster-1,vm-clutser-2", on_error="continue")
    run = operator.play(playbook, **given)
    assert run.status != 0
    assert "cluster 'vm-clutser-2' not found with this API key; nearest: vm-cluster-" in run.output
    paths = [request["path"] for request in operator.palette.requests()]
    assert [path for path in paths if not path.startswith("/v1/dashboard/")] == []


def test_coverage_fails_and_lists_the_vms_without_a_recent_snapshot(operator: Operator) -> None:
    vms = {"cluster": "vm-cluster-1", "vm_names": "history,db2,web1"}
    run = operator.play("snapshot_coverage", **vms)
    assert run.status != 0
    assert [row[2] for row in table(run, COVERAGE)[1:]] == ["db2", "web1"]
    assert run.of(UNCOVERED)["msg"] == (
        "2 of 3 VMs in project Default without a usable snapshot from the last 24h; "
        "vm-cluster-1/vms/db2, vm-cluster-1/vms/web1 -- To take what is missing, run "
        "spectrocloud.palette.snapshot_fleet with the set and the filters of your snapshots. To "
        "see what there is: ansible-playbook spectrocloud.palette.snapshot_report -e "
        """'{"vm_snapshot_project": "Default"}'"""
    )
    in_awx = operator.play("snapshot_coverage", "-e", "awx_job_id=1", **vms)
    assert in_awx.of(UNCOVERED)["msg"].endswith("launch the template Palette report")
    older = operator.play("snapshot_coverage", **vms, newer_than="30m")
    heading, *rows = table(older, COVERAGE)
    assert heading[4:] == ["NEWEST USABLE SNAPSHOT", "SET", "CREATION TIME", "AGE", "WHY"]
    assert [(row[2], row[4], row[7]) for row in rows][1] == ("history", "history-1h", "1h")
    covered = {**vms, "vm_names": "hist*"}
    run = operator.play("snapshot_coverage", "--check", **covered).ok()
    assert words(run, COVERAGE) == [
        "0 of 1 VM in project Default without a usable snapshot from the last 24h"
    ]


def test_coverage_names_the_disks_that_the_newest_snapshot_is_without(operator: Operator) -> None:
    disks = [{"name": name} for name in ("rootdisk", "logs", "later")]
    operator.palette.change_vm("vm-cluster-1", "vms", "history", volumes=disks)
    run = operator.play("snapshot_coverage", cluster="vm-cluster-1", vm_names="history").ok()
    lines = "newest snapshots without all disks: vm-cluster-1/vms/history without logs and later"
    assert lines in run.output


def test_coverage_says_why_each_vm_has_no_recent_snapshot(operator: Operator) -> None:
    place = {"cluster": "vm-cluster-1", "namespace": "vms"}
    operator.play("snapshot", **place, set="patch", vms="fails", failure_deadline="1s")
    names = "busy,db2,deleting,fails,history,made-again"
    given = {**place, "vm_names": names, "newer_than": "30m", "dest": "why.json"}
    run = operator.play("snapshot_coverage", **given)
    heading, *rows = table(run, COVERAGE)
    why = heading.index("WHY")
    assert {row[2]: row[why] for row in rows} == {
        "busy": "in_progress",
        "db2": "never",
        "deleting": "not_ready",
        "fails": "failed",
        "history": "too_old",
        "made-again": "former_vm",
    }
    written = json.loads((operator.home / "why.json").read_text("utf-8"))["uncovered"]
    (message,) = (row["why_msg"] for row in written if row["vm_name"] == "fails")
    (shown,) = (row[heading.index("MESSAGE")] for row in rows if row[2] == "fails")
    assert message == shown
    assert message.startswith("snapshot deadline exceeded; ")


def test_coverage_says_which_vms_cannot_have_a_snapshot(operator: Operator) -> None:
    run = operator.play("snapshot_coverage", cluster="vm-cluster-1", vm_names="db2,no-class")
    heading, *rows = table(run, COVERAGE)
    assert heading[-1] == "BLOCKED BY"
    assert {row[2]: row[-1] for row in rows} == {"db2": "-", "no-class": "not_snapshottable"}
    why = (
        "not_snapshottable: 1 VM (vm-cluster-1/vms/no-class): no volume of VM no-class can be "
        "snapshotted: rootdisk ("
    )
    assert words(run, COVERAGE)[1].startswith(why)
    assert f"; {why}" in run.of(UNCOVERED)["msg"]


def test_coverage_of_nothing_is_no_success(operator: Operator) -> None:
    run = operator.play("snapshot_coverage", vm_names="histry*")
    assert run.status != 0
    assert run.of(UNCOVERED)["msg"] == (
        "no VM was found in project Default; "
        "nothing was found for vm_snapshot_vm_names histry* (nearest: history)"
    )


def test_coverage_of_nothing_says_that_no_project_was_given(operator: Operator) -> None:
    run = operator.play("snapshot_coverage", project="", selector="app=none")
    assert run.status != 0
    assert run.of(UNCOVERED)["msg"].startswith("no VM was found: no project was given, so the ")
    some = operator.play("snapshot_coverage", project="")
    assert "in the tenant's scope" in words(some, COVERAGE)[0]


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        (
            {"vm_names": "history,dbl"},
            "nothing was found for vm_snapshot_vm_names dbl (nearest: db",
        ),
        ({"vm_names": "history,x*"}, "nothing was found for vm_snapshot_vm_names x*"),
        (
            {"vm_names": "history", "namespaces": "vms,vmz"},
            "nothing was found for vm_snapshot_namespaces vmz",
        ),
    ],
)
def test_coverage_fails_if_a_name_matches_nothing(
    operator: Operator, given: dict[str, str], missed: str
) -> None:
    run = operator.play("snapshot_coverage", cluster="vm-cluster-1", **given)
    assert run.status != 0
    counts, text = run.of(UNCOVERED)["msg"].split("; ")
    assert counts.startswith("0 of 1 VM ")
    assert text.startswith(missed)
    excluded = {"vm_names": "history", "exclude": "x*"}
    operator.play("snapshot_coverage", cluster="vm-cluster-1", **excluded).ok()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_coverage_writes_a_file_in_each_run(operator: Operator, form: str) -> None:
    dest = operator.home / f"uncovered.{form}"
    given = {"cluster": "vm-cluster-1", "vm_names": "history,db2,web1", "dest": dest.name}
    given["newer_than"] = "30m"
    operator.play("snapshot_coverage", "--check", **given)
    assert not dest.exists()
    operator.play("snapshot_coverage", **given)
    text = dest.read_text("utf-8")
    found = {} if form == "csv" else json.loads(text)
    rows = found.pop("uncovered", None) or list(csv.DictReader(io.StringIO(text)))
    names = [(row["vm_name"], row["name"] or None) for row in rows]
    assert names == [("db2", None), ("history", "history-1h"), ("web1", None)]
    checked_at = found.pop("checked_at", None) or rows[0]["checked_at"]
    assert time_of(checked_at) < 600
    # A table without rows stays as it is. Only its own time tells that somebody has looked.
    empty = {**given, "newer_than": "24h", "vm_names": "history"}
    for _time in range(2):
        os.utime(dest, (0, 0))
        operator.play("snapshot_coverage", **empty).ok()
        assert dest.stat().st_mtime > 0
    if form == "json":
        assert found.pop("message").startswith("3 of 3 VMs ")
        assert found == {"total": 3, "reason": "uncovered", "not_reached": []}


@pytest.mark.parametrize("form", ["csv", "json"])
def test_coverage_leaves_no_old_file_behind_when_it_sees_nothing(
    operator: Operator, form: str
) -> None:
    dest = operator.home / f"audit.{form}"
    given = {"cluster": "vm-cluster-1", "vm_names": "history", "dest": dest.name}
    operator.play("snapshot_coverage", **given).ok()
    assert dest.exists()
    operator.palette.sicken("vm-cluster-1", "503")
    run = operator.play("snapshot_coverage", **given, retries="0")
    assert run.status != 0
    if form == "csv":
        assert not dest.exists()
        return
    document = json.loads(dest.read_text("utf-8"))
    assert (document["reason"], document["uncovered"]) == ("unavailable", [])
    assert "HTTP 503" in document["message"]


def test_coverage_names_sick_clusters_and_fails(operator: Operator) -> None:
    operator.palette.sicken("vm-cluster-2", "503")
    given = {"vm_names": "history,db1-c2", "dest": "audit.json", "retries": "0"}
    run = operator.play("snapshot_coverage", **given)
    assert run.status != 0
    counts = "0 of 1 VM in project Default without a usable snapshot from the last 24h"
    told, cause, missed = words(run, COVERAGE)
    assert told == counts
    assert missed == (
        "nothing was found in the clusters that were reached for vm_snapshot_vm_names db1-c2"
    )
    assert cause.startswith("not reached: 1 of 5 clusters: vm-cluster-2 (unavailable): GET ")
    assert "HTTP 503" in cause
    assert run.of(UNCOVERED)["msg"] == f"{counts}; {cause}; {missed}"
    found = json.loads((operator.home / "audit.json").read_text("utf-8"))
    assert time_of(found.pop("checked_at")) < 600
    assert found == {
        "uncovered": [],
        "total": 1,
        "reason": "cluster_unreachable",
        "message": f"{counts}; {cause}; {missed}",
        "not_reached": ["vm-cluster-2"],
    }


def test_fleet_advises_nobody_to_correct_a_cluster_that_is_down(operator: Operator) -> None:
    operator.palette.sicken("vm-cluster-2", "503")
    run = operator.play("snapshot_fleet", set="n", vm_names="history,db1-c2", retries="0")
    assert run.status != 0
    *_told, missed, advice = run.of(FAIL)["msg"].split(" -- ")
    assert missed == (
        "nothing was found in the clusters that were reached for vm_snapshot_vm_names db1-c2"
    )
    assert advice.startswith(
        "Run the same again when all clusters can be reached, which works only on what is missing. "
    )
    selected = '{"vm_snapshot_set": "n", "vm_snapshot_project": "Default", '
    selected += '"vm_snapshot_vm_names": "history,db1-c2"}'
    assert advice.endswith(f"spectrocloud.palette.snapshot_report -e '{selected}'")


def test_coverage_refuses_an_age_that_it_cannot_read(operator: Operator) -> None:
    run = operator.play("snapshot_coverage", newer_than="1y")
    assert run.status != 0
    assert "newer_than: '1y' has the unknown unit 'y'" in run.output
    assert operator.palette.requests() == []


# Limits

PLAYBOOKS = sorted((CHECKOUT / "playbooks").glob("*.yml"))
# snapshot_hosts works on all hosts, and only looks on localhost whether the inventory has them.
LOCAL = [path.stem for path in PLAYBOOKS if "hosts: all\n" not in path.read_text("utf-8")]


@pytest.mark.parametrize("playbook", LOCAL)
def test_a_limit_that_leaves_out_localhost_is_refused(operator: Operator, playbook: str) -> None:
    hosts = operator.inventory("vm-00", "vm-01")
    run = operator.play(playbook, "-i", hosts, "--limit", "vm-0*")
    assert run.status != 0
    message = run.of("Refuse a limit without localhost")["msg"]
    assert message.startswith("The limit vm-0* leaves out localhost, where this playbook works, ")
    assert message.endswith("use the playbook spectrocloud.palette.snapshot_hosts")
    assert operator.palette.requests() == []


@pytest.mark.parametrize("playbook", LOCAL)
def test_a_limit_without_an_inventory_is_refused(operator: Operator, playbook: str) -> None:
    run = operator.play(playbook, "--limit", "web1")
    assert run.status != 0
    assert "the limit web1 leaves out localhost, where this playbook works" in run.output
    assert operator.play("snapshot_report", "--limit", "localhost", set="nightly").ok()


@pytest.mark.parametrize(
    "arguments",
    [("-i", "vm-00,vm-01"), ("-i", "vm-00,", "--limit", "vm-0*,localhost"), ("-i", "127.0.0.1,")],
)
def test_a_limit_with_localhost_or_none_is_none_of_its_business(
    operator: Operator, arguments: Sequence[str]
) -> None:
    run = operator.play("snapshot_report", *arguments, cluster="vm-cluster-1", set="nightly")
    assert "vm-00 " not in run.ok().output
    assert table(run, REPORT)


def test_a_report_ends_after_as_many_rows_as_it_may_have(operator: Operator) -> None:
    given = {"cluster": "vm-cluster-1", "vm_names": "history", "max_rows": "2"}
    run = operator.play("snapshot_report", **given, dest="report.csv").ok()
    *rows, last = table(run, REPORT)
    assert (len(rows), last) == (3, ["and 6 more"])
    # The file has all.
    assert len((operator.home / "report.csv").read_text("utf-8").splitlines()) == 9
    # What the module returned is nobody's result: it may be too long for AWX.
    assert "snapshots" not in run.of("List the snapshots")


def test_a_report_tells_what_the_module_warned_of(operator: Operator) -> None:
    run = operator.play("snapshot_report", cluster="vm-cluster-1", vm_names="nobody*").ok()
    assert run.output.count("[WARNING]") == 1
    assert "nobody*" in run.output[run.output.index("[WARNING]") :]
