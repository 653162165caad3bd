# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that shows the warnings of a task whose result is not shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.display import Display

DOCUMENTATION = r"""
name: show_warnings
short_description: Show the warnings of a task whose result is not shown
version_added: 1.0.0
author:
  - Contributors to the spectrocloud.palette collection (@spectrocloud)
description:
  - With C(no_log), Ansible shows no warnings of a task. A result of thousands of rows is better not
    shown, and its warnings are.
options:
  _input:
    description: A registered result.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: List the VMs of a large fleet
  spectrocloud.palette.vm_info:
    project: Default
  register: fleet
  no_log: true

- name: Show how many there are, and what the task warned of
  ansible.builtin.debug:
    msg: "{{ fleet | spectrocloud.palette.in_words + fleet | spectrocloud.palette.show_warnings }}"
"""

RETURN = r"""
_value:
  description: An empty list, so that it can be part of any list.
  type: list
  elements: str
  sample: []
"""


def show_warnings(result: Mapping[str, Any]) -> list[str]:
    """Show a result's warnings; those that were shown before are not shown again."""
    if not isinstance(result, Mapping):
        raise AnsibleFilterError(f"show_warnings takes a dictionary, not a {type(result).__name__}")
    for text in result.get("warnings") or ():
        Display().warning(str(text))
    return []


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        """Return the filters of this file."""
        return {"show_warnings": show_warnings}
