#!/usr/bin/env bash
# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Runs one check and keeps what it printed:
#   gate.sh NAME COMMAND [ARGUMENT...]
# The output goes to build/logs/NAME.log and the verdict, one line, to build/logs/NAME.verdict. It is shown
# as it comes; with QUIET set, only when the check fails.
set -uo pipefail

name=$1
shift
logs=$(dirname "$0")/../build/logs
mkdir -p "$logs"

if [[ -n ${QUIET:-} ]]; then
    "$@" >"$logs/$name.log" 2>&1 </dev/null
else
    "$@" 2>&1 </dev/null | tee "$logs/$name.log"
fi
status=$?

[[ $status -eq 0 ]] && verdict=passed || verdict=FAILED
[[ -n ${QUIET:-} && $status -ne 0 ]] && cat "$logs/$name.log"
printf '%-6s  %-13s %4d s\n' "$verdict" "$name" "$SECONDS" | tee "$logs/$name.verdict"
exit "$status"
