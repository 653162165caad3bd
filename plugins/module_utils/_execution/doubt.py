# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A write of which it is not known whether it was carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._http.errors import ApiError

IN_DOUBT = 60.0  # seconds for a poll to tell what became of a write


class InDoubtError(ApiError):
    """Neither the answer nor a list tells whether a write was carried out.

    unlisted: why the list could not be read, if that is why. listed: whether a list could be read
    since. settle: says what became of the write by a later list, as the write itself would; None or
    False if it was not carried out.
    """

    def __init__(
        self,
        cause: ApiError,
        unlisted: ApiError | None,
        settle: Callable[[Any], Any],
    ) -> None:
        because = (
            f", because the list cannot be read either ({unlisted.message})" if unlisted else ""
        )
        super().__init__(
            cause.reason,
            f"{cause.message}; it is not known whether this was carried out{because}; run the task "
            "again when Palette is reachable",
            outcome_unknown=True,
            transient=cause.transient,
            **cause.facts,
        )
        self.cause = cause
        self.listed = unlisted is None
        self.settle = settle

    @property
    def end(self) -> ApiError:
        """The error when no more lists come: what the last one that could be read says, counts."""
        if not self.listed:
            return self
        self.cause.outcome_unknown = False
        return self.cause
