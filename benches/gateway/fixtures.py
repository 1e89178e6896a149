"""What run.sh serves and sends: a key pair, its JWKS, signed tokens, request bodies, tool lists, server files, policies.
usage: fixtures.py FOLDER ISSUER UPSTREAM_PORT IDLE_PORT TOKENS
Key and tokens are kept for a week, since signing takes longest."""
import base64, json, multiprocessing, os, pathlib, sys, time
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

WEEK = 7 * 86400


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def new_key():
    return rsa.generate_private_key(65537, 2048)


def jwk(key, kid):
    numbers = key.public_key().public_numbers()
    number = lambda n: b64(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": number(numbers.n), "e": number(numbers.e)}


def token(key, kid, issuer, n, lifetime=2 * WEEK):
    now = int(time.time())
    claims = {"iss": issuer, "sub": f"agent-{n}", "aud": "bench", "client_id": "bench-client", "scope": "bench",
              "iat": now - 10, "exp": now + lifetime, "jti": f"{n:032x}"}
    signed = f"{b64(compact({'alg': 'RS256', 'typ': 'at+jwt', 'kid': kid}).encode())}.{b64(compact(claims).encode())}"
    return f"{signed}.{b64(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _signer(pem, issuer):
    global _sign
    key = serialization.load_pem_private_key(pem, None)
    _sign = lambda n: token(key, "bench", issuer, n)


def _signed(n):
    return _sign(n)


def tokens(folder, issuer, count):
    file = folder / f"tokens.{count}"
    if file.exists() and file.stat().st_mtime > time.time() - WEEK:
        return
    key = new_key()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with multiprocessing.Pool(initializer=_signer, initargs=(pem, issuer)) as pool:
        lines = pool.map(_signed, range(count), 500)
    (folder / "key.pem").write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    (folder / "jwks.json").write_text(compact({"keys": [jwk(key, "bench")]}))
    for old in folder.glob("tokens.*"):
        old.unlink()
    file.write_text("\n".join(lines) + "\n")


def call(tool, filler):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": {"message": filler, "count": 3, "flags": [True, False, None]},
                       "_meta": {"progressToken": 1}}}


def tool(n):
    return {"name": f"tool_{n:04}", "title": f"Tool {n}", "description": f"Does the useful thing number {n} and says so in as many words as descriptions have.",
            "inputSchema": {"type": "object", "required": ["text"],
                            "properties": {"text": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}}}}


def entry(server, methods, tools):
    return f"  - server: {server}\n    methods: [{', '.join(methods)}]\n    tools: [{', '.join(tools)}]\n"


def policy(servers=0):
    """Every second tool of the lists, `echo` elsewhere, and so many further servers of 50 tools each."""
    text = "group_mappings: {}\nbench:\n"
    for server in ["call", "events", "idle"]:
        text += entry(server, ["tools/call", "tools/list"], ["echo"])
    for size in [20, 1000]:
        text += entry(f"list{size}", ["tools/list"], [f"tool_{n:04}" for n in range(0, size, 2)])
    for n in range(servers):
        text += entry(f"server-{n:04}", ["tools/call", "tools/list"], [f"tool_{t:04}" for t in range(50)])
    return text


def server(name, port):
    return {"server_name": name, "path": f"/{name}/", "proxy_pass_url": f"http://127.0.0.1:{port}/{name}/",
            "auth_type": "none", "supported_transports": ["streamable-http"]}


def main(folder, issuer, upstream, idle, count):
    folder = pathlib.Path(folder)
    (folder / "servers").mkdir(parents=True, exist_ok=True)
    tokens(folder, issuer, int(count))
    (folder / "call.json").write_text(compact(call("echo", "x" * 100)))
    (folder / "big.json").write_text(compact(call("echo", "x" * 65400)))
    (folder / "forbidden.json").write_text(compact(call("delete", "x" * 100)))
    (folder / "list.json").write_text(compact({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}))
    for size in [20, 1000]:
        (folder / f"list{size}.json").write_text(
            compact({"jsonrpc": "2.0", "id": 1, "result": {"tools": [tool(n) for n in range(size)]}}))
    for name in ["call", "events", "idle", "list20", "list1000"]:
        port = idle if name == "idle" else upstream
        (folder / "servers" / f"{name}.json").write_text(json.dumps(server(name, port), indent=2))
    (folder / "scopes.yml").write_text(policy())
    (folder / "wide.yml").write_text(policy(1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
