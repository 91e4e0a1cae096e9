#!/usr/bin/env bash
# aws-croniter 2.1.1 (PyPI, EventBridge's cron expressions) never comes to an `L` as the day of the week.
# Seen on 2026-12-01.
#
# Expected: "the L wildcard in the Day-of-month or Day-of-week fields specifies the last day of the month or week" (EventBridge's guide): cron(0 9 ? * L *)
#           is every Saturday, as `? * 7 *` and `? * SAT *` are.
# Seen:     it is taken as valid, and get_next() answers [None, None, None]. 6L, the month's last Friday, is right, and so is L as the day of the month.
# So:       a monitor that waits for the next run waits for none, and "is it due?" says no for ever. Write SAT.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check aws-croniter==2.1.1
env/bin/python - <<'PY'
from datetime import datetime, timezone
from aws_croniter import AwsCroniter
now = datetime(2026, 12, 1, 12, 0, tzinfo=timezone.utc)
seen = {text: [run and run.strftime("%m-%d %a") for run in AwsCroniter(text).get_next(now, 3)] for text in ("0 9 ? * L *", "0 9 ? * SAT *", "0 9 ? * 6L *", "0 9 L * ? *")}
print(seen)
assert seen["0 9 ? * L *"] == [None, None, None]
assert seen["0 9 ? * SAT *"] == ["12-05 Sat", "12-12 Sat", "12-19 Sat"]
assert seen["0 9 ? * 6L *"][0] == "12-25 Fri" and seen["0 9 L * ? *"][0] == "12-31 Thu"
PY
echo "as described"
