# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that finds variables that the roles would pass over in silence."""

from __future__ import annotations

DOCUMENTATION = r"""
name: vm_snapshot_problems
short_description: Find variables that the roles do not know, or lack
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Looks for variables named C(vm_snapshot_*) that an entry point of the role
    P(spectrocloud.palette.vm_snapshot#role) does not know. A misspelt name would otherwise have no
    effect, and a task would work on more than was meant.
  - The role P(spectrocloud.palette.guarded_change#role) knows the variables named
    C(guarded_change_*), and those named C(vm_snapshot_*) that have an effect in it.
  - The roles and the collection's playbooks do this before everything else.
  - Also looks for names whose beginning is almost C(vm_snapshot_), such as C(vm_snaphot_set).
  - Also finds what Ansible has cut off a value with blanks in C(-e key=value), and values of a
    wrong type. Empty text is of every type, and means not set.
  - Results that a task has registered under such a name are not a problem.
  - Nor are variables of the entry point V(main) that only say how snapshots are taken, such as
    C(vm_snapshot_max_failed), or C(vm_snapshot_all=true), though others have no use for them. So
    they can be extra vars of a play with several entry points. A variable that looks like a filter,
    an age or a rule is a problem wherever it has no effect.
options:
  _terms:
    description:
      - The entry points of the role vm_snapshot, such as V(main), V(prune), V(report), V(coverage),
        V(restore) and V(power), or V(guarded_change) for that role. Without any, only extra vars
        are found that would override what the roles themselves set.
    type: list
    elements: str
  required:
    description:
      - The variables that must be set, without the prefix C(vm_snapshot_). Those named
        C(guarded_change_*) have their whole name.
    type: list
    elements: str
    default: []
  selection:
    description:
      - The variables that select virtual machines, without the prefix C(vm_snapshot_). One of them
        must be set, or else C(vm_snapshot_all).
    type: list
    elements: str
    default: []
  ages:
    description: Values that must be ages, such as V(24h), by their variables, without the prefix.
    type: dict
    default: {}
seealso:
  - module: spectrocloud.palette.vm_snapshot_set
"""

EXAMPLES = r"""
- name: Refuse variables that the role does not know
  ansible.builtin.assert:
    that: query('spectrocloud.palette.vm_snapshot_problems', 'main', required=['set']) == []
    fail_msg: "{{ query('spectrocloud.palette.vm_snapshot_problems', 'main') | join('; ') }}"
  vars:
    vm_snapshot_set: before-patch
"""

RETURN = r"""
_list:
  description: A sentence for each problem.
  type: list
  elements: str
  sample: ["vm_snapshot_sett is not known (nearest: vm_snapshot_set)"]
"""

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.lookup import LookupBase
from ansible.utils.vars import load_extra_vars

from ..module_utils._validation.durations import parse_age
from ..module_utils._validation.problems import nearest
from ..plugin_utils.role_variables import FACTS, PREFIX, specified

