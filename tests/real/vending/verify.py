"""Verifies a token on stdin by the keys at an address, with PyJWT. Usage: verify.py JWKS ISSUER"""
import sys

import jwt

address, issuer = sys.argv[1:]
token = sys.stdin.read().strip()
key = jwt.PyJWKClient(address).get_signing_key_from_jwt(token)
required = ["exp", "iat", "sub", "jti", "client_id"]
claims = jwt.decode(token, key, algorithms=["ES256", "EdDSA"], issuer=issuer, audience=issuer, options={"require": required})
assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
print(claims["sub"])
