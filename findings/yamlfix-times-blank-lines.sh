#!/usr/bin/env bash
# yamlfix 1.19.1 (PyPI, a formatter of YAML) takes the quotes off "12:30" and a blank line out of a text.
# Seen on 2026-12-01.
#
# Expected: a formatter changes the form: the values are the same before and after, as they are with on, no, 1.10 and 0644 in quotes, which keep theirs.
# Seen:     "12:30" and "22:22" lose their quotes, which makes 750 and 1342 of them where YAML 1.1 is read (PyYAML, Ruby). A blank line
#           inside a `|` block is deleted, and so is the newline at the end of a block that ends the file: two paragraphs are one.
# So:       times and ports change with a commit that says "formatting". Load the file before and after and compare, as this script does, before
#           a formatter is let loose on YAML that others read.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check yamlfix==1.19.1
printf '%s\n' '---' 'at: "12:30"' 'port: "22:22"' 'version: "1.10"' 'mode: "0644"' 'text: |' '  first' '' '  second' 'last: |' '  third' > file.yaml
cp file.yaml before.yaml
env/bin/yamlfix file.yaml
cat file.yaml
env/bin/pip install --quiet --disable-pip-version-check PyYAML==6.0.3
env/bin/python - <<'PY'
import yaml
before, after = (yaml.safe_load(open(name)) for name in ("before.yaml", "file.yaml"))
changed = {key: (before[key], after[key]) for key in before if before[key] != after[key]}
print(changed)
assert changed == {"at": ("12:30", 750), "port": ("22:22", 1342), "text": ("first\n\nsecond\n", "first\nsecond\n"), "last": ("third\n", "third")}
PY
echo "as described"
