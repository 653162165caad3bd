# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the collection: a one-word reason, a message, and further facts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._validation.problems import Problem, in_one_text

_REASON_BY_STATUS = {
    400: "rejected",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    410: "expired",
    422: "rejected",
    429: "rate_limited",
    500: "server_error",
}


class ApiError(Exception):
    """Why a task failed.

    reason: one word for programs (``not_found``, ``wait_timeout`` …).
    facts: further keys of the failed result, such as ``http_status``, ``code``, ``status``.
    outcome_unknown: a write was sent, but it is not known whether it was carried out.
    transient: the same request may succeed when it is sent again.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        /,
        *,
        outcome_unknown: bool = False,
        transient: bool = True,
        **facts: Any,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.outcome_unknown = outcome_unknown
        self.transient = transient
        self.facts = facts

    def with_facts(self, **facts: Any) -> ApiError:
        """Return this error with more facts, such as the last known state of an object."""
        self.facts.update(facts)
        return self

    def copy(self) -> ApiError:
        """Return the same error, of which more can be said without saying it of this one."""
        return ApiError(
            self.reason,
            self.message,
            outcome_unknown=self.outcome_unknown,
            transient=self.transient,
            **self.facts,
        )

    def result(self) -> dict[str, Any]:
        """Return the keys of a failed Ansible result."""
        return {"msg": self.message, "reason": self.reason, **self.facts}


def invalid_parameters(problems: Iterable[Problem]) -> ApiError:
    """Return the error that reports all problems with the options together."""
    problems = list(problems)
    texts = [str(problem) for problem in problems]
    return ApiError("invalid_parameters", in_one_text(problems), problems=texts)


def reason_of_status(http_status: int) -> str:
    """Return the reason that the HTTP status of an error stands for on its own."""
    if 300 <= http_status < 400:
        return "redirected"
    if http_status > 500:
        return "unavailable"
    return _REASON_BY_STATUS.get(http_status, "rejected")