_ALL = "vm_snapshot_all"
_GUARDED = "guarded_change"  # the entry point, and the role
_PREFIXES = (PREFIX, f"{_GUARDED}_")
_INTERNAL = tuple(f"__{prefix}" for prefix in _PREFIXES)
_NEAR = 0.7  # how like a name must be; most are a little like another
_NEAREST = 0.9  # how like the beginning of a name must be
_FEW = 2  # letters, more or less
GUARDED_FACTS = frozenset(f"{_GUARDED}_{fact}" for fact in ("result", "reason", "msg"))
_FACTS = FACTS | GUARDED_FACTS
# A guarded change takes all snapshots or none, for real, and decides itself how VMs are restored.
# With the same restore_name, a second change would find them restored by the first.
NOT_GUARDED = frozenset(
    PREFIX + option
    for option in ("state", "check_only", "on_error", "stop", "safety_snapshot", "restore_name")
)
# What an earlier job of the workflow has passed on.
ARTIFACTS = frozenset({"vm_snapshot_summary"})
# They say how snapshots are taken, and nobody takes them for a limit on what is deleted or shown.
HOW = frozenset(
    PREFIX + option
    for option in (
        *("name_template", "failure_deadline", "consistency", "excluded_volumes", "offline"),
        *("replace", "group_by", "max_failed", "max_failed_clusters", "wait", "wait_timeout"),
        *("poll_interval", "concurrency", "max_in_progress", "max_rows", "progress", "set_stats"),
    )
)
# What people mean by names that look like others.
_MEANT: Mapping[str, tuple[str, ...]] = {
    "name": ("set",),
    "vms": ("vm_names",),
    "vm_name": ("vms", "vm_names"),
    "state": ("power",),
    "older_than": ("delete_older_than",),
    "max_age": ("unless_newer_than", "keep_within", "newer_than"),
}


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core is untyped
    """Ansible's entry point."""

    def run(
        self, terms: list[str], variables: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> list[str]:
        """Return a sentence for each problem with the variables."""
        self.set_options(var_options=variables, direct=kwargs)
        options = _options()
        strangers = [term for term in terms if term not in options]
        if strangers:
            raise AnsibleLookupError(f"the role has no entry point {', '.join(strangers)}")
        given = {name: self._value(name, value) for name, value in (variables or {}).items()}
        extra = load_extra_vars(self._loader)
        strange = [text for term in terms for text in _strange(given, extra, term, options)]
        required = [_full_name(word) for word in self.get_option("required")]
        missing = [name for name in required if not _is_set(given.get(name))]
        absent = [f"{' and '.join(missing)} must be set"] if missing else []
        return [
            *_overriding(given, extra),
            *_misspelt(given, set().union(*(options[term] for term in terms))),
            *strange,
            *(text for term in terms for text in self._wrong_types(given, options[term])),
            *_split_problems(extra),
            *absent,
            *_selects_nothing(given, self.get_option("selection")),
            *_wrong_ages(self.get_option("ages")),
        ]

    def _value(self, name: str, value: Any) -> Any:
        """Return what a variable of the roles is: Ansible hands over what it was set to."""
        if not (name.startswith(_PREFIXES) and self._templar.is_template(value)):
            return value
        try:
            return self._templar.template(value)
        except AnsibleError:
            # It is set to something. The task that uses it says what is wrong.
            return value

    def _wrong_types(self, given: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
        """Return which values are not what they should be.

        Ansible checks a role's variables by itself, but takes an empty answer for a value.
        """
        names = [name for name in options if _is_set(given.get(name))]
        values = {name: given[name] for name in names if not self._templar.is_template(given[name])}
        errors: list[str] = ArgumentSpecValidator(options).validate(values).error_messages
        return errors


def _options() -> dict[str, dict[str, Any]]:
    """Return the variables that each entry point knows, with their types."""
    options = specified("vm_snapshot")
    (guarded,) = specified(_GUARDED).values()
    both = {**options["main"], **options["restore"]}
    taken_over = {name: option for name, option in both.items() if name not in NOT_GUARDED}
    return {**options, _GUARDED: {**guarded, **taken_over}}


def _full_name(word: str) -> str:
    return word if word.startswith(_PREFIXES) else f"{PREFIX}{word}"


def _prefix_of(name: str) -> str:
    """Return the beginning of a variable's name, or nothing if it is not the roles'."""
    return next((prefix for prefix in _PREFIXES if name.startswith(prefix)), "")


def _overriding(given: Mapping[str, Any], extra: Mapping[str, Any]) -> Iterable[str]:
    for name in sorted(extra.keys() & given.keys()):
        if name.startswith(_INTERNAL):
            yield f"{name} is the role's own: leave it out"
        elif name in _FACTS:
            yield f"{name} is a fact that the role sets: leave it out"


def _misspelt(given: Mapping[str, Any], known: Iterable[str]) -> Iterable[str]:
    """Yield the variables whose beginning is almost that of the roles'."""
    known = frozenset(known)
    names = sorted(known, key=lambda name: len(name) - len(_prefix_of(name)), reverse=True)
    for name in sorted(given.keys() - known):
        meant = next((other for other in names if _is_almost(name, other)), None)
        if meant and not _is_registered(given[name]):
            yield f"{name} is not known (nearest: {meant})"


def _is_almost(name: str, known: str) -> bool:
    """Say whether a name is a known one but for its beginning, which is almost the roles'."""
    prefix = _prefix_of(known)
    plain, word = name.lower().replace("-", "_"), known[len(prefix) :]
    beginning = plain[: -len(word)]
    if not plain.endswith(f"_{word}") or beginning.startswith("_"):
        return False
    near = SequenceMatcher(None, beginning, prefix).ratio() >= _NEAREST
    return near and abs(len(beginning) - len(prefix)) <= _FEW


def _strange(
    given: Mapping[str, Any],
    extra: Mapping[str, Any],
    entry_point: str,
    options: Mapping[str, Iterable[str]],
) -> Iterable[str]:
    known, anywhere = set(options[entry_point]), set().union(*options.values())
    ours = _PREFIXES if entry_point == _GUARDED else PREFIX
    for name in sorted(given):
        if not name.startswith(ours) or name in known | HOW | _FACTS | ARTIFACTS:
            continue
        if name in anywhere and given[name] in ("", None):
            # Empty text means not set.
            continue
        if name == _ALL and boolean(given[name], strict=False):
            # What selects without it works on all anyway.
            continue
        if name in extra or not _is_registered(given[name]):
            yield _unknown(name, known, name in anywhere)


def _split_problems(extra: Mapping[str, Any]) -> Iterable[str]:
    """Yield what Ansible has cut off a value: key=value ends at a blank.

    A filter of which only the beginning is left would select more than was meant.
    """
    ours = [name for name in extra if name.startswith(_PREFIXES)]
    # Ansible puts there what has no equals sign. The other names come from "app=db, tier!=test".
    lost = [name for name in extra if name == "_raw_params" or name.endswith("!")]
    if ours and lost:
        # The text itself is not shown: it may be a part of anything, such as a password.
        yield (
            "the extra variables contain text that belongs to no variable, because key=value ends "
            f"at the first blank: quote the value, such as -e \"{PREFIX}selector='app in (db, "
            "web)'\", or write JSON"
        )


def _selects_nothing(given: Mapping[str, Any], selection: Sequence[str]) -> Iterable[str]:
    names = [f"{PREFIX}{word}" for word in selection]
    everything = boolean(given.get(_ALL, False), strict=False)
    if names and not everything and not any(_is_set(given.get(name)) for name in names):
        yield (
            f"no VMs are selected: set {', '.join(names[:-1])} or {names[-1]}; for every VM set "
            f"{_ALL}=true"
        )


def _is_set(value: Any) -> bool:
    return value not in (None, "", [])


def _wrong_ages(ages: Mapping[str, Any]) -> Iterable[str]:
    for word, age in ages.items():
        try:
            parse_age(str(age))
        except ValueError as error:
            yield f"{PREFIX}{word}: {error}; for example: {PREFIX}{word}=24h"


def _is_registered(value: Any) -> bool:
    """Say whether a value is the result of a task."""
    return isinstance(value, Mapping) and "changed" in value


def _unknown(name: str, known: Iterable[str], anywhere_else: bool) -> str:
    prefix = _prefix_of(name)
    word = name[len(prefix) :]
    words = [other[len(prefix) :] for other in known if other.startswith(prefix)]
    meant = [other for other in _MEANT.get(word, ()) if other in words]
    if not meant and not anywhere_else:
        meant = nearest(word, words, most=1, cutoff=_NEAR)
    found = " or ".join(f"{prefix}{other}" for other in meant)
    if anywhere_else:
        return f"{name} has no effect here: {f'use {found}' if found else 'leave it out'}"
    return f"{name} is not known{f' (nearest: {found})' if found else ': leave it out'}"
