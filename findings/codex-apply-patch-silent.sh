#!/usr/bin/env bash
# codex-apply-patch 0.4.0 (PyPI, applies "*** Begin Patch" blocks to files) says nothing when a patch does not apply.
#
# Expected: apply_patch() raises when lines to be replaced are not in the file, as its apply_patch_in_memory() does, and when the
#           file is not there; and where the second file of a patch fails, the first is left as it was.
# Seen:     it returns an empty string, no exception, for all of these. Of a patch of two files the first is then changed and the
#           second is not. The only sign is that the text "Success. Updated the following files" is missing.
# So:       a script, or an agent's tool, goes on with half of an edit and believes it done. Take an empty answer as a failure, and
#           put the files back yourself.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check codex-apply-patch==0.4.0
env/bin/python - <<'PY'
import pathlib
from codex_apply_patch import apply_patch, apply_patch_in_memory

first, second = pathlib.Path("table.sql"), pathlib.Path("index.sql")
first.write_text("create table open (\n  id int\n);\n")
second.write_text("create index async on open (id);\n")

def update(name, old, new):
    return f"*** Update File: {name}\n@@\n-{old}\n+{new}\n"

def patch(*parts):
    return "*** Begin Patch\n" + "".join(parts) + "*** End Patch\n"

good = update("table.sql", "  id int", "  id uuid")
stale = update("index.sql", "create index on open (id);", "create index async on open (rank);")

alone = apply_patch(patch(stale))
print("one stale file:     ", repr(alone))
absent = apply_patch(patch(update("absent.sql", "a", "b")))
print("a file not there:   ", repr(absent))
half = apply_patch(patch(good, stale))
print("good file and stale:", repr(half))
print("table.sql is now:   ", repr(first.read_text()))
print("index.sql is now:   ", repr(second.read_text()))
try:
    apply_patch_in_memory(patch(stale), {"index.sql": second.read_text()})
    in_memory = "no error"
except Exception as error:
    in_memory = type(error).__name__
print("the same in memory: ", in_memory)
changed = (first.read_text(), second.read_text())
first.write_text("create table open (\n  id int\n);\n")
fine = apply_patch(patch(good))
print("a good file alone:  ", repr(fine))
assert (alone, absent, half) == ("", "", "")
assert "id uuid" in changed[0] and changed[1] == "create index async on open (id);\n"
assert in_memory == "RuntimeError" and fine.startswith("Success")
PY
echo "as described"
