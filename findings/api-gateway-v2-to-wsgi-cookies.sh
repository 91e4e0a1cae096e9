#!/usr/bin/env bash
# api-gateway-v2-to-wsgi 1.1.1 (PyPI, a WSGI application behind an HTTP API or a function URL) keeps one of two cookies.
#
# Expected: an answer with two Set-Cookie headers comes back with both in the list `cookies`, which is where the payload format 2.0, the
#           only one that the package is for, has them, as apig-wsgi 2.20.0 writes it.
# Seen:     there is no such list. The two are joined with a comma into one header, `Set-Cookie: session=1; Path=/,csrf=2; Path=/`. In this
#           header a comma does not separate (a date has one), so a client reads one cookie named session, and csrf is lost.
# So:       a login sets its session and drops the token beside it, or the other way round, only in AWS and not in the local server.
#           Use apig-wsgi, or set one cookie per answer.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
python3 -m venv env >/dev/null
env/bin/pip install --quiet --disable-pip-version-check api-gateway-v2-to-wsgi==1.1.1 apig-wsgi==2.20.0
env/bin/python - <<'PY'
import json
import api_gateway_v2_to_wsgi, apig_wsgi

HOST = "abc.lambda-url.us-east-1.on.aws"
EVENT = {
    "version": "2.0", "routeKey": "$default", "rawPath": "/login", "rawQueryString": "", "isBase64Encoded": False,
    "cookies": ["theme=dark", "lang=en"], "headers": {"host": HOST, "x-forwarded-proto": "https", "x-forwarded-port": "443"},
    "requestContext": {"domainName": HOST, "stage": "$default", "requestId": "1",
                       "http": {"method": "GET", "path": "/login", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"}}}

def login(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "csrf=2; Path=/")])
    return [b"welcome"]

seen = {}
for module in (api_gateway_v2_to_wsgi, apig_wsgi):
    answer = module.make_lambda_handler(login)(json.loads(json.dumps(EVENT)), None)
    seen[module.__name__] = answer
    print(f"{module.__name__}: cookies={answer.get('cookies')} headers={answer['headers']}")
joined = seen["api_gateway_v2_to_wsgi"]
header = {name.lower(): value for name, value in joined["headers"].items()}["set-cookie"]
read = header.split(";")[0]        # RFC 6265: the cookie is what stands before the first semicolon, the rest are its attributes
print("a client reads:", read, "with", header.split(";")[1:])
assert "cookies" not in joined and header == "session=1; Path=/,csrf=2; Path=/" and read == "session=1"
assert seen["apig_wsgi"]["cookies"] == ["session=1; Path=/", "csrf=2; Path=/"]
PY
echo "as described"
