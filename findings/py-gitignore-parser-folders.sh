#!/usr/bin/env bash
# gitignore_parser 0.1.13 (PyPI) does not count the files in an ignored folder when its pattern has no slash at the end.
# Seen on 2026-12-01.
#
# Expected: with `node_modules` in a .gitignore each file below such a folder is ignored, as git has it and as its own answer for
#           `node_modules/` is; its description promises the specification.
# Seen:     only the folder itself matches, node_modules/a/index.js does not. The same for `*.egg-info`, `**/tmp`, `/dir/*` and for
#           `*`: with "*" and "!*.py" the file sub/a.py, which git ignores with its folder, is not. With a slash at the end all is right.
# So:       a list of files that is filtered by it (a walk with pathlib's rglob, a list from an archive) is full of ignored ones. Ask for
#           each parent folder as well, or use pathspec 0.12.1, which has all of these but the last.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check gitignore_parser==0.1.13 pathspec==0.12.1
env/bin/python - <<'PY'
import subprocess
from pathlib import Path
from gitignore_parser import parse_gitignore
from pathspec import GitIgnoreSpec
for number, (lines, name, git, seen) in enumerate([
    ("node_modules/\n", "node_modules/a/index.js", True, True),
    ("node_modules\n", "node_modules/a/index.js", True, False),
    ("node_modules\n", "packages/b/node_modules/index.js", True, False),
    ("*.egg-info\n", "x.egg-info/PKG-INFO", True, False),
    ("**/tmp\n", "a/tmp/b", True, False),
    ("/dir/*\n", "dir/other/f", True, False),
    ("*\n!*.py\n", "sub/a.py", True, False),
    ("*.log\n", "sub/a.log", True, True),
]):
    root = Path(str(number)).resolve()
    root.mkdir()
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).touch()
    (root / ".gitignore").write_text(lines)
    subprocess.run(["git", "init", "--quiet", root], check=True)
    right = subprocess.run(["git", "-C", root, "check-ignore", "--quiet", name]).returncode == 0
    found = parse_gitignore(root / ".gitignore")(root / name)
    other = GitIgnoreSpec.from_lines(lines.splitlines()).match_file(name)
    print(repr(lines), name, found, "git:", right, "pathspec:", other)
    assert right is git
    assert other is git or name == "sub/a.py"
    assert bool(found) is seen
PY
echo "as described"
