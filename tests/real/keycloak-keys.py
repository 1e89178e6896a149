"""Rotates the signing keys of a running Keycloak's realm, one step at a time, by its administration interface.
Standard library only. Prints KID=<the key that signs now> and KIDS=<all RS256 keys published, by blanks>.
usage: keycloak-keys.py KEYCLOAK_URL REALM publish|switch|drop
publish: a new key is in the JWKS, and signs nothing yet. switch: the newest key signs, the others still verify.
drop: the others are gone from the JWKS.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

base, realm, step = sys.argv[1:]
web = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback, whatever proxy is set


def call(method, path, body=None, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if isinstance(body, dict):
        body = json.dumps(body).encode()
    elif body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    request = urllib.request.Request(base + path, data=body, headers=headers, method=method)
    with web.open(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


login = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": "admin"}
form = urllib.parse.urlencode(login).encode()
token = call("POST", "/realms/master/protocol/openid-connect/token", form)["access_token"]
admin = f"/admin/realms/{realm}"
owner = call("GET", admin, token=token)["id"]
providers = f"{admin}/components?parent={owner}&type=org.keycloak.keys.KeyProvider"
signing = [p for p in call("GET", providers, token=token) if p["providerId"] in ("rsa-generated", "rsa")]


def priority(provider):
    return int(provider["config"].get("priority", ["0"])[0])


def update(provider, **config):
    provider["config"].update({key: [value] for key, value in config.items()})
    call("PUT", f"{admin}/components/{provider['id']}", provider, token)


newest = max(signing, key=priority)
if step == "publish":
    config = {"priority": str(priority(newest) + 1), "enabled": "true", "active": "false", "algorithm": "RS256"}
    component = {
        "name": f"rotated-{time.time_ns()}",
        "providerId": "rsa-generated",
        "providerType": "org.keycloak.keys.KeyProvider",
        "parentId": owner,
        "config": {key: [value] for key, value in config.items()},
    }
    call("POST", f"{admin}/components", component, token)
elif step == "switch":
    update(newest, active="true")
elif step == "drop":
    for provider in signing:
        if provider is not newest:
            update(provider, enabled="false", active="false")
else:
    sys.exit(f"keycloak-keys.py: no step {step}")

keys = call("GET", f"{admin}/keys", token=token)
published = call("GET", f"/realms/{realm}/protocol/openid-connect/certs")["keys"]
print(f"KID={keys['active']['RS256']}")
print("KIDS=" + " ".join(key["kid"] for key in published if key["alg"] == "RS256"))
