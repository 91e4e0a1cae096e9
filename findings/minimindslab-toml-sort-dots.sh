#!/usr/bin/env bash
# minimindslab-toml-sort 0.1.0 (PyPI, sorts the keys of TOML) makes tables of a quoted key with a dot in it.
# Seen on 2026-12-01.
#
# Expected: sorting changes the order and nothing else: "eslint.config" = {…} stays one key.
# Seen:     the quotes go: below [tools] there is now [tools.eslint.config], a table "config" in a table "eslint". Comments are not kept. No error.
# So:       names of files, hosts and packages as keys (versions, per-file rules) are not found any more. pretty-toml-sort 0.0.3 keeps keys and comments.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check minimindslab-toml-sort==0.1.0 pretty-toml-sort==0.0.3
cat > look.py <<'PY'
import tomllib
from minimindslab_toml_sort import sort_toml_text
from pretty_toml_sort import TomlSort
text = '# versions\n[tools]\n"eslint.config" = { new = 1, flat = true }\nalpha = 2\n'
after, peer = sort_toml_text(text), TomlSort(text).sorted()
print(after, peer)
assert tomllib.loads(text)['tools'] == {'eslint.config': {'new': 1, 'flat': True}, 'alpha': 2}
assert tomllib.loads(after)['tools'] == {'eslint': {'config': {'new': 1, 'flat': True}}, 'alpha': 2}
assert '# versions' not in after
assert tomllib.loads(peer) == tomllib.loads(text) and '# versions' in peer
PY
env/bin/python look.py
echo "as described"
