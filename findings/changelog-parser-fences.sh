#!/usr/bin/env bash
# changelog-parser 3.0.1 (npm, a CHANGELOG.md as JSON) makes a version of each comment in a code block.
# Seen on 2026-12-01.
#
# Expected: `# install` and `## 2.0.0` inside a fenced block are code: the changelog has the version 1.1.0 and all that follows up to the next heading.
# Seen:     three versions: 1.1.0 ends within the block, "install" has no number, and the third is 2.0.0, with the line "Fixed" of 1.1.0 in it. No
#           error.
# So:       a release made from it takes 2.0.0 for a version that there is, or loses what was fixed. Indent code in a changelog by four blanks.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts changelog-parser@3.0.1
cat > CHANGELOG.md <<'MD'
# Changelog

## 1.1.0 - 2026-11-01

### Added

- a command

```sh
# install
## 2.0.0
make
```

### Fixed

- a fault

## 1.0.0 - 2026-10-01

- first
MD
cat > parse.cjs <<'JS'
const assert = require('node:assert/strict');
require('changelog-parser')('CHANGELOG.md').then(({ versions }) => {
  console.log(JSON.stringify(versions, null, 1));
  assert.deepEqual(versions.map((version) => [version.title, version.version]), [['1.1.0 - 2026-11-01', '1.1.0'], ['install', null], ['2.0.0', '2.0.0'], ['1.0.0 - 2026-10-01', '1.0.0']]);
  assert.equal(versions[0].parsed.Fixed, undefined);
  assert.deepEqual(versions[2].parsed.Fixed, ['a fault']);
});
JS
node parse.cjs
echo "as described"
