#!/usr/bin/env bash
# pg-dump-parser 1.8.1 (npm, the objects of a pg_dump) cuts a function in two at two blank lines.
# Seen on 2026-12-01.
#
# Expected: what pg_dump writes under one head ("-- Name: greet(); Type: FUNCTION …") is whole: a function's body is one statement, whatever is in it.
# Seen:     two blank lines within the body make two objects of the same name: the first ends in the middle of the $$, the second begins there. A table
#           named a:b is a under its head. No error.
# So:       a schema that is sorted, filtered or run object by object has statements that no server takes. Put pieces with the same head together again, with
#           two blank lines between.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts pg-dump-parser@1.8.1
cat > dump.sql <<'SQL'
--
-- PostgreSQL database dump
--

SET statement_timeout = 0;


--
-- Name: greet(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.greet() RETURNS text
    LANGUAGE plpgsql
    AS $$
begin
  -- a pause


  return 'hello';
end
$$;


--
-- Name: a:b; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public."a:b" (
    id integer
);


--
-- PostgreSQL database dump complete
--
SQL
cat > parse.mjs <<'JS'
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parsePgDump } from 'pg-dump-parser';
const objects = parsePgDump(readFileSync('dump.sql', 'utf8')).filter((object) => object.header.Type);
console.log(objects);
assert.deepEqual(objects.map((object) => object.header.Name), ['greet()', 'greet()', 'a']);
assert.match(objects[0].sql, /-- a pause$/);
assert.match(objects[1].sql, /^\s*return 'hello';\nend\n\$\$;$/);
JS
node parse.mjs
echo "as described"
