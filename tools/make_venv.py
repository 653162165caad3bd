# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment in which this checkout is importable as a collection.

It runs before anything is installed, so it needs the standard library only.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import venv
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]

# uv reads neither pip.conf nor PIP_*: what pip was told about this machine is told to uv as well.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
}
# Sections of pip's configuration, each overriding the one before it.
PIP_SECTIONS = ("global", "install", ":env:")


def main() -> int:
    """Make or extend the environment; exit status 0, or that of the installer that failed."""
    arguments = parse_arguments()
    python = arguments.folder / "bin" / "python"
    if not python.exists():
        venv.create(arguments.folder, clear=True, symlinks=True, with_pip=True)
    status = install(python, ["-r", str(arguments.requirements), *arguments.packages])
    if status == 0:
        link_checkout(python)
    return status


def parse_arguments() -> argparse.Namespace:
    """Read which folder, and what to install there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the environment; made with the running Python")
    parser.add_argument("requirements", type=Path, help="a requirements file of the checkout")
    parser.add_argument("packages", nargs="*", help="further ones, such as 'ansible-core~=2.16.0'")
    return parser.parse_args()


def install(python: Path, packages: list[str]) -> int:
    """Install with uv, which takes seconds, or with pip where uv is not to be had or cannot."""
    pip = [str(python), "-m", "pip"]
    quiet = ["--quiet", "--disable-pip-version-check"]
    if run([*pip, "install", *quiet, "uv>=0.9"]) == 0:
        uv = [str(python), "-m", "uv", "pip", "install", "--quiet", "--compile-bytecode"]
        if run([*uv, "--python", str(python), *packages], uv_environment(pip)) == 0:
            return 0
        print("uv could not install these; trying pip.", file=sys.stderr)
    return run([*pip, "install", *quiet, *packages])


def run(command: list[str], environment: dict[str, str] | None = None) -> int:
    """Run a command from the checkout and return its exit status."""
    return subprocess.run(command, cwd=CHECKOUT, env=environment, check=False).returncode


def uv_environment(pip: list[str]) -> dict[str, str]:
    """Return the environment in which uv installs from where pip would, unless told otherwise."""
    settings = pip_settings(pip)
    translated = {
        uv_name: " ".join(settings[name].split())
        for name, uv_name in UV_NAMES.items()
        if settings.get(name)
    }
    own = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    return own | translated | dict(os.environ)


def pip_settings(pip: list[str]) -> dict[str, str]:
    """Return pip's effective settings by option name, as 'pip config list' tells them."""
    listing = output_of([*pip, "config", "list"])
    found: dict[str, dict[str, str]] = {section: {} for section in PIP_SECTIONS}
    for line in listing.splitlines():
        key, value = line.split("=", maxsplit=1)
        section, name = key.rsplit(".", maxsplit=1)
        found.get(section, {})[name] = ast.literal_eval(value)
    return found["global"] | found["install"] | found[":env:"]


def link_checkout(python: Path) -> None:
    """Make the checkout importable as ansible_collections.spectrocloud.palette."""
    site_packages = output_of(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    )
    link = Path(site_packages.strip(), "ansible_collections", "spectrocloud", "palette")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(CHECKOUT, target_is_directory=True)


def output_of(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
