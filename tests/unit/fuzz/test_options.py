# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Any option with any value: a task ends with a result, and asks only for what it is about."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.spectrocloud.palette.plugins.module_utils._module.base import Module
from ansible_collections.spectrocloud.palette.plugins.module_utils._palette.settings import Settings
from ansible_collections.spectrocloud.palette.plugins.module_utils._restores.session import (
    RestoreSession,
)
from ansible_collections.spectrocloud.palette.plugins.module_utils._vms.model import VmKey
from ansible_collections.spectrocloud.palette.plugins.plugin_utils import in_process
from unit.builders import Json, own_labels
from unit.cluster_in_memory import MemoryCluster
from unit.fuzz import effort
from unit.fuzz.option_values import anything, hostile_texts, right, wrong
from unit.fuzz.two_clusters import CLUSTERS, VMS
from unit.machines_in_memory import Machines
from unit.palette_in_memory import Call, MemoryPalette, connected
from unit.ways_in import PLUGINS, action_of

pytestmark = pytest.mark.usefixtures("bare_environment")

# What each module needs at least.
NEEDED: Mapping[str, Json] = {
    "vm_info": {},
    "vm_power": {"state": "stopped", "selector": "tier=db"},
    "vm_restore": {"cluster": "cluster-1", "namespace": "vms", "vm_name": "db1", "snapshot": "s"},
    "vm_restore_set": {"set": "nightly", "selector": "tier=db"},
    "vm_snapshot": {"cluster": "cluster-1", "namespace": "vms", "vm_name": "db1", "name": "before"},
    "vm_snapshot_info": {},
    "vm_snapshot_retention": {},
    "vm_snapshot_set": {"set": "nightly", "selector": "tier=db"},
}
MODULES = sorted(NEEDED)
# Options that cannot be given together with others that a test has already.
EXCLUDED: Mapping[str, tuple[str, ...]] = {
    "cluster_uid": ("cluster", "clusters"),
    "clusters": ("cluster", "cluster_uid"),
    "cluster": ("cluster_uid", "clusters"),
    "project": ("project_uid",),
    "project_uid": ("project",),
    "name_prefix": ("name",),
    "vms": ("selector", "namespaces", "vm_names", "clusters", "all"),
    "vm_name": ("selector",),
    "set": ("snapshot",),
}
DEFAULT_HOST = "https://api.spectrocloud.com"
HOST = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?")
LOOKUP = re.compile(
    r"/v1/(dashboard/(projects/metadata|spectroclusters/(search|metadata|vms))"
    r"|spectroclusters/[\w-]+)"
)
PATH = re.compile(
    r"/v1/spectroclusters/[\w-]+/vms(/[a-z0-9.-]+)?(/snapshot(/[a-z0-9.-]+)?"
    r"|/(start|stop|pause|resume|restart))?"
)
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


class Told(NamedTuple):
    """What a task returned, and what it used and asked."""

    result: Json
    palette: MemoryPalette
    settings: list[Settings]

    @property
    def names_problems(self) -> bool:
        """Whether it refused the options, in this collection's words or in Ansible's."""
        reason = self.result.get("reason", "invalid_parameters")
        return bool(self.result.get("failed")) and reason == "invalid_parameters"


def ask(name: str, options: Json, check: bool = False) -> Told:
    """Run a module's task with these options, as its action in the controller's worker."""
    effort.tried["tasks with any options"] += 1
    palette, settings = a_palette(), list[Settings]()

    def connect(used: Settings) -> MemoryPalette:
        settings.append(used)
        return palette

    clock = SimpleNamespace(now=lambda _zone: palette.now)
    action = action_of(name, options, check_mode=check)
    with (
        patch.object(palette, "connect", connect),
        patch.object(in_process, "datetime", clock),
        patch.object(RestoreSession, "kubernetes", lambda _self, _api: MemoryCluster(palette)),
        connected(palette),
    ):
        result = action.run(task_vars={})
    gc.unfreeze()
    return Told(result, palette, settings)


def a_palette() -> MemoryPalette:
    """Return two clusters with a few VMs, each with a snapshot of ours and one of somebody."""
    palette = Machines()
    palette.add_cluster("c2", "cluster-2")
    for place, tier in VMS.items():
        key = palette.add(VmKey(*place))
        palette.vms[key]["metadata"]["labels"] = {"tier": tier}
        palette.add_snapshot(f"{key.vm_name}-old", key, own_labels("nightly"), age=1e6)
        palette.add_snapshot(f"{key.vm_name}-new", key, own_labels("nightly"), age=1e5)
        palette.add_snapshot(f"{key.vm_name}-theirs", key)

    def answer_takes_time(_call: Call) -> None:
        palette.clock.now += 0.01

    palette.before = answer_takes_time
    return palette


