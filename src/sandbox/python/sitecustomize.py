"""Leads Python's lookups of Aurora DSQL's host names to the sandbox's proxy on this machine.

For clients that look the name up themselves and know no PGHOSTADDR, as asyncpg does. Only the address changes: the host
name stays what it was for TLS and for the token.
"""

import json
import os
import re
import socket
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_HERE = os.path.dirname(os.path.abspath(__file__))
_CLUSTER = re.compile(r"[a-z0-9]+\.dsql\.[a-z0-9-]+\.on\.aws\.?", re.IGNORECASE)
_lookup = socket.getaddrinfo


def _proxy_port(port):
    """Asks each time: a sandbox that was started again may listen on another port."""
    try:
        with open(os.path.join(os.path.dirname(_HERE), "sandbox.json"), encoding="utf-8") as file:
            return int(json.load(file)["dsql_port"])
    except (OSError, ValueError, KeyError):
        return port


def _to_the_sandbox(host, port, *args, **kwargs):
    name = host.decode("latin-1") if isinstance(host, bytes) else host
    if isinstance(name, str) and _CLUSTER.fullmatch(name):
        host = "127.0.0.1"
        if str(port) == "5432":
            port = _proxy_port(port)
    return _lookup(host, port, *args, **kwargs)


socket.getaddrinfo = _to_the_sandbox

# The one that this one stands in front of.
_spec = PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path or ".") != _HERE])
if _spec is not None and _spec.loader is not None:
    _spec.loader.exec_module(module_from_spec(_spec))
