#!/usr/bin/env bash
# strictyaml 1.7.3 (PyPI): setting a value to a text of several lines makes the comment beside it a part of the text.
# Seen on 2026-12-01.
#
# Expected: values can be set and comments stay: document["a"] = "one\ntwo" and as_yaml() read back give that text.
# Seen:     where the line had a comment, `a: 1 # how many`, the block is written with the comment as its last line, and what is read back is
#           "one\ntwo\n   # how many". A text of one line keeps the comment beside it.
# So:       a script, key or note stored so has a line that nobody wrote, and with each such change one more. Take the comment away first.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check strictyaml==1.7.3
env/bin/python -W ignore - <<'PY'
from strictyaml import Map, Str, load
schema = Map({"a": Str(), "b": Str()})

def edited(value, source):
    document = load(source, schema)
    document["a"] = value
    return document.as_yaml()

text = edited("one\ntwo", "a: 1 # how many\nb: 2\n")
print(text)
assert load(text, schema).data["a"] == "one\ntwo\n   # how many"
assert load(edited("three # four", "a: 1 # how many\nb: 2\n"), schema).data["a"] == "three # four"
assert load(edited("one\ntwo", "a: 1\nb: 2\n"), schema).data["a"] == "one\ntwo"
PY
echo "as described"
