# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and stops a simulator from tests, the demo and benchmarks."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PACKAGE = Path(__file__).parent
FLEETS = _PACKAGE / "fleets"
LIMIT = 1800  # seconds: ends what hangs, and is far from what the slowest machine needs


class Simulator:
    """A simulator in a process of its own: `with Simulator.running() as palette: …`."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Mapping[str, Any]) -> None:
        self.process = process
        self.url: str = ready["url"]
        self.ca_file: str | None = ready["ca_file"]
        tls = ssl.create_default_context(cafile=self.ca_file)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=tls)
        )

    @classmethod
    @contextmanager
    def running(
        cls, fleet: str | Path = "demo", program: str = _PACKAGE.name, **options: object
    ) -> Iterator[Simulator]:
        """Run a simulator, or another program in tests/ with its command line.

        `fleet` is a path or the name of a file in fleets/. Options are those of the command line
        with underscores: tls=True, vms=1000, timing="fast", error_style="kubernetes", …
        """
        path = FLEETS / f"{fleet}.yml" if (FLEETS / f"{fleet}.yml").is_file() else Path(fleet)
        with tempfile.TemporaryDirectory(prefix="palette-") as folder:
            ready_file = Path(folder) / "ready.json"
            arguments = ["--fleet", path, "--ready-file", ready_file, *_arguments(options)]
            process = _start(program, arguments)
            try:
                yield cls(process, _await_ready(process, ready_file))
            finally:
                _stop(process)

    def requests(self, operation: str = "") -> list[dict[str, Any]]:
        """The request log so far, of one operation (a handler's name) if given."""
        entries: list[dict[str, Any]] = self._ask("GET", "requests")
        return [entry for entry in entries if operation in ("", entry["operation"])]

    def clear_requests(self) -> None:
        """Forget the request log and its counts."""
        self._ask("DELETE", "requests")

    def inject(self, *faults: Mapping[str, Any]) -> None:
        """Inject faults: dict(action="drop_after", method="POST", path="/snapshot$")."""
        self._ask("POST", "faults", faults)

    def faults(self) -> list[dict[str, Any]]:
        """The faults that still wait for a request."""
        faults: list[dict[str, Any]] = self._ask("GET", "faults")
        return faults

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._ask("DELETE", "faults")

    def sicken(self, cluster: str, kind: str, since: str = "start", api: str = "") -> None:
        """Let a cluster be sick: 503, 403, 500, 404, hang or reset, since start, write or wait.

        api: palette or own, where only one of its APIs fails.
        """
        self._ask("POST", f"sick/{cluster}", {"kind": kind, "since": since, "api": api})

    def heal(self, cluster: str) -> None:
        """Let a cluster be well again."""
        self._ask("DELETE", f"sick/{cluster}")

    def strikes(self, cluster: str) -> int:
        """How many requests a cluster's sickness, healed or not, has struck."""
        for sickness in self._ask("GET", "sick"):
            if cluster in (sickness["cluster"], sickness["uid"]):
                strikes: int = sickness["strikes"]
                return strikes
        raise ValueError(f"cluster {cluster} has not been sick")

    def stats(self) -> dict[str, Any]:
        """Counts: requests, rate_limited, operations, statuses, connections, snapshots and more."""
        stats: dict[str, Any] = self._ask("GET", "stats")
        return stats

    def reset(self) -> None:
        """Start again from the fleet file, with the switches first given."""
        self._ask("POST", "reset")

    def switch(self, **switches: object) -> None:
        """Change switches while it runs."""
        self._ask("POST", "switches", switches)

    def change_vm(self, cluster: str, namespace: str, vm: str, **fields: object) -> None:
        """Change fields of a VM, named as in the fleet file (see VMChange in control.py)."""
        self._ask("POST", f"vms/{cluster}/{namespace}/{vm}", fields)

    def change_cluster(self, cluster: str, **fields: object) -> None:
        """Change the pace of a cluster's storage: cuts_per_second=5, cut_burst=10."""
        self._ask("POST", f"clusters/{cluster}", fields)

    def make_vm(self, cluster: str, namespace: str, vm: str, **fields: object) -> None:
        """Make a VM, with fields named as in the fleet file; one of its name is deleted before."""
        self._ask("PUT", f"vms/{cluster}/{namespace}/{vm}", fields)

    def delete_vm(self, cluster: str, namespace: str, vm: str) -> None:
        """Delete a VM; its snapshots stay."""
        self._ask("DELETE", f"vms/{cluster}/{namespace}/{vm}")

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - always our own server
            f"{self.url}/_simulator/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
        )
        try:
            with self._opener.open(request, timeout=LIMIT) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None


def _arguments(options: Mapping[str, object]) -> list[str]:
    arguments = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(option)
        elif value is not False and value is not None:
            arguments += [option, str(value)]
    return arguments


def _start(program: str, arguments: Sequence[object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", program, "--stop-with-stdin", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(_PACKAGE.parent)},
        stdin=subprocess.PIPE,  # it closes when this process ends in whatever way
        stdout=subprocess.DEVNULL,
    )


def _await_ready(process: subprocess.Popen[bytes], ready_file: Path) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT
    while not ready_file.exists():
        if process.poll() is not None:
            raise RuntimeError(f"the simulator ended with {process.returncode} before it was ready")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the simulator was not ready after {LIMIT} s")
        time.sleep(0.01)
    ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
    return ready


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    finally:
        if process.stdin:
            process.stdin.close()
