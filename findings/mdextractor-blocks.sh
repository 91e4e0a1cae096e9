#!/usr/bin/env bash
# mdextractor 2025.4.231259 (PyPI, the code blocks of a Markdown text) makes code of the fence's line, and takes the first line's indentation off.
# Seen on 2026-12-01.
#
# Expected: what stands between the fences, as it is; four backticks hold three, and tildes are a fence too.
# Seen:     the language is known as one word of letters only: blocks of c++ and shell-session begin with "c++" and "shell-session", one with a
#           title with title="a". An indented first line loses its indentation alone, so that the second is too deep. Of a block in four backticks come
#           "`md" and an empty text, of one in tildes nothing.
# So:       taken code is run or saved with a foreign first line, and Python refuses it. Use a Markdown parser (markdown-it-py 4.0.0 has all of them right).
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check mdextractor==2025.4.231259 markdown-it-py==4.0.0
cat > blocks.py <<'PY'
from markdown_it import MarkdownIt
from mdextractor import extract_md_blocks
for text, seen, right in [
    ("```c++\nint a;\n```", ["c++\nint a;"], ["int a;\n"]),
    ("```shell-session\n$ ls\n```", ["shell-session\n$ ls"], ["$ ls\n"]),
    ('```py title="a"\nx\n```', ['title="a"\nx'], ["x\n"]),
    ("```python\n    x = 1\n    y = 2\n```", ["x = 1\n    y = 2"], ["    x = 1\n    y = 2\n"]),
    ("````md\n```sh\nls\n```\n````", ["`md", ""], ["```sh\nls\n```\n"]),
    ("~~~sh\nls\n~~~", [], ["ls\n"]),
    ("```sh\nls\n```", ["ls"], ["ls\n"]),
]:
    found, fences = extract_md_blocks(text), [token.content for token in MarkdownIt().parse(text) if token.type == "fence"]
    print(found, fences)
    assert found == seen and fences == right
PY
env/bin/python blocks.py
echo "as described"
