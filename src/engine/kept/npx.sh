#!/bin/sh
# Starts a program of the project as `npx --no-install` does, without the half second in which npx looks for it.
# Everything else is npx's own affair.
if [ "$1" = --no-install ]; then
  case $2 in
  '' | -* | *[!a-z0-9-]*) ;;
  *)
    dir=$PWD
    while [ -n "$dir" ]; do
      program=$dir/node_modules/.bin/$2
      if [ -x "$program" ]; then
        shift 2
        exec "$program" "$@"
      fi
      dir=${dir%/*}
    done
    ;;
  esac
fi
PATH=${PATH#"${0%/*}:"} exec npx "$@"
