"""Lets an unmodified client reach ministack under Amazon's own addresses: a proxy on loopback that answers
CONNECT for the Cognito hosts itself, with certificates of a throw-away authority, and hands the requests
to ministack as plain HTTP. Every other host is refused, so nothing leaves the machine.
usage: front.py MINISTACK_PORT FOLDER    writes FOLDER/ca.pem, prints `PROXY <url>` once it listens

The client needs HTTPS_PROXY=<url> and SSL_CERT_FILE=FOLDER/ca.pem.
"""

import asyncio
import datetime
import os
import ssl
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

upstream, folder = int(sys.argv[1]), sys.argv[2]
IDP, DOMAINS = "cognito-idp.us-east-1.amazonaws.com", "auth.us-east-1.amazoncognito.com"


def certificates():
    now = datetime.datetime.now(datetime.timezone.utc)

    def build(subject, issuer, public, signer, extensions):
        name = lambda text: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    authority, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    key_id = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    usage = dict.fromkeys(
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only".split(),
        False,
    )
    ca = build("mcpauth tests only", "mcpauth tests only", authority.public_key(), authority, [
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.KeyUsage(**{**usage, "key_cert_sign": True, "crl_sign": True}), True),
        (key_id, False),
    ])
    cert = build(IDP, "mcpauth tests only", leaf.public_key(), authority, [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(**{**usage, "digital_signature": True}), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(IDP), x509.DNSName(f"*.{DOMAINS}")]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id), False),
    ])
    pem = serialization.Encoding.PEM
    key = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    for name, data in (("ca.pem", ca.public_bytes(pem)), ("server.pem", key + cert.public_bytes(pem))):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def ours(host):
    return host == IDP or (host.endswith("." + DOMAINS) and host.count(".") == DOMAINS.count(".") + 1)


async def serve(reader, writer):
    back = None
    try:
        method, target, _ = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode().split(" ")
        host, _, port = target.rpartition(":")
        if method != "CONNECT" or port != "443" or not ours(host):
            writer.write(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            return await writer.drain()
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await writer.drain()
        await writer.start_tls(tls)
        # One request a connection: ministack must learn the scheme from a header, and closing keeps this simple.
        head = await reader.readuntil(b"\r\n\r\n")
        lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(b"connection:")]
        back_reader, back = await asyncio.open_connection("127.0.0.1", upstream)
        back.write(b"\r\n".join([*lines, b"x-forwarded-proto: https", b"connection: close", b"", b""]))

        async def up():
            while data := await reader.read(65536):
                back.write(data)
                await back.drain()

        sending = asyncio.create_task(up())
        while data := await back_reader.read(65536):
            writer.write(data)
            await writer.drain()
        sending.cancel()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        print("front:", repr(error), file=sys.stderr)
    finally:
        writer.close()
        if back:
            back.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(f"PROXY http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


certificates()
tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(os.path.join(folder, "server.pem"))
tls.set_alpn_protocols(["http/1.1"])
asyncio.run(main())
