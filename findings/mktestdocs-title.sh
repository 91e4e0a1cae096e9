#!/usr/bin/env bash
# mktestdocs 0.2.5 (PyPI, runs a page's code blocks as tests) passes over blocks that have a title, a space or other fences.
# Seen on 2026-12-01.
#
# Expected: each block of Python on a page is run, as its page says of all that start with "```python": so one with a title or marked lines
#           too, which are ordinary in MkDocs, and what Markdown holds for the same, "``` python" and "~~~python".
# Seen:     only "```python" with nothing behind it is. With `title="app.py"` or `hl_lines="1"` behind it, a space before the
#           name, tildes, or four backticks the block is left out without a word, and a page of nothing else is a passed test.
# So:       giving a block a title switches its test off. Count what grab_code_blocks() finds against the page's fences, or write
#           titles above the fence.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check mktestdocs==0.2.5 markdown-it-py==3.0.0
env/bin/python - <<'PY'
import contextlib, io
from markdown_it import MarkdownIt
from mktestdocs import check_md_file
for fence, runs in [
    ("```python", True),
    ('```python title="app.py"', False),
    ('```python hl_lines="1"', False),
    ("``` python", False),
    ("~~~python", False),
    ("````python", False),
]:
    page = fence + "\nassert False\n" + fence[:4].rstrip("p ").strip() + "\n"
    (token,) = [token for token in MarkdownIt().parse(page) if token.type == "fence"]
    assert token.info.split()[0] == "python" and token.content == "assert False\n", page
    open("page.md", "w").write(page)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            check_md_file("page.md")
        failed = False
    except AssertionError:
        failed = True
    print(fence, "is run" if failed else "is left out")
    assert failed is runs
PY
echo "as described"
