# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin has the options of vm_info and their environment, and says what it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.spectrocloud.palette.plugins.doc_fragments.palette import (
    ModuleDocFragment,
)
from ansible_collections.spectrocloud.palette.plugins.inventory import vms
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import (
    _PROJECT_UID_VARIABLES,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._module.vm_info import MODULE
from ansible_collections.spectrocloud.palette.plugins.plugin_utils.hosts import Known
from unit.builders import NOW
from unit.test_modules_and_actions import documented_options, plugin

try:
    # Expressions are trusted text since ansible-core 2.19.
    from ansible.template import trust_as_template as template
except ImportError:
    template = str

SPEC = MODULE.arguments.spec
DOCUMENTED = yaml.safe_load(vms.DOCUMENTATION)
ENVIRONMENT = {
    name: [each["name"] for each in option["env"]]
    for name, option in yaml.safe_load(ModuleDocFragment.PLUGIN)["options"].items()
}


def test_fragments_are_those_of_vm_info_and_of_plugins() -> None:
    of_vm_info = yaml.safe_load(plugin("modules", "vm_info").DOCUMENTATION)
    shared = [
        fragment
        for fragment in of_vm_info["extends_documentation_fragment"]
        # A host has all of a VM's row.
        if ".attributes" not in fragment and not fragment.endswith(".rows")
    ]
    of_plugins = {"spectrocloud.palette.palette.plugin", "constructed", "inventory_cache"}
    assert set(DOCUMENTED["extends_documentation_fragment"]) == {*shared, *of_plugins}
    assert set(DOCUMENTED["options"]) == {"plugin", "hostname"}


@pytest.mark.parametrize("name", sorted(SPEC))
def test_documented_option_is_that_of_the_argument_spec(name: str) -> None:
    documented, spec = documented_options("vm_info")[name], SPEC[name]
    for key in ("type", "default", "choices", "elements"):
        assert documented.get(key) == spec.get(key)


def environment_of(spec: dict[str, Any]) -> list[str]:
    """Return the variables that an option falls back on."""
    _read, names = spec["fallback"]
    return list(names)


def test_documented_environment_is_that_of_the_modules() -> None:
    read = {name: environment_of(spec) for name, spec in SPEC.items() if "fallback" in spec}
    projects = {"project": ["PALETTE_PROJECT"], "project_uid": list(_PROJECT_UID_VARIABLES)}
    assert {**read, **projects} == ENVIRONMENT


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("palette.yml", True),
        ("palette.yaml", True),
        ("prod.palette.yml", True),
        ("vms.yml", True),
        ("prod_vms.yaml", True),
        ("hosts.yml", False),
        ("palette.json", False),
        ("palette.yml.orig", False),
    ],
)
def test_file_is_known_by_its_name(tmp_path: Path, name: str, read: bool) -> None:
    path = tmp_path / name
    path.touch()
    assert vms.InventoryModule().verify_file(str(path)) is read
    assert not vms.InventoryModule().verify_file(str(tmp_path / "missing" / name))


def row(vm_name: str = "db1", uid: str = "u1", **more: Any) -> dict[str, Any]:
    """Return a VM in a cluster called prod, as far as it matters here."""
    place = {"cluster": "prod", "cluster_uid": uid, "namespace": "vms", "vm_name": vm_name}
    nothing = {"newest_snapshot": None, "newest_unusable": None}
    return {**place, **nothing, "addresses": [], "stale": False, **more}


def source(inventory: InventoryData, **options: Any) -> vms.InventoryModule:
    """Return the plugin for one source of an inventory, with these options."""
    plugin = vms.InventoryModule()
    plugin.inventory = inventory
    plugin.templar = Templar(loader=DataLoader())
    plugin._vars = {}
    plugin.get_option = options.get
    return plugin


def add(inventory: InventoryData, *rows: dict[str, Any], **options: Any) -> None:
    """Add VMs to an inventory, as those of one more source."""
    source(inventory, **options)._add(Known(rows), NOW)


