#!/usr/bin/env bash
# lcov_cobertura 2.1.1 (PyPI) keeps a file's last record only when a report has one for each test.
# Seen on 2026-11-30.
#
# Expected: lines that the first test ran and lines that the second ran are all covered, as lcov and genhtml have it; a report
#           put together with `lcov -a one -a two` has a record for each test name (TN) and file.
# Seen:     the second record's counts take the place of the first's: a line that only the first test ran has 0 hits. The
#           file has two lines, the sums say `lines-valid="4"`, and two covered lines of two are a rate of 0.5. No word of it.
#           Functions are told twice too when lcov 2 wrote the report: "7,deposit", not covered, and "deposit".
# So:       bring the records together first (lcov-result-merger, or lcov without test names).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check lcov_cobertura==2.1.1
env/bin/python - <<'PY'
import xml.etree.ElementTree as tree
from lcov_cobertura import LcovCobertura

def record(test, counts):
    lines = "".join(f"DA:{line},{hits}\n" for line, hits in counts)
    return f"TN:{test}\nSF:src/bank.c\n{lines}LF:2\nLH:1\nend_of_record\n"

root = tree.fromstring(LcovCobertura(record("one", [(1, 0), (2, 5)]) + record("two", [(1, 3), (2, 0)]), ".").convert())
lines = [(line.get("number"), line.get("hits")) for line in root.iter("line")]
print(lines, root.get("lines-covered"), root.get("lines-valid"), root.get("line-rate"))
assert lines == [("1", "3"), ("2", "0")]
assert (root.get("lines-covered"), root.get("lines-valid"), root.get("line-rate")) == ("2", "4", "0.5")

root = tree.fromstring(LcovCobertura("TN:\nSF:src/bank.c\nFN:1,7,deposit\nFNDA:3,deposit\nFNF:1\nFNH:1\nDA:1,3\nLF:1\nLH:1\nend_of_record\n", ".").convert())
methods = sorted((method.get("name"), method.find("lines/line").get("hits")) for method in root.iter("method"))
print(methods)
assert methods == [("7,deposit", "0"), ("deposit", "3")]
PY
echo "as described"
