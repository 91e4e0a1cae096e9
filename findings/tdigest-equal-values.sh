#!/usr/bin/env bash
# tdigest 0.1.3 (npm) and tdigest 0.5.2.2 (PyPI) answer with percentiles that are far from any measured value when many values are equal.
# Seen on 2026-12-01.
#
# Expected: of 99 latencies of 10 ms and one of 1000 ms the median, the 90th and the 98th percentile are 10 ms, or within a percent of that,
#           as fastdigest 0.12.0 (PyPI) has it; a t-digest is there for such tails.
# Seen:     both say 19.9, 811.9 and 970.3: equal values become one point of weight 99, and what lies between it and the next point is a
#           straight line. No setting and no compress() changes it. Through prom-client 15.1.3, whose Summary is made of it, the same
#           numbers are in the metrics.
# So:       whole milliseconds, sizes and counts (anything that repeats) show a service as slow that is not, with one outlier in a hundred.
#           Use a histogram, or add a fraction at random to each value.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts tdigest@0.1.3 prom-client@15.1.3
cat > digest.cjs <<'JS'
const assert = require('node:assert/strict');
const { TDigest } = require('tdigest');
const { Summary } = require('prom-client');
(async () => {
  const values = [...Array(99).fill(10), 1000], shares = [0.5, 0.9, 0.98];
  const digest = new TDigest();
  const summary = new Summary({ name: 'ms', help: 'ms', percentiles: shares });
  for (const value of values) { digest.push(value); summary.observe(value); }
  digest.compress();
  const seen = [19.9, 811.9, 970.3];
  const round = (n) => Math.round(n * 10) / 10;
  const found = shares.map((share) => round(digest.percentile(share)));
  const metrics = (await summary.get()).values.filter((v) => v.labels.quantile).map((v) => round(v.value));
  console.log(found, metrics);
  assert.deepEqual(found, seen);
  assert.deepEqual(metrics, seen);
})();
JS
node digest.cjs
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check tdigest==0.5.2.2 fastdigest==0.12.0
env/bin/python - <<'PY'
from tdigest import TDigest
from fastdigest import TDigest as Other
values = [10] * 99 + [1000]
digest = TDigest()
digest.batch_update(values)
digest.compress()
found = [round(digest.percentile(share), 1) for share in (50, 90, 98)]
other = [round(Other.from_values(values).percentile(share), 1) for share in (50, 90, 98)]
print(found, other)
assert found == [19.9, 811.9, 970.3]
assert other == [10, 10, 10]
PY
echo "as described"
