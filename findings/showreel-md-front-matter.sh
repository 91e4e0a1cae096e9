#!/usr/bin/env bash
# showreel 0.3.1 (PyPI): `showreel md` writes a front matter that is no YAML when the recording has a marker.
# Seen on 2026-12-01.
#
# Expected: the page that it makes of a recording, with title, duration and chapters between two `---`, can be read by what reads pages:
#           Hugo, Jekyll, python-frontmatter.
# Seen:     a chapter is `- "name" @ 00:00:05`, a quoted text with something behind it, which YAML refuses, so the whole front matter is
#           unreadable: PyYAML 6.0.3 stops with an error, js-yaml 4.1.1 too. Without markers it is fine. Exit code 0.
# So:       a site's build stops at the first recording with chapters. Leave the markers out (`convert --strip-markers`) before, or take the
#           lines of `chapters:` out of the page; they stand in its text a second time.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts js-yaml@4.1.1
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check showreel==0.3.1 PyYAML==6.0.3
cat > lesson.cast <<'CAST'
{"version": 2, "width": 40, "height": 6, "timestamp": 1700000000}
[1.0, "o", "first\r\n"]
[5.0, "m", "second step"]
[7.0, "o", "second\r\n"]
CAST
grep -v '"m"' lesson.cast > plain.cast
for name in lesson plain; do env/bin/showreel md $name.cast --quiet -o $name.md; done
sed -n 1,9p lesson.md
env/bin/python - <<'PY'
import yaml
front = lambda name: yaml.safe_load(open(name).read().split("---\n")[1])
assert front("plain.md")["title"] == "plain"
try:
    front("lesson.md")
except yaml.YAMLError as error:
    print(type(error).__name__)
else:
    raise SystemExit("it can be read")
PY
cat > read.mjs <<'JS'
import assert from 'node:assert/strict';
import fs from 'node:fs';
import yaml from 'js-yaml';
const front = (name) => yaml.load(fs.readFileSync(name, 'utf8').split('---\n')[1]);
assert.equal(front('plain.md').title, 'plain');
assert.throws(() => front('lesson.md'), yaml.YAMLException);
JS
node read.mjs
echo "as described"
