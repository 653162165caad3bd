# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: ready file, TLS, log file, stop, and errors at the start."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from palette_simulator import ceiling
from palette_simulator.launch import FLEETS, LIMIT, Simulator
from palette_simulator.probe import Probe, is_ready, snapshot_body

TESTS = FLEETS.parents[1]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "palette_simulator", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with Simulator.running() as palette:
        assert palette.stats()["requests"] == 0
        palette.process.send_signal(number)
        assert palette.process.wait(timeout=LIMIT) == 0
    assert palette.process.returncode == 0


def test_it_stops_when_its_starter_is_gone(tmp_path: Path) -> None:
    with Simulator.running() as palette:
        assert palette.process.stdin
        palette.process.stdin.close()
        assert palette.process.wait(timeout=LIMIT) == 0


HEAD = (
    b"POST /v1/spectroclusters/c/vms/db1/snapshot?namespace=vms HTTP/1.1\r\n"
    b"Host: palette\r\nApiKey: demo-key\r\nContent-Length: 1000\r\n\r\n"
)


@pytest.mark.parametrize("tls", [False, True])
def test_clients_that_are_killed_leave_no_trace(
    capfd: pytest.CaptureFixture[str], tls: bool
) -> None:
    with Simulator.running(tls=tls) as palette:
        for sent in (b"", HEAD[:60], HEAD, HEAD + b"{", HEAD + b"{" * 1000):
            for reset in (False, True):
                be_killed(palette, sent, reset)
                assert palette.stats()["vms"] > 0
    assert capfd.readouterr().err == ""


def be_killed(palette: Simulator, sent: bytes, reset: bool) -> None:
    """Be a client that sends this and is gone. reset: without a proper end of the connection."""
    port = int(palette.url.rpartition(":")[2])
    with ExitStack() as stack:
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        if reset:
            linger_not = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not)
        if palette.ca_file and sent:
            tls = ssl.create_default_context(cafile=palette.ca_file)
            client = stack.enter_context(tls.wrap_socket(client, server_hostname="127.0.0.1"))
        client.sendall(sent)


def test_the_ready_file_comes_and_goes(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "palette_simulator", "--ready-file", str(ready)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        while not ready.exists():
            assert process.poll() is None
        told = json.loads(ready.read_text())
        process.terminate()
        assert process.wait(timeout=LIMIT) == 0
    assert told["url"] in line
    assert told["url"].startswith("http://127.0.0.1:")
    assert (told["pid"], told["ca_file"]) == (process.pid, None)
    assert list(tmp_path.iterdir()) == []


def test_https_is_trusted_by_its_own_ca_only() -> None:
    with Simulator.running(fleet="test", tls=True) as palette, Probe.of(palette) as probe:
        assert palette.url.startswith("https://127.0.0.1:")
        assert probe.vms("GET").status_code == 200
        assert palette.stats()["requests"] == 1
        with Probe.of(palette) as stranger:
            stranger.session.verify = True
            with pytest.raises(requests.exceptions.SSLError):
                stranger.vms("GET")
        palette.inject({"action": "drop_before"})
        with pytest.raises(requests.ConnectionError):
            probe.vms("GET")
    assert palette.ca_file
    assert not Path(palette.ca_file).exists()


@pytest.mark.parametrize("bodies", [False, True])
def test_requests_are_logged_to_a_file(tmp_path: Path, bodies: bool) -> None:
    log = tmp_path / "requests.jsonl"
    with (
        Simulator.running(fleet="test", request_log=log, log_bodies=bodies) as palette,
        Probe.of(palette) as probe,
    ):
        probe.create("db1", "s")
        probe.vms("GET", "snapshot", vmName="db1")
    create, listed = (json.loads(line) for line in log.read_text().splitlines())
    assert (create["method"], create["operation"], create["status"]) == (
        "POST", "create_snapshot", 200,
    )  # fmt: skip
    assert create["query"] == "namespace=vms"
    assert create["headers"]["projectuid"] == probe.project
    assert "demo-key" not in log.read_text()
    if bodies:
        assert create["request"]["metadata"]["name"] == "s"
        assert listed["response"]["items"][0]["metadata"]["name"] == "s"
    else:
        assert "response" not in listed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fleet", "absent.yml"], "absent.yml"),
        (["--timing", "quick"], "timing quick: not one of real, fast, instant, spread"),
        (["--error-style", "loud"], "invalid choice: 'loud'"),
    ],
)
def test_a_bad_start_is_explained(arguments: list[str], words: str) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr


def test_many_clusters_with_slow_storage_can_be_asked_for() -> None:
    options: dict[str, Any] = {"clusters": 3, "vms": 5, "cuts_per_second": 0, "timing": "instant"}
    with Simulator.running(**options) as palette, Probe.of(palette) as probe:
        assert palette.stats()["vms"] == 6 + 5
        probe.project = ""
        palette.switch(tenant_scope="all")
        clusters = probe.call("GET", "dashboard/spectroclusters/vms").json()["items"]
        uids = {item["metadata"]["name"]: item["metadata"]["uid"] for item in clusters}
        assert uids.keys() == {"vm-cluster-1", "edge-001", "edge-002", "edge-003"}
        probe.cluster = uids["edge-003"]
        for vm in ("vm-00004", "vm-00005"):
            body = snapshot_body(vm, vm, failureDeadline="1s")
            assert probe.vms("POST", f"{vm}/snapshot", body, namespace="fleet").ok
        listed = probe.vms("GET", "snapshot").json()["items"]
        assert [is_ready(snapshot) for snapshot in listed] == [True, False]


def test_a_start_that_fails_is_told_to_the_test() -> None:
    with pytest.raises(RuntimeError, match="ended with 2"), Simulator.running(fleet="absent.yml"):
        pass


def test_the_ceiling_is_measured() -> None:
    rates = ceiling.measure(vms=60, requests=500)
    assert len(rates) == 4
    assert all(rate > 0 for rate in rates.values())
