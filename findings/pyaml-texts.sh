#!/usr/bin/env bash
# pyaml 26.7.0 (PyPI, "a bit more pretty and readable YAML") loses a blank line at the end of a text, and writes texts that others read as numbers.
# Seen on 2026-12-01.
#
# Expected: what it writes is read back as what was given: a text that ends in a blank line ends so, and the texts "0o17" and "1e3" are in quotes, as it
#           puts "1.10", "012" and "on" in them.
# Seen:     "a\n\n" is written as a block that is read back as "a\n", by PyYAML too. "0o17" and "1e3" have no quotes: for readers of YAML 1.2
#           (ruamel.yaml, js-yaml, Go's) they are the numbers 15 and 1000.
# So:       a commit's short hash such as 1234e56 is a number in the next program. Use yaml.safe_dump() for what is read by machines; give hashes a letter.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check pyaml==26.7.0 ruamel.yaml==0.18.16
env/bin/python - <<'PY'
import pyaml, yaml
from ruamel.yaml import YAML
seen = {}
for value in ("a\n\n", "0o17", "1e3", "1.10", "012", "on"):
    text = pyaml.dump({"k": value})
    seen[value] = (yaml.safe_load(text)["k"], YAML(typ="safe", pure=True).load(text)["k"])
print(seen)
assert seen["a\n\n"] == ("a\n", "a\n")
assert seen["0o17"] == ("0o17", 15) and seen["1e3"] == ("1e3", 1000)
assert all(seen[value] == (value, value) for value in ("1.10", "012", "on"))
assert yaml.safe_load(yaml.safe_dump({"k": "a\n\n"}))["k"] == "a\n\n"
PY
echo "as described"
