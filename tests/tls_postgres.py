"""A TLS server in front of Postgres, with an authority of its own: not every build of Postgres has
TLS itself.
"""

import datetime
import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.late_postgres import relay

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""https://www.postgresql.org/docs/current/protocol-message-formats.html: SSLRequest"""


@dataclass(frozen=True)
class TlsServer:
    """Where it listens, and the file of the authority that signed its certificate, for the name
    `localhost`.
    """

    port: int
    authority: Path


@contextmanager
def tls_in_front_of(url: str, folder: Path) -> Generator[TlsServer]:
    """A server on the loopback interface that takes TLS and passes everything on to the Postgres of
    the URL.
    """
    context, authority = _certified(folder)
    postgres = urlsplit(url)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=connect, args=(client,), daemon=True).start()

    def connect(client: socket.socket) -> None:
        try:
            assert client.recv(8, socket.MSG_WAITALL) == SSL_REQUEST
            client.sendall(b"S")
            encrypted = context.wrap_socket(client, server_side=True)
        except (AssertionError, OSError):
            # The client refused the certificate, or requested no TLS.
            return client.close()
        server = socket.create_connection((postgres.hostname or "", postgres.port or 5432))
        threading.Thread(target=relay, args=(encrypted, server), daemon=True).start()
        return relay(server, encrypted)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield TlsServer(listener.getsockname()[1], authority)
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _certified(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server context with a certificate for localhost, and the file of the authority."""
    now = datetime.datetime.now(datetime.UTC)
    authority_key, server_key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer, subject = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        for name in ("Test Authority", "localhost")
    )

    def certificate(
        name: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(authority_key, hashes.SHA256())
        )

    authority, chain = folder / "all.pem", folder / "server.pem"
    authority.write_bytes(
        certificate(issuer, authority_key, authority=True).public_bytes(Encoding.PEM)
    )
    chain.write_bytes(
        server_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate(subject, server_key, authority=False).public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, authority
