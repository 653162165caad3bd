# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the tests of a cluster's own API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme

from ansible_collections.spectrocloud.palette.plugins.module_utils._kubernetes.client import (
    KubernetesClient,
)
from unit.fakes import Clock, ScriptedServer
from unit.module_utils._kubernetes.clusters import admin_of, ca_of, client_of, kubeconfig, serve


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The cluster's certificate authority."""
    return trustme.CA()


@pytest.fixture
def server(bare_environment: None, authority: trustme.CA) -> Iterator[ScriptedServer]:
    """The server of a cluster's own API, over HTTPS."""
    with serve(authority) as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer, authority: trustme.CA, clock: Clock) -> KubernetesClient:
    """A client that logs in with a certificate, and loses no time between two attempts."""
    return client_of(kubeconfig(server.url, admin_of(authority), **ca_of(authority)))
