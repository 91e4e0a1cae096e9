#!/usr/bin/env bash
# github-action-toolkit 0.10.0 (PyPI, workflow commands for GitHub Actions) cuts an annotation at its first line, and writes %0A into outputs.
# Seen on 2026-12-01.
#
# Expected: in a command's message a newline is %0A and a percent sign is %25; in the file of GITHUB_OUTPUT, which takes several lines, they are
#           written as they are. github-action-utils 2.0.0, which has the same functions, does both.
# Seen:     the other way round: error("first\nsecond 100%") prints two lines, of which the second is no annotation;
#           set_output("k", "l1\nl2 100%") writes "l1%0Al2 100%25", and the next step gets that text.
# So:       lists of files and JSON that go from step to step have %0A in them, and the annotation says the first line of a stack alone. Join lines
#           yourself for annotations, and write to GITHUB_OUTPUT yourself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check github-action-toolkit==0.10.0 github-action-utils==2.0.0
cat > use.py <<'PY'
import importlib, sys
actions = importlib.import_module(sys.argv[1])
actions.error("first\nsecond 100%", title="a, b")
actions.set_output("k", "l1\nl2 100%")
PY
for name in github_action_toolkit github_action_utils; do
  : > $name.out
  GITHUB_OUTPUT=$PWD/$name.out env/bin/python use.py $name > $name.log
  cat $name.log $name.out
done
[ "$(grep -c . github_action_toolkit.log)" = 2 ]
grep -qx '::error title=a%2C b::first' github_action_toolkit.log
grep -qx 'second 100%' github_action_toolkit.log
grep -qx 'l1%0Al2 100%25' github_action_toolkit.out
grep -qx '::error title=a%2C b::first%0Asecond 100%25' github_action_utils.log
grep -qx 'l1' github_action_utils.out
echo "as described"
