# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schema (2020-12) of Palette's error body."""

from __future__ import annotations

from typing import Any

# Written by hand: the VM calls declare no error answers, so nothing in the document leads to it.
# Palette omits what is empty, and `details` is an object, a text or null.
ERROR: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {
        "code": {"type": ["string", "null"]},
        "details": {},
        "message": {"type": ["string", "null"]},
        "ref": {"type": ["string", "null"]},
    },
    "type": "object",
}
