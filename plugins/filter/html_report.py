# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that writes a report on snapshots as a page of HTML."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError
from jinja2 import Environment, StrictUndefined, Template

from ..module_utils._validation.durations import parse_age
from ..plugin_utils.report import STATES, Question, report_on, time_of

DOCUMENTATION = r"""
name: html_report
short_description: Write a report on snapshots as a page of HTML
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - Writes one page that needs no other file and no network. It shows what needs attention first,
    then a grid of virtual machines and days, the sizes of sets, and what expires next.
  - The entry point V(report) of the role P(spectrocloud.palette.vm_snapshot#role) uses it.
options:
  _input:
    description:
      - The registered result of M(spectrocloud.palette.vm_snapshot_info). Of each snapshot it needs
        C(cluster), C(namespace), C(vm_name), C(name), C(set), C(phase), C(ready_to_use),
        C(deleting), C(quiesced), C(creation_time), C(expires_at), C(scheduled_by_palette) and
        C(error).
    type: dict
    required: true
  fleet:
    description:
      - The registered result of M(spectrocloud.palette.vm_info). Of each virtual machine it needs
        C(cluster), C(namespace), C(vm_name), C(creation_time), C(printable_status), C(volumes),
        C(blocked_by), C(newest_snapshot) and C(newest_unusable).
    type: dict
    required: true
  newer_than:
    description: The age up to which a snapshot is recent, such as V(36h), V(7d) or V(2w).
    type: str
    default: 24h
  given:
    description: What else to say of how the report was made, such as its filters, by names.
    type: dict
    default: {}
  made_at:
    description: When it is made, such as V(2026-11-26T08:00:00Z). Now if not set.
    type: str
seealso:
  - module: spectrocloud.palette.vm_snapshot_info
  - module: spectrocloud.palette.vm_info
  - plugin: spectrocloud.palette.to_csv
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List snapshots
  spectrocloud.palette.vm_snapshot_info:
    project: Default
  register: found

- name: List virtual machines
  spectrocloud.palette.vm_info:
    project: Default
  register: fleet

- name: Write the report
  ansible.builtin.copy:
    content: "{{ found | spectrocloud.palette.html_report(fleet=fleet, newer_than='36h') }}"
    dest: /tmp/snapshots.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description:
    - The page. What Palette and the clusters say is only text in it, whatever it is.
    - The grid has up to 31 days, and each table of what needs attention up to 200 rows.
  type: str
"""

_TEMPLATE = Path(__file__).parents[2] / "roles" / "vm_snapshot" / "templates" / "report.html.j2"


def html_report(
    found: Mapping[str, Any],
    fleet: Mapping[str, Any],
    newer_than: str = "24h",
    given: Mapping[str, Any] | None = None,
    made_at: str | None = None,
) -> str:
    """Return a page on the results of vm_snapshot_info and vm_info."""
    _check("a result of vm_snapshot_info", found, "snapshots")
    _check("fleet, a result of vm_info,", fleet, "vms")
    now = time_of(made_at) if made_at else datetime.now(timezone.utc)
    if now is None:
        raise AnsibleFilterError(
            f"html_report: made_at: {made_at!r} is not a time; for example: 2026-11-26T08:00:00Z"
        )
    try:
        recent = parse_age(str(newer_than))
    except ValueError as error:
        raise AnsibleFilterError(f"html_report: newer_than: {error}; for example: 24h") from None
    question = Question(now, str(newer_than), recent, given or {})
    try:
        report = report_on(found, fleet, question)
    except KeyError as error:
        raise AnsibleFilterError(
            f"html_report: a row lacks {error}: add it to fields, or leave fields out"
        ) from None
    return _template().render(report=report, states=STATES)


def _check(what: str, result: Any, rows: str) -> None:
    if not isinstance(result, Mapping) or rows not in result:
        raise AnsibleFilterError(f"html_report takes {what} which has {rows}")


@lru_cache(maxsize=1)
def _template() -> Template:
    # Whatever a server says is text: autoescape, and a policy that lets no other script run.
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["source_hash"] = _source_hash
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _source_hash(text: str) -> str:
    """Return what a Content-Security-Policy calls a script or style of the page."""
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"html_report": html_report}
