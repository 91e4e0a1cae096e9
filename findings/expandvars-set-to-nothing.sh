#!/usr/bin/env bash
# expandvars 1.1.2 (PyPI, "expand system variables Unix style", as bash does) takes `-` for `:-`, and passes over what it does not know.
# Seen on 2026-12-01.
#
# Expected: in bash ${E-x} is x only where E is not set, and ${E+x} is x where it is set, also to nothing; ${A%a}, ${A/v/w} and ${A^^} change the value.
#           What is not supported is an error, as ${A:1:-1} is.
# Seen:     for an E that is set to nothing, ${E-x} is x and ${E+x} is nothing. ${A%a}, ${A/v/w} and ${A^^} are the value of A, as it is.
# So:       NO_PROXY= to switch something off does not: the default comes back. And ${FILE%.yaml}.json is file.yaml.json. Use `:-` where both
#           are meant, and change values in Python.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check expandvars==1.1.2
cat > expand.py <<'PY'
import os, subprocess
from expandvars import expandvars
os.environ.update(A="va", E="", FILE="file.yaml")
texts = ["${E-x}", "${E+x}", "${A%a}", "${A/v/w}", "${A^^}", "${FILE%.yaml}.json", "${E:-x}", "${A:1:1}", "${#A}"]
seen = {text: (expandvars(text), subprocess.run(["bash", "-c", f'printf %s "{text}"'], capture_output=True, text=True, check=True).stdout) for text in texts}
print(seen)
assert seen == {"${E-x}": ("x", ""), "${E+x}": ("", "x"), "${A%a}": ("va", "v"), "${A/v/w}": ("va", "wa"), "${A^^}": ("va", "VA"),
                "${FILE%.yaml}.json": ("file.yaml.json", "file.json"), "${E:-x}": ("x", "x"), "${A:1:1}": ("a", "a"), "${#A}": ("2", "2")}
PY
env/bin/python expand.py
echo "as described"
