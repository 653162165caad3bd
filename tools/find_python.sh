#!/usr/bin/env bash
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Prints the path of an installed Python that can make virtual environments:
#   find_python.sh          the newest of those the collection is developed on
#   find_python.sh 3.12 …   the first installed of these versions
# Each candidate is run before it is believed: a version manager's shim may be on PATH and yet fail, and a
# distribution's Python may come without venv. What is printed is the interpreter itself, never a shim or
# an activated environment's copy.
set -euo pipefail

supported=(3.14 3.13 3.12 3.11 3.10)

search_path=$PATH
for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin \
    "${XDG_DATA_HOME:-$HOME/.local/share}"/uv/python/*/bin /opt/python*/bin /usr/local/bin /opt/homebrew/bin; do
    search_path+=":$folder"
done

# Prints the interpreter behind command $1 when it works and is version $2.
resolve() {
    "$1" -c '
import ensurepip, sys, venv
if "%d.%d" % sys.version_info[:2] != sys.argv[1]:
    sys.exit(1)
print(sys._base_executable)' "$2" 2>/dev/null
}

wanted=("${@:-${supported[@]}}")
for version in "${wanted[@]}"; do
    while read -r candidate; do
        resolve "$candidate" "$version" && exit 0
    done < <(PATH=$search_path type -ap "python$version")
done

echo "No working Python ${*:-3.10 or newer} with venv and ensurepip was found (on Debian: apt install python3-venv)." >&2
exit 1