def spec_of(name: str) -> Mapping[str, Json]:
    """Return a module's argument spec."""
    module: Module = import_module(f"{PLUGINS}.action.{name}").ActionModule.module
    return module.arguments.spec


def with_needed(name: str, options: Json) -> Json:
    """Return options with those that the module needs, but none that they exclude."""
    if "vms" in options or "vm_name" in options:
        options = {"cluster": "cluster-1", "namespace": "vms", **options}
    apart = {other for option in options for other in EXCLUDED.get(option, ())}
    needed = {"api_key": "a-key", **NEEDED[name]}
    return {**{k: v for k, v in needed.items() if k not in apart}, **options}


def judge(name: str, options: Json, told: Told) -> None:
    """Assert what holds whatever the options are."""
    result, palette = told.result, told.palette
    assert result.get("reason") != "internal_error", result["exception"]
    assert "exception" not in result
    assert json.dumps(result)
    for settings in told.settings:
        assert HOST.fullmatch(settings.base_url)
        assert settings.base_url.split("//")[1] in str(options.get("host", DEFAULT_HOST))
    for path, _scope in palette.lookups:
        assert LOOKUP.fullmatch(path)
    for call in palette.calls:
        judge_call(name, options, call)
    if told.names_problems:
        assert palette.calls == []
        names = "|".join(map(re.escape, {*spec_of(name), *options}))
        assert re.search(rf"\b({names})\b", result["msg"])


def judge_call(name: str, options: Json, call: Call) -> None:
    """Assert that a request is about what the options name, and nothing else."""
    assert PATH.fullmatch(call.path)
    chosen = [options.get(key) for key in ("cluster", "cluster_uid", "clusters", "vms")]
    if any(chosen):
        named = json.dumps(chosen, default=str)
        assert call.cluster_uid in named or CLUSTERS[call.cluster_uid] in named
    namespace = call.query.get("namespace")
    assert namespace is None or LABEL.fullmatch(namespace)
    if name in ("vm_snapshot", "vm_restore"):
        assert namespace in (None, str(options["namespace"]).strip())
        assert (
            call.kind == "LIST"
            or call.kind == "VMS"
            or call.vm_name == str(options["vm_name"]).strip()
        )
    elif call.method != "GET":
        assert (call.cluster_uid, namespace, call.vm_name) in VMS


def any_options(name: str) -> st.SearchStrategy[Json]:
    """Return a strategy for some of a module's options, with right, wrong and hostile values."""
    spec = spec_of(name)
    values = {
        option: st.sampled_from([*right(name, option, described), *wrong(name, option, described)])
        | hostile_texts
        | anything
        for option, described in spec.items()
    }
    some = st.lists(st.sampled_from(sorted(spec)), max_size=6, unique=True)
    return some.flatmap(
        lambda chosen: st.fixed_dictionaries({each: values[each] for each in chosen})
    )


@pytest.mark.parametrize("name", MODULES)
@effort.of_options()
@given(data=st.data(), check=st.booleans())
def test_any_options_end_in_a_result(name: str, data: st.DataObject, check: bool) -> None:
    options = with_needed(name, data.draw(any_options(name)))
    told = ask(name, options, check)
    judge(name, options, told)
    assert not (check and told.palette.writes())


@pytest.mark.parametrize("name", MODULES)
@effort.of_options()
@given(data=st.data())
def test_a_wrong_value_is_refused_and_named(name: str, data: st.DataObject) -> None:
    spec = spec_of(name)
    option = data.draw(
        st.sampled_from(sorted(each for each in spec if wrong(name, each, spec[each])))
    )
    value = data.draw(st.sampled_from(wrong(name, option, spec[option])))
    told = ask(name, with_needed(name, {option: value}))
    assert told.names_problems
    assert re.search(rf"\b{option}\b", told.result["msg"])
    assert told.palette.calls == []
    assert told.palette.lookups == []


@pytest.mark.parametrize("name", MODULES)
@effort.of_options()
@given(data=st.data())
def test_a_right_value_is_taken(name: str, data: st.DataObject) -> None:
    spec = spec_of(name)
    option = data.draw(
        st.sampled_from(sorted(each for each in spec if right(name, each, spec[each])))
    )
    value = data.draw(st.sampled_from(right(name, option, spec[option])))
    options = with_needed(name, {option: value})
    told = ask(name, options)
    judge(name, options, told)
    assert not told.names_problems
