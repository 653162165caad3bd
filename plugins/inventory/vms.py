# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines on Palette as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vms
short_description: Virtual machines on Palette as hosts
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Makes a host of each virtual machine of one cluster, of some, or of all clusters of the project
    that run virtual machines, also of those that are off.
  - Reads a file whose name ends with C(palette.yml), C(palette.yaml), C(vms.yml) or C(vms.yaml),
    such as C(palette.yml) or C(prod.vms.yml).
  - The options for the connection and for the selection are those of the modules, and so are the
    environment variables. Their values may be Jinja expressions, if they are text or lists of text;
    Ansible wants numbers, booleans and choices as they are. Variables of the inventory do not exist
    yet when expressions are evaluated, extra vars (C(-e)) do.
  - Each host has the row of M(spectrocloud.palette.vm_info) as variables, with C(palette_) before
    each key, such as C(palette_cluster), C(palette_cluster_uid), C(palette_namespace),
    C(palette_vm_name), C(palette_labels), C(palette_printable_status), C(palette_running),
    C(palette_paused), C(palette_guest_agent), C(palette_volumes), C(palette_addresses),
    C(palette_blocked_by), C(palette_blocked_msg) and C(palette_newest_snapshot). See
    RV(spectrocloud.palette.vm_info#module:vms).
  - C(palette_vm) is the virtual machine as O(spectrocloud.palette.vm_snapshot_set#module:vms) takes
    it. It has the uid of its cluster, so that a task with another project does not take a virtual
    machine of the same names for it.
  - C(ansible_host) is the first of C(palette_addresses), if there is one. Palette tells only of
    addresses that cloud-init sets. Where there are none, or the wrong ones, set C(ansible_host) by
    O(compose).
  - No value from Palette is ever evaluated as a template.
  - The group C(palette_unreachable_clusters) always exists. It contains the hosts of clusters that
    could not be reached, which a cache still knew; they have C(palette_stale=true). The variable of
    the same name, which all hosts have, is a list of these clusters, each with C(cluster),
    C(cluster_uid), C(reason) and C(message).
extends_documentation_fragment:
  - spectrocloud.palette.palette
  - spectrocloud.palette.palette.plugin
  - spectrocloud.palette.cluster
  - spectrocloud.palette.selection
  - spectrocloud.palette.execution.on_error
  - constructed
  - inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [spectrocloud.palette.vms]
  hostname:
    description:
      - A Jinja template for the names of the hosts, from the C(palette_*) variables.
      - If not set, a host is called C(vm_name.namespace.cluster), such as V(db1.vms.vm-cluster-1).
        That never changes, whatever other virtual machines appear. Where several clusters have the
        same name, it ends with the cluster's uid.
      - It is an error if two virtual machines get the same name, as a play would take them for one,
        even if they are those of two inventory files, such as of two projects.
      - Characters other than letters, digits and C(. _ - / @ +) become C(_).
    type: str
notes:
  - With O(cache=true), a cluster that cannot be reached does not lose its hosts, if
    O(on_error=continue). They stay as they were last known, however old the cache is. The same
    holds for all hosts while Palette itself cannot be reached. Palette is then asked each time,
    until all clusters can be reached again. What is cached contains no API key, and counts only for
    the selection that it was made for.
  - Without O(on_error=continue), the file fails if a cluster cannot be reached. Ansible then goes
    on without its hosts, unless C(any_unparsed_is_failed) is set in the section C(inventory) of
    C(ansible.cfg), or E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) in the environment.
seealso:
  - module: spectrocloud.palette.vm_info
  - module: spectrocloud.palette.vm_snapshot_set
"""

EXAMPLES = r"""
# palette.yml: all virtual machines of the project. PALETTE_HOST and PALETTE_API_KEY are set.
plugin: spectrocloud.palette.vms
project: Default

---
# prod.palette.yml: groups such as app_db, cluster_vm_cluster_1, snapshot_2_days_old, snapshot_none
# and no_recent_snapshot
plugin: spectrocloud.palette.vms
api_key: "{{ lookup('ansible.builtin.env', 'PALETTE_API_KEY') }}"
project: Default
clusters: [vm-cluster-1, vm-cluster-2]
selector: tier!=test
exclude: [scratch-*]
on_error: continue
keyed_groups:
  - prefix: cluster
    key: palette_cluster
  - prefix: app
    key: palette_labels.app | default('none')
  - prefix: snapshot
    key: >-
      'none' if palette_newest_snapshot is none
      else (palette_newest_snapshot.age_seconds // 86400) ~ '_days_old'
groups:
  stopped: not palette_running
  no_recent_snapshot: (palette_newest_snapshot.age_seconds | default(86400)) >= 86400
compose:
  ansible_host: palette_addresses | first | default(palette_vm_name ~ '.example.com')

---
# vms.yml: names of your own, and a cache that outlasts clusters which cannot be reached
plugin: spectrocloud.palette.vms
project: Default
cluster: vm-cluster-1
hostname: "{{ palette_vm_name }}.{{ palette_namespace }}"
on_error: continue
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/palette-inventory
cache_timeout: 600
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import (
    BaseInventoryPlugin,
    Cacheable,
    Constructable,
    get_cache_plugin,
)

from ..module_utils._module.base import (
    Invocation,
    missing_libraries,
    result_of,
    tidied,
    with_default_project,
)
from ..module_utils._module.vm_info import MODULE
from ..module_utils._validation.problems import nearest
from ..plugin_utils.hosts import (
    UNREACHABLE,
    Known,
    Row,
    cached,
    completed,
    default_name,
    label_of,
    outlasting,
    read,
    remembered,
    safe_name,
    untrusted,
    variables_of,
)
from ..plugin_utils.options import check_options

_ENDINGS = ("palette.yml", "palette.yaml", "vms.yml", "vms.yaml")
_IDENTITY = ("palette_cluster_uid", "palette_namespace", "palette_vm_name")
_NAME = "{{ palette_vm_name }}.{{ palette_namespace }}.{{ palette_cluster }}"
_HOSTNAME = f'hostname: "{_NAME}"'


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):  # type: ignore[misc]
    """Ansible's entry point. The VMs are those that vm_info returns."""

    NAME = "spectrocloud.palette.vms"

    def verify_file(self, path: str) -> bool:
        """Say whether a file may be for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(_ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts that a file stands for."""
        super().parse(inventory, loader, path, cache)
        for message, _import_error in missing_libraries():
            raise AnsibleParserError(message)
        options = self._checked(self._read_config_data(path))
        now = datetime.now(timezone.utc)
        known = self._known(path, options, now, cache)
        if known.told:
            self.display.warning(known.told)
        self._add(known, now)

    def _checked(self, config: Mapping[str, Any]) -> Row:
        """Return the options of a module that a file gives, checked as the module would."""
        strangers = [str(name) for name in config if name not in self._options]
        if strangers:
            raise AnsibleParserError("; ".join(_unknown(name, self._options) for name in strangers))
        # What a file does not say comes from the environment, as in a task.
        said = [name for name in MODULE.arguments.spec if config.get(name) is not None]
        self.templar.available_variables = self._vars
        checked = check_options(MODULE, {name: self._value(name, config[name]) for name in said})
        if checked.error_messages:
            raise AnsibleParserError("; ".join(checked.error_messages))
        return with_default_project(tidied(checked.validated_parameters))

    def _value(self, option: str, given: Any) -> Any:
        try:
            return self.templar.template(given)
        except AnsibleError as error:
            raise AnsibleParserError(f"{option}: {error}") from error

    def _known(self, path: str, options: Row, now: datetime, cache: bool) -> Known:
        """Return what is cached of all clusters or, if nothing is, what Palette says."""
        if not self.get_option("cache"):
            return self._ask(options, now, None)
        key = self.get_cache_key(path)
        fresh = remembered(self._cache.get(key), options) if cache else None
        # A cluster that was out of reach for a moment must not be so until the cache expires.
        if fresh and not fresh.unreachable:
            return fresh
        known = self._ask(options, now, remembered(self._expired(key), options))
        self._cache[key] = cached(known, options)
        return known

    def _expired(self, key: str) -> Any:
        """Return what was cached last, however long ago."""
        places = {"_uri": "cache_connection", "_prefix": "cache_prefix"}
        given = {name: self.get_option(option) for name, option in places.items()}
        set_ones = {name: value for name, value in given.items() if value is not None}
        return get_cache_plugin(self.get_option("cache_plugin"), _timeout=0, **set_ones).get(key)

    def _ask(self, options: Row, now: datetime, last: Known | None) -> Known:
        result = result_of(MODULE, Invocation(options, now, warn=self.display.warning))
        if not result.get("failed"):
            return completed(read(result), last)
        outlasted = outlasting(result, last) if options["on_error"] == "continue" else None
        if outlasted is None:
            raise AnsibleParserError(result["msg"])
        return outlasted

    def _add(self, known: Known, now: datetime) -> None:
        # All or none: an inventory with a part of the hosts would be taken for a whole one.
        hosts = self._named([(row, variables_of(row, now)) for row in known.vms])
        for name, variables in hosts.items():
            self._refuse_another_vm(name, variables)
        self.inventory.add_group(UNREACHABLE)
        self._add_all_or_none(hosts)
        earlier = self.inventory.groups["all"].get_vars().get(UNREACHABLE, [])
        # Files with parts of the same cluster miss the same one.
        clusters = {each["cluster_uid"]: each for each in (*earlier, *untrusted(known.unreachable))}
        self.inventory.set_variable("all", UNREACHABLE, list(clusters.values()))

    def _add_all_or_none(self, hosts: Mapping[str, Row]) -> None:
        """Add the hosts; if an expression fails for one, take back all that were not there."""
        earlier = set(self.inventory.hosts)
        try:
            for name, variables in hosts.items():
                self._add_host(name, variables)
        except Exception:
            for name in self.inventory.hosts.keys() - earlier:
                self.inventory.remove_host(self.inventory.hosts[name])
            raise

    def _named(self, hosts: Iterable[tuple[Row, Row]]) -> dict[str, Row]:
        """Return the hosts' variables by their names, which no two VMs may share."""
        named: dict[str, Row] = {}
        labels: dict[str, str] = {}
        for row, variables in hosts:
            name, label = self._name(row, variables), label_of(row)
            if name in named:
                raise AnsibleParserError(
                    f"hostname: {labels[name]} and {label} would both be the host {name}; "
                    f"for example: {_HOSTNAME}"
                )
            named[name], labels[name] = variables, label
        return named

    def _name(self, row: Row, variables: Row) -> str:
        template = self.get_option("hostname")
        if not template:
            return safe_name(default_name(row))
        self.templar.available_variables = {**variables, **self._vars}
        name = safe_name(str(self._value(f"hostname of {label_of(row)}", template)))
        if not name:
            text = f"hostname: is empty for {label_of(row)}; for example: {_HOSTNAME}"
            raise AnsibleParserError(text)
        return name

    def _refuse_another_vm(self, name: str, variables: Row) -> None:
        """Refuse a name that an earlier source of the inventory has given to another VM."""
        host = self.inventory.hosts.get(name)
        earlier = host.get_vars() if host else {}
        if any(earlier.get(key, variables[key]) != variables[key] for key in _IDENTITY):
            raise AnsibleParserError(
                f"hostname: {_identity(earlier)} of an earlier inventory source and "
                f"{_identity(variables)} would both be the host {name}; set hostname in one of the "
                f'files; for example: hostname: "{_NAME}.b"'
            )

    def _add_host(self, name: str, variables: Row) -> None:
        self.inventory.add_host(name)
        for variable, value in variables.items():
            self.inventory.set_variable(name, variable, value)
        if variables["palette_stale"]:
            self.inventory.add_child(UNREACHABLE, name)
        strict, host = self.get_option("strict"), self.inventory.get_host(name)
        self._set_composite_vars(self.get_option("compose"), host.get_vars(), name, strict=strict)
        for add, option in (
            (self._add_host_to_composed_groups, "groups"),
            (self._add_host_to_keyed_groups, "keyed_groups"),
        ):
            add(self.get_option(option), host.get_vars(), name, strict=strict, fetch_hostvars=False)


def _identity(variables: Row) -> str:
    """Return what no other VM is called, as far as it is known."""
    return "/".join(str(variables[key]) for key in _IDENTITY if key in variables)


def _unknown(name: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = nearest(name, known)
    hint = f"nearest: {', '.join(near)}" if near else "see ansible-doc -t inventory"
    return f"{name} is not an option of {InventoryModule.NAME}; {hint}"
