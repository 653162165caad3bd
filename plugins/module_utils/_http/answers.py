# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a complete answer holds: a JSON object, or something that is none of the API's."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, NamedTuple

from .errors import ApiError
from .retry import READS
from .transport import LARGEST_ANSWER

_HALF_OF_A_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")

Json = dict[str, Any]


class Answer(NamedTuple):
    """A complete HTTP answer."""

    status: int
    content_type: str
    body: bytes

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode(errors="replace")


def object_in(answer: Answer, method: str, path: str) -> Json:
    """Return the JSON object in an answer, or raise ``malformed_response``."""
    problem = f"is larger than {LARGEST_ANSWER >> 20} MiB"
    if len(answer.body) <= LARGEST_ANSWER:
        with suppress(ValueError, RecursionError):
            found = _loaded(answer.body)
            if isinstance(found, dict):
                return found
        problem = "is not a JSON object"
    raise ApiError(
        "malformed_response",
        f"{method} {path}: HTTP {answer.status}: the answer ({answer.content_type}) "
        f"{problem}; perhaps a proxy or another server is at this host",
        outcome_unknown=method not in READS,
        http_status=answer.status,
    )


def foreign(answer: Answer, method: str, path: str, whose: str) -> ApiError:
    """Return the error for an answer that the API would not give. whose: the API's name.

    A portal in between may answer anything with a status that sounds like success.
    """
    return ApiError(
        "malformed_response",
        f"{method} {path}: HTTP {answer.status} ({answer.content_type}) is not an answer of "
        f"{whose}; perhaps a proxy or another server is at this host",
        outcome_unknown=method not in READS,
        http_status=answer.status,
    )


def _loaded(body: bytes) -> Any:
    # Of bytes, json would also take halves of characters, which are no UTF-8.
    found = json.loads(body.decode("utf-8-sig"))
    if _HALF_OF_A_CHARACTER.search(body):
        # Ansible could not pass on a result with one.
        found = json.loads(json.dumps(found, ensure_ascii=False).encode(errors="replace"))
    return found
