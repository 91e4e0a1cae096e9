#!/usr/bin/env bash
# aio-retrying 1.0.3 (PyPI, tries a coroutine again) tries once more than asked and then returns None instead of the error.
# Seen on 2026-12-01.
#
# Expected: attempts=3 calls the function three times, and the third error is raised, as with tenacity 9.1.2.
# Seen:     four calls, and then the decorated function returns None as if it had worked. It raises only if fallback says so.
# So:       a write that never happened looks like one that did. Give fallback=aio_retrying.propagate, and one attempt less.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aio-retrying==1.0.3 tenacity==9.1.2
cat > look.py <<'PY'
import asyncio, aio_retrying, tenacity
def run(decorator):
    calls = []
    @decorator
    async def write():
        calls.append(1)
        raise ValueError('refused')
    try:
        return len(calls), asyncio.run(write()), len(calls)
    except Exception as error:
        return type(error).__name__, len(calls)
seen = run(aio_retrying.retry(attempts=3))
raised = run(aio_retrying.retry(attempts=3, fallback=aio_retrying.propagate))
peer = run(tenacity.retry(stop=tenacity.stop_after_attempt(3), reraise=True))
print(seen, raised, peer)
assert seen == (0, None, 4)
assert raised == ('ValueError', 4)
assert peer == ('ValueError', 3)
PY
env/bin/python look.py
echo "as described"
