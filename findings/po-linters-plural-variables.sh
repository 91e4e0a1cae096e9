#!/usr/bin/env bash
# lint-po 0.1.5 and dennis 1.3.0 (PyPI, faults in gettext translations) look at no plural for what is missing.
# Seen on 2026-12-01.
#
# Expected: of msgid "%d file" and msgid_plural "%d files" the translation "Dateien" as msgstr[1] is reported, as "fehlt" for "missing %s" is, and as
#           msgfmt -c does it: the number is gone.
# Seen:     both pass the file. "%d %s Dateien" is reported, for the %s that is too much.
# So:       the page says "Dateien" for 5 files, and for Python's % the program stops with "not all arguments converted". Use msgfmt -c.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check lint-po==0.1.5 dennis==1.3.0
head='msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n#, python-format\n'
printf "$head"'msgid "missing %%s"\nmsgstr "fehlt"\n' > single.po
printf "$head"'msgid "%%d file"\nmsgid_plural "%%d files"\nmsgstr[0] "%%d Datei"\nmsgstr[1] "Dateien"\n' > plural.po
printf "$head"'msgid "%%d file"\nmsgid_plural "%%d files"\nmsgstr[0] "%%d Datei"\nmsgstr[1] "%%d %%s Dateien"\n' > more.po
told() { if "$@" > out.txt 2>&1; then echo 0; else echo 1; fi; }
for file in single.po plural.po more.po; do
  echo "$file lint-po $(told env/bin/lint-po $file) dennis $(told env/bin/dennis-cmd lint $file)"
done | tee said.txt
diff said.txt - <<'SEEN'
single.po lint-po 1 dennis 1
plural.po lint-po 0 dennis 0
more.po lint-po 1 dennis 1
SEEN
if env/bin/python -c 'print("Dateien" % 5)' 2> out.txt; then exit 1; fi
grep 'not all arguments converted' out.txt
echo "as described"