def test_vms_of_two_sources_never_become_one_host() -> None:
    inventory = InventoryData()
    add(inventory, row(uid="u1"))
    with pytest.raises(AnsibleParserError) as caught:
        add(inventory, row("web1", "u2"), row("db1", "u2"))
    assert str(caught.value).startswith(
        "hostname: u1/vms/db1 of an earlier inventory source and u2/vms/db1 would both be the host "
        "db1.vms.prod; set hostname in one of the files; for example: hostname: "
    )
    assert list(inventory.hosts) == ["db1.vms.prod"]
    assert inventory.hosts["db1.vms.prod"].vars["palette_cluster_uid"] == "u1"


def test_a_cluster_that_two_sources_miss_is_missed_once() -> None:
    inventory = InventoryData()
    missed = {"cluster": "prod", "cluster_uid": "u1", "reason": "timeout", "message": ""}
    for uids in (["u1"], ["u1", "u2"]):
        clusters = [{**missed, "cluster_uid": uid} for uid in uids]
        source(inventory)._add(Known([], clusters), NOW)
    told = inventory.groups["all"].get_vars()["palette_unreachable_clusters"]
    assert [cluster["cluster_uid"] for cluster in told] == ["u1", "u2"]


def test_a_vm_of_two_sources_and_a_host_of_a_static_file_are_one_host() -> None:
    inventory = InventoryData()
    inventory.add_host("db1.vms.prod")
    inventory.set_variable("db1.vms.prod", "owner", "dba")
    for _source in range(2):
        add(inventory, row())
    (host,) = list(inventory.hosts.values())
    assert (host.vars["owner"], host.vars["palette_vm_name"]) == ("dba", "db1")


def test_an_expression_that_fails_for_one_host_leaves_none_of_its_source() -> None:
    inventory = InventoryData()
    add(inventory, row("web1"))
    rows = [row("db1", labels={"tier": "db"}), row("db2", labels={})]
    keys = [{"key": template("palette_labels.tier"), "prefix": "tier"}]
    with pytest.raises(AnsibleError, match=r"db2\.vms\.prod"):
        add(inventory, *rows, keyed_groups=keys, strict=True)
    assert list(inventory.hosts) == ["web1.vms.prod"]
    assert inventory.get_groups_dict()["tier_db"] == []


WELL = {"uid": "u1", "reachable": True, "reason": None, "message": ""}
SICK = {**WELL, "reachable": False, "reason": "unavailable", "message": "HTTP 503"}
OUTAGE = {"failed": True, "reason": "unavailable", "msg": "HTTP 503"}


@pytest.mark.parametrize(
    "outage", [{"vms": [row("web1", "u2")], "clusters": {"prod": SICK}}, OUTAGE]
)
def test_an_outage_is_over_before_the_cache_expires(
    monkeypatch: pytest.MonkeyPatch, outage: dict[str, Any]
) -> None:
    healthy = {"vms": [row()], "clusters": {"prod": WELL}}
    plugin, options = source(InventoryData(), cache=True), {"on_error": "continue"}
    plugin._cache = {}
    monkeypatch.setattr(plugin, "_expired", plugin._cache.get)

    def reads(answer: dict[str, Any], cache: bool = True) -> list[tuple[str, bool]]:
        monkeypatch.setattr(vms, "result_of", lambda *_task: answer)
        known = plugin._known("palette.yml", options, NOW, cache)
        return [(each["vm_name"], each["stale"]) for each in known.vms]

    assert reads(healthy) == [("db1", False)]
    # Nothing is asked as long as what is cached is whole.
    assert reads(outage) == [("db1", False)]
    assert ("db1", True) in reads(outage, cache=False)
    # What was last known is kept as long as the outage lasts.
    assert ("db1", True) in reads(outage)
    assert reads(healthy) == [("db1", False)]
