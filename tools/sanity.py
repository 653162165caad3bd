# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run 'ansible-test sanity' of the environment this Python belongs to, without containers.

ansible-test wants a checkout named ansible_collections/NAMESPACE/NAME, real interpreters on PATH
and a script it would download: it gets a copy of the checkout, a PATH and a home of its own.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from checkout import CHECKOUT, copy_to

# Every Python that some supported ansible-core runs on, as controller or as target.
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

# The releases of pip that ansible-core 2.16 to 2.21 fetch an installer of.
BOOTSTRAPPED_PIPS = ("23.1.2", "24.2", "25.2")

# Stands in for that installer: the same pip, without a download from outside the package index.
GET_PIP = """\
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"], stdout=subprocess.DEVNULL)
packages = [word for word in sys.argv[1:] if not word.startswith("--no-")]
subprocess.check_call([sys.executable, "-m", "pip", "install", *packages])
"""


def main() -> int:
    """Run the sanity tests with the arguments given here; exit status is that of ansible-test."""
    core = ".".join(version("ansible-core").split(".")[:2])
    home = prepare_home(CHECKOUT / ".cache" / "ansible-test" / core)
    tool = str(Path(sys.executable).with_name("ansible-test"))
    command = [tool, "sanity", "--local", "--color", "no", *sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "ansible_collections", "spectrocloud", "palette")
        copy_to(copy)
        return subprocess.run(command, cwd=copy, env=environment(home), check=False).returncode


def prepare_home(home: Path) -> Path:
    """Give ansible-test, which passes on few variables, pip's settings and installer as files."""
    write(home / ".config" / "pip" / "pip.conf", pip_configuration())
    for pip in BOOTSTRAPPED_PIPS:
        name = f"get_pip_{pip.replace('.', '_')}.py"
        write(home / ".ansible" / "test" / "cache" / name, GET_PIP)
    return home


def pip_configuration() -> str:
    """Return pip's settings, of files and variables, as one pip.conf; a list is one line."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    settings = {"quiet": "2"}
    for section in ("global.", "install.", ":env:."):  # each overrides the one before it
        for line in (line for line in listing.splitlines() if line.startswith(section)):
            name, value = line[len(section) :].split("=", maxsplit=1)
            settings[name] = " ".join(ast.literal_eval(value).split())
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in settings.items()), ""])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def environment(home: Path) -> dict[str, str]:
    """Return the environment: this one with its own home, and interpreters ahead of any shim."""
    folders = [str(Path(sys.executable).parent), *python_folders()]
    inherited = os.environ.get("PATH", os.defpath).split(os.pathsep)
    folders += [folder for folder in inherited if Path(folder).name != "shims"]
    return {**os.environ, "HOME": str(home), "PATH": os.pathsep.join(folders)}


def python_folders() -> list[str]:
    """Return where the installed interpreters are."""
    finder = str(CHECKOUT / "tools" / "find_python.sh")
    found = [
        subprocess.run([finder, wanted], capture_output=True, text=True, check=False).stdout
        for wanted in PYTHONS
    ]
    return [str(Path(path.strip()).parent) for path in found if path]


if __name__ == "__main__":
    sys.exit(main())
