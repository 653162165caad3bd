# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of snapshots: a random suffix for one, a template for the members of a set."""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from string import Formatter

from .._validation.kubevirt import (
    NAME_SUFFIX_LENGTH,
    label_value_problem,
    snapshot_name_problem,
)
from .._validation.problems import Problem, option_problem
from .._vms.model import VmKey

TIMESTAMP = "%Y%m%d-%H%M%S"  # in names
_SHARED = timedelta(minutes=1)
_SOME_TIME = datetime(2026, 1, 2, tzinfo=timezone.utc)
_FIELDS = ("vm", "set", "namespace", "timestamp")


def random_suffix() -> str:
    """Return a random suffix. It is chosen here, so that a retry recognizes its own snapshot."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=NAME_SUFFIX_LENGTH))


def member_name(template: str, set_name: str, key: VmKey, now: datetime) -> str:
    """Return the name of a VM's snapshot in the set."""
    return template.format(
        vm=key.vm_name,
        set=set_name,
        namespace=key.namespace,
        timestamp=now.strftime(TIMESTAMP),
    )


def shared_time(now: datetime, unless_newer_than: timedelta) -> datetime:
    """Return the time for the names of a set that needs no snapshot where a recent one exists.

    Runs that begin together derive the same names from it, and Palette takes only one of a name.
    """
    return now.replace(second=0) if unless_newer_than > _SHARED else now


def timestamped(template: str) -> str:
    """Return the template with a timestamp, so that names differ from run to run."""
    return template if "timestamp" in _fields(template) else f"{template}-{{timestamp}}"


def template_problems(template: str) -> list[Problem]:
    """Return the problems with a name template itself."""
    try:
        unknown = sorted(set(_fields(template)) - set(_FIELDS))
        plain = all(not spec and not how for _text, _field, spec, how in _parts(template))
    except ValueError as error:
        return [_template_problem(f"{template!r}: {error}")]
    if unknown or not plain:
        text = f"{template!r} may use only {{vm}}, {{set}}, {{namespace}} and {{timestamp}}"
        return [_template_problem(text)]
    return []


def set_name_problems(set_name: str) -> list[Problem]:
    """Return the problems with a set's name, which becomes the value of a label."""
    text = label_value_problem(set_name) if set_name else "must not be empty"
    return [option_problem("set", text, "nightly")] if text else []


def naming_problems(template: str, set_name: str) -> list[Problem]:
    """Return the problems of the names that a valid template makes with the set's name."""

    def problem_with(name_of_set: str) -> str | None:
        key = VmKey("", "vms", "db1")
        return snapshot_name_problem(member_name(template, name_of_set, key, _SOME_TIME))

    text = problem_with(set_name)
    if text is None:
        return []
    if problem_with("nightly"):
        return [_template_problem(text)]
    # A name that is made up only for this check tells nothing where the set itself is wrong.
    text = snapshot_name_problem(set_name) or text
    lower = set_name.lower()
    example = "nightly" if problem_with(lower) else lower
    return [option_problem("set", f"is part of the snapshots' names, and {text}", example)]


def unusable_names(names: Mapping[VmKey, str]) -> dict[VmKey, str]:
    """Return why a member's name cannot be used: it is no valid name, or another member's too."""
    taken = Counter((key.cluster_uid, key.namespace, name) for key, name in names.items())
    texts = {}
    for key, name in names.items():
        problem = snapshot_name_problem(name)
        if problem:
            hint = "shorten set or name_template, or set `name` in this VM's entry of vms"
            texts[key] = f"VM {key.namespace}/{key.vm_name}: {problem}; {hint}"
        elif taken[key.cluster_uid, key.namespace, name] > 1:
            hint = "set `name` in the VMs' entries of vms, or add {vm} to name_template"
            clash = f"{name!r} would also be the name of another VM's snapshot"
            texts[key] = f"VM {key.namespace}/{key.vm_name}: {clash}; {hint}"
    return texts


def name_problems(texts: Iterable[str]) -> list[Problem]:
    """Return the problems of a template that makes unusable names."""
    return [_template_problem(text) for text in texts]


def _template_problem(text: str) -> Problem:
    return Problem("name_template", text, 'name_template: "{vm}-{set}"')


def _parts(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(Formatter().parse(template))


def _fields(template: str) -> list[str]:
    return [field for _text, field, _spec, _how in _parts(template) if field is not None]
