# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup vm_snapshot_problems, as Ansible finds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.template import Templar

from ansible_collections.spectrocloud.palette.plugins.lookup import vm_snapshot_problems
from ansible_collections.spectrocloud.palette.plugins.plugin_utils.role_variables import FACTS

try:
    # Templates are trusted text since ansible-core 2.19.
    from ansible.template import trust_as_template as template
except ImportError:
    template = str

REGISTERED = {"changed": False, "skipped": True}


@pytest.fixture
def extra_vars(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The extra vars of the command line."""
    extra: dict[str, Any] = {}
    monkeypatch.setattr(vm_snapshot_problems, "load_extra_vars", lambda _loader: extra)
    return extra


@pytest.fixture(autouse=True)
def none_given(extra_vars: dict[str, Any]) -> None:
    """There are no extra vars unless a test gives some."""


def problems(
    entry_point: str | None,
    variables: Mapping[str, Any],
    required: tuple[str, ...] = (),
    ages: Mapping[str, Any] | None = None,
    selection: tuple[str, ...] = (),
) -> list[str]:
    templar = Templar(loader=DataLoader(), variables=variables)
    lookup = vm_snapshot_problems.LookupModule(templar=templar)
    # Ansible's loader names a plugin when it finds it.
    lookup._load_name = "spectrocloud.palette.vm_snapshot_problems"
    lookup.set_options = lambda **_given: None
    given = {"required": required, "ages": ages or {}, "selection": selection}
    lookup.get_option = given.__getitem__
    found: list[str] = lookup.run([entry_point] if entry_point else [], variables)
    return found


@pytest.mark.parametrize(
    ("variables", "selects"),
    [
        ({}, False),
        ({"vm_snapshot_all": "false", "vm_snapshot_vms": ""}, False),
        ({"vm_snapshot_namespace": "vms"}, False),
        ({"vm_snapshot_vms": ["db1"]}, True),
        ({"vm_snapshot_selector": "app=db"}, True),
        ({"vm_snapshot_all": "true"}, True),
        ({"vm_snapshot_all": template("{{ everything }}"), "everything": True}, True),
        ({"vm_snapshot_all": template("{{ everything }}"), "everything": False}, False),
        ({"vm_snapshot_vms": template("{{ answer }}"), "answer": ""}, False),
        ({"vm_snapshot_vms": template("{{ answer }}"), "answer": ["db1"]}, True),
        # The task that uses it says that it is not defined.
        ({"vm_snapshot_vms": template("{{ not_defined }}")}, True),
    ],
)
def test_a_selection_selects_something(variables: dict[str, Any], selects: bool) -> None:
    found = problems("restore", variables, selection=("vms", "selector"))
    text = (
        "no VMs are selected: set vm_snapshot_vms or vm_snapshot_selector; for every VM set "
        "vm_snapshot_all=true"
    )
    assert found == ([] if selects else [text])


def test_known_variables_and_those_of_others_are_no_problem() -> None:
    assert (
        problems("main", {"vm_snapshot_set": "s", "vm_snapshots": {}, "my_vm_snapshot_x": 1}) == []
    )
    assert problems("report", {"vm_snapshot_name": "db1-*"}) == []
    assert problems("prune", {"vm_snapshot_all": True}) == []
    assert problems("prune", {"vm_snapshot_all": False}) != []


@pytest.mark.parametrize(
    ("entry_point", "name", "text"),
    [
        ("main", "sett", "is not known (nearest: vm_snapshot_set)"),
        ("prune", "keep_lats", "is not known (nearest: vm_snapshot_keep_last)"),
        ("prune", "zzzz", "is not known: leave it out"),
        ("main", "scratch", "is not known: leave it out"),
        ("main", "name", "has no effect here: use vm_snapshot_set"),
        ("prune", "name", "has no effect here: use vm_snapshot_set"),
        ("prune", "vms", "has no effect here: use vm_snapshot_vm_names"),
        ("report", "vms", "has no effect here: use vm_snapshot_vm_names"),
        ("prune", "older_than", "has no effect here: use vm_snapshot_delete_older_than"),
        ("prune", "expire_after", "has no effect here: leave it out"),
        (
            "main",
            "max_age",
            "is not known (nearest: vm_snapshot_unless_newer_than or vm_snapshot_keep_within)",
        ),
        ("prune", "max_age", "is not known (nearest: vm_snapshot_keep_within)"),
    ],
)
def test_an_unknown_variable_is_told_with_what_was_meant(
    entry_point: str, name: str, text: str
) -> None:
    (problem,) = problems(entry_point, {f"vm_snapshot_{name}": "x"})
    assert problem.startswith(f"vm_snapshot_{name} {text}")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("guarded_change_taks", "is not known (nearest: guarded_change_tasks)"),
        ("guarded_change_zzzz", "is not known: leave it out"),
        ("gaurded_change_rollback", "is not known (nearest: guarded_change_rollback)"),
        ("vm_snapshot_kubeconfg", "is not known (nearest: vm_snapshot_kubeconfig)"),
        ("vm_snapshot_older_than", "has no effect here: use vm_snapshot_delete_older_than"),
        ("vm_snapshot_restore_name", "has no effect here: leave it out"),
    ],
)
def test_an_unknown_variable_of_a_guarded_change_is_told(name: str, text: str) -> None:
    assert problems("guarded_change", {name: "x"}) == [f"{name} {text}"]


def test_a_guarded_change_knows_the_variables_of_its_steps() -> None:
    known = ("set", "vms", "keep_last", "kubeconfig", "in_place", "unless_newer_than")
    assert problems("guarded_change", {f"vm_snapshot_{name}": "1" for name in known}) == []
    refused = dict.fromkeys(vm_snapshot_problems.NOT_GUARDED, "1")
    told = problems("guarded_change", refused)
    assert [text.split(" ")[0] for text in told] == sorted(refused)
    assert problems("guarded_change", {}, ("set", "guarded_change_tasks")) == [
        "vm_snapshot_set and guarded_change_tasks must be set"
    ]


def test_other_entry_points_leave_a_guarded_change_alone() -> None:
    assert problems("main", {"guarded_change_taks": "x"}) == []


@pytest.mark.parametrize("entry_point", ["prune", "report", "coverage", "restore", "power"])
def test_what_only_says_how_snapshots_are_taken_may_be_set_everywhere(entry_point: str) -> None:
    taking = dict.fromkeys(vm_snapshot_problems.HOW, "1")
    # What is known is also checked for its type.
    assert [text for text in problems(entry_point, taking) if text.startswith("vm_")] == []
    # These could be taken for a limit.
    limits = ["labels", "annotations", "state", "expire_after", "deletion_policy"]
    limits += [] if entry_point in ("restore", "power") else ["vms"]
    limiting = {f"vm_snapshot_{name}": "1" for name in (*limits, "unless_newer_than")}
    assert [text.split(" ")[0] for text in problems(entry_point, limiting)] == sorted(limiting)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vm_snaphot_vm_names", "vm_snapshot_vm_names"),
        ("vm_snapshots_exclude", "vm_snapshot_exclude"),
        ("vmsnapshot_set", "vm_snapshot_set"),
        ("VM_SNAPSHOT_KEEP_DAILY", "vm_snapshot_keep_daily"),
        ("vm-snapshot-keep_last", "vm_snapshot_keep_last"),
    ],
)
def test_a_misspelt_beginning_is_told(name: str, meant: str) -> None:
    assert problems("prune", {name: 1}) == [f"{name} is not known (nearest: {meant})"]


@pytest.mark.parametrize(
    "name", ["my_vm_snapshot_set", "snapshot_set", "vm_set", "__vm_snapshot_set", "set", "vm_info"]
)
def test_a_name_of_somebody_elses_is_no_problem(name: str) -> None:
    assert problems("prune", {name: 1}) == []


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("ready", "maybe", "argument 'vm_snapshot_ready' is of type"),
        ("keep_last", "many", "argument 'vm_snapshot_keep_last' is of type"),
        ("state", "away", "value of vm_snapshot_state must be one of: present, absent"),
    ],
)
def test_types_are_checked_but_for_empty_answers(name: str, value: str, wrong: str) -> None:
    entry_point = "report" if name == "ready" else "main"
    for empty in ("", None):
        assert problems(entry_point, {f"vm_snapshot_{name}": empty}) == []
    (told,) = problems(entry_point, {f"vm_snapshot_{name}": value})
    assert told.startswith(wrong)


def test_what_cannot_be_rendered_has_no_type() -> None:
    assert problems("main", {"vm_snapshot_all": template("{{ not_defined }}")}) == []


def test_ages_are_checked() -> None:
    assert problems("coverage", {}, ages={"newer_than": "24h"}) == []
    (problem,) = problems("coverage", {}, ages={"newer_than": "1y"})
    assert problem.startswith("vm_snapshot_newer_than: '1y' has the unknown unit 'y' ")
    assert problem.endswith("; for example: vm_snapshot_newer_than=24h")


@pytest.mark.parametrize("value", ["", None])
def test_a_variable_of_another_entry_point_may_be_empty(value: Any) -> None:
    assert problems("prune", {"vm_snapshot_expire_after": value}) == []
    assert problems("prune", {"vm_snapshot_expire_aftr": value}) != []


def test_a_registered_result_is_no_problem(extra_vars: dict[str, Any]) -> None:
    assert problems("main", {"vm_snapshot_rows": REGISTERED}) == []
    extra_vars["vm_snapshot_rows"] = REGISTERED
    assert problems("main", {"vm_snapshot_rows": REGISTERED}) == [
        "vm_snapshot_rows is not known: leave it out"
    ]


OWN = {"__vm_snapshot_task", *FACTS}
OWN_GUARDED = {"__guarded_change_done", *vm_snapshot_problems.GUARDED_FACTS}


@pytest.mark.parametrize("name", sorted(OWN | OWN_GUARDED))
def test_what_the_role_sets_cannot_be_set_from_outside(
    extra_vars: dict[str, Any], name: str
) -> None:
    assert problems("main", {name: REGISTERED}) == []
    extra_vars[name] = REGISTERED
    (problem,) = problems("main", {name: REGISTERED})
    assert problem.startswith(f"{name} is ")
    assert problem.endswith(": leave it out")
    assert problems(None, {name: REGISTERED, "vm_snapshot_strange": 1}) == [problem]


@pytest.mark.parametrize(
    "entry_point", ["main", "prune", "report", "coverage", "restore", "power", "guarded_change"]
)
def test_what_an_earlier_job_passed_on_is_no_problem(
    extra_vars: dict[str, Any], entry_point: str
) -> None:
    extra_vars.update({"vm_snapshot_summary": {"reason": ""}, "vm_snapshots_all_0a1b2c3d": {}})
    others = ("vm_restores_all_0a1b2c3d", "vm_power_states_0a1b2c3d", "vm_changes_all_0a1b2c3d")
    extra_vars.update({name: {} for name in others})
    assert problems(entry_point, extra_vars) == []


@pytest.mark.parametrize("empty", [{}, {"vm_snapshot_set": ""}, {"vm_snapshot_set": None}])
def test_required_variables_are_told_together(empty: dict[str, Any]) -> None:
    assert problems("main", empty, ("set", "vms")) == [
        "vm_snapshot_set and vm_snapshot_vms must be set"
    ]
    assert problems("main", {**empty, "vm_snapshot_set": "s"}, ("set",)) == []


def test_an_entry_point_must_exist() -> None:
    with pytest.raises(AnsibleLookupError, match="no entry point mian"):
        problems("mian", {})


@pytest.mark.parametrize(
    ("argument", "cut"),
    [
        ("vm_snapshot_selector=app notin (history)", True),
        ("vm_snapshot_vm_names=db1, db2", True),
        ("vm_snapshot_selector=app=db, tier!=test", True),
        ("vm_snapshot_selector='app notin (history)'", False),
        ("vm_snapshot_selector=app", False),
        ("message=for us", False),
    ],
)
def test_what_ansible_has_cut_off_a_value_is_told(
    extra_vars: dict[str, Any], argument: str, cut: bool
) -> None:
    extra_vars.update(parse_kv(argument))
    found = problems("main", extra_vars)
    assert len(found) == cut
    assert all("belongs to no variable" in text and "history" not in text for text in found)
