#!/usr/bin/env bash
# The composite action (action.yml): install this checkout, judge the range, annotate, summarise.
set -euo pipefail

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "::error title=npm-vetted::$PYTHON is older than 3.11; name another in the input 'python'" >&2
    exit 3
fi
environment=$RUNNER_TEMP/npm-vetted
"$PYTHON" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --only-binary :all: \
    --no-binary npm-vetted "$GITHUB_ACTION_PATH"

read -r -a arguments <<<"$ARGUMENTS"
vetted=("$environment/bin/npm-vetted" check --ci ${arguments[@]+"${arguments[@]}"})
status=0
"${vetted[@]}" --format github || status=$?
"${vetted[@]}" --format markdown >>"$GITHUB_STEP_SUMMARY" 2>/dev/null || true
exit "$status"
