#!/usr/bin/env bash
# texttable 1.7.2 (PyPI, tables in a terminal) shows the text "123456789012" as 1.235e+11.
# Seen on 2026-12-01.
#
# Expected: what is given as text is shown as it is; prettytable 3.18.0 does so.
# Seen:     every text that could be a number is made one: an account's identifier is 1.235e+11, version 1.10 is 1.100 and 3.0 is 3, 0012 is 12, 1_000
#           is 1000 and 1e5 is 100000. tabulate 0.10.0 does it in a column of which all could be numbers: 1.10 is 1.1, 1e5 is 100000.
# So:       lists of accounts, ports with leading zeros, versions and commit hashes (12e4567) are wrong on the screen. Call
#           set_cols_dtype(["t", …]); for tabulate, disable_numparse=True.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check texttable==1.7.2 tabulate==0.10.0 prettytable==3.18.0
env/bin/python - <<'PY'
import prettytable, tabulate, texttable

values = ["123456789012", "1.10", "3.0", "0012", "1_000", "1e5"]
def cells(text):
    return [line.strip("|").strip() for line in text.splitlines() if line.startswith("|")]

def first(dtype=None):
    table = texttable.Texttable()
    if dtype: table.set_cols_dtype(dtype)
    table.add_rows([[value] for value in values], header=False)
    return cells(table.draw())

second = [line.split() for line in tabulate.tabulate([["1.10", "1e5"], ["1.9", "2e3"]]).splitlines()[1:-1]]
third = prettytable.PrettyTable(["v"]); third.add_rows([[value] for value in values])
print(first(), second, cells(str(third)))
assert first() == ["1.235e+11", "1.100", "3", "12", "1000", "100000"]
assert first(["t"]) == values and cells(str(third))[1:] == values
assert second == [["1.1", "100000"], ["1.9", "2000"]]
PY
echo "as described"
