# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster answers: a circuit breaker for the requests about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .deadline import one_attempt
from .errors import ApiError

# Without an answer of the cluster. What is before it may have answered for it, as a gateway does.
_UNANSWERED = ("unreachable", "timeout", "unavailable", "cluster_timeout")
_IN_A_ROW = 3


class Breaker:
    """Opens after a few requests in a row without an answer; any answer closes it.

    A cluster that is silent, or has just let a request time out, is asked without retries: each
    would take a timeout, and later requests tell as well whether it answers again.
    """

    def __init__(self) -> None:
        self.last_error: ApiError | None = None
        self._unanswered = 0

    @property
    def open(self) -> bool:
        """Whether the cluster does not answer at present."""
        return self._unanswered >= _IN_A_ROW

    @property
    def _hangs(self) -> bool:
        return bool(self._unanswered and self.last_error and self.last_error.reason == "timeout")

    @contextmanager
    def watch(self, of_list: bool = False) -> Iterator[None]:
        """Note how the request in this block ends.

        of_list: whether it is for a list. Only of a cluster that is not there it is not found.
        """
        try:
            with one_attempt(self.open or self._hangs):
                yield
        except ApiError as error:
            if error.reason in _UNANSWERED or (of_list and error.reason == "not_found"):
                # Threads may race here: one unanswered request more or less does not matter.
                self._unanswered += 1
                self.last_error = error
            else:
                self._unanswered = 0
            raise
        self._unanswered = 0
