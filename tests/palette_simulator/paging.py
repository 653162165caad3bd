# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of sorted keys with opaque continue tokens, at the cost of the page alone."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from palette_simulator.errors import KubernetesError, bad_request
from palette_simulator.state import Key


class Page(NamedTuple):
    """Some keys, the token for the next page (empty at the end), and how many follow."""

    keys: list[Key]
    token: str
    remaining: int


class Position(NamedTuple):
    """Where a list goes on: after which key, and since when its first page is known."""

    after: Key | None
    since: float


class _Token(msgspec.Struct, array_like=True):
    namespace: str
    name: str
    since: float


def page_of(keys: Sequence[Key], position: Position, limit: int) -> Page:
    """The page of sorted keys at a position."""
    return page_of_ranges(keys, [(0, len(keys))], position, limit)


def page_in_namespaces(
    keys: Sequence[Key], namespaces: frozenset[str], position: Position, limit: int
) -> Page:
    """The same, of some namespaces only; of all when none is named."""
    if not namespaces:
        return page_of(keys, position, limit)
    ranges = [
        (bisect_left(keys, (namespace, "")), bisect_left(keys, (namespace + "\0", "")))
        for namespace in sorted(namespaces)
    ]
    return page_of_ranges(keys, ranges, position, limit)


def page_of_ranges(
    keys: Sequence[Key], ranges: list[tuple[int, int]], position: Position, limit: int
) -> Page:
    """The page at a position, from ascending index ranges."""
    first = bisect_right(keys, position.after) if position.after else 0
    ahead = [(max(start, first), end) for start, end in ranges if end > max(start, first)]
    found: list[Key] = []
    for start, end in ahead:
        found += keys[start : min(end, start + limit - len(found))]
        if len(found) == limit:
            break
    remaining = sum(end - start for start, end in ahead) - len(found)
    token = encode_token(found[-1], position.since) if remaining else ""
    return Page(found, token, remaining)


def encode_token(key: Key, since: float) -> str:
    """A token to go on after a key, in a list whose first page is from then."""
    token = msgspec.json.encode(_Token(*key, since))
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


# See docs/palette.md, "Paging": all tokens of a list expire together.
def decode_token(text: str, lifetime: float, now: float) -> Position:
    """Where to go on; KubernetesError 400 for a bad token, 410 for an expired one."""
    if not text:
        return Position(None, now)
    try:
        padded = text + "=" * (-len(text) % 4)
        token = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Token)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise bad_request("continue key is not valid") from None
    if now - token.since >= lifetime:
        raise KubernetesError(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result.",
        )
    return Position((token.namespace, token.name), token.since)
