"""Phones can trust our certificate, and it is worth nothing anywhere else."""

import ipaddress
import socket
import ssl
import stat
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from casefield.operation.authority import (
    SERVER_DAYS,
    Address,
    ServerFiles,
    is_private,
    server_files,
)
from casefield.operation.phone import _CertificateOnly

HERE = ipaddress.ip_address("127.0.0.1")
PHONE_SIDE = ipaddress.ip_address("192.168.1.20")
NOW = datetime.now(UTC)  # noqa: TID251 -- OpenSSL compares with the real time


def shake_hands(files: ServerFiles, host: str, *, trust: Path | None) -> None:
    """Connect as a phone does that knows the server as ``host``."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(files.certificate, files.key)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trust is not None:
        asking.load_verify_locations(trust)
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            serving.wrap_socket(theirs, server_side=True).close()
        except (ssl.SSLError, OSError):
            theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with asking.wrap_socket(ours, server_hostname=host):
            pass
    finally:
        ours.close()
        thread.join()


def certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.1.20", "localhost"])
def test_trusting_phone_connects(tmp_path: Path, host: str) -> None:
    files = server_files(tmp_path, [HERE, PHONE_SIDE], NOW)
    shake_hands(files, host, trust=files.authority)


def test_other_phones_do_not(tmp_path: Path) -> None:
    files = server_files(tmp_path, [HERE], NOW)
    with pytest.raises(
        ssl.SSLCertVerificationError, match=r"self-signed|unable to get"
    ):
        shake_hands(files, "127.0.0.1", trust=None)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(files, "192.168.1.99", trust=files.authority)


def test_authority_cannot_vouch_for_the_internet(tmp_path: Path) -> None:
    outside: Address = ipaddress.ip_address("8.8.8.8")
    assert not is_private(outside)
    files = server_files(tmp_path, [outside], NOW)
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        shake_hands(files, "8.8.8.8", trust=files.authority)


def test_certificate_lives_as_long_as_phones_allow(tmp_path: Path) -> None:
    files = server_files(tmp_path, [HERE], NOW)
    found = certificate(files.certificate)
    life = found.not_valid_after_utc - found.not_valid_before_utc
    assert life <= timedelta(days=SERVER_DAYS)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "ca.key").stat().st_mode) == 0o600


def test_certificate_is_kept_renewed_and_widened(tmp_path: Path) -> None:
    files = server_files(tmp_path, [HERE], NOW)
    authority = files.authority.read_bytes()
    serial = certificate(files.certificate).serial_number

    server_files(tmp_path, [HERE], NOW + timedelta(days=300))
    assert certificate(files.certificate).serial_number == serial
    server_files(tmp_path, [HERE], NOW + timedelta(days=380))
    renewed = certificate(files.certificate).serial_number
    assert renewed != serial
    server_files(tmp_path, [HERE, PHONE_SIDE], NOW + timedelta(days=381))
    assert certificate(files.certificate).serial_number != renewed
    # What phones were told to trust stays the same.
    assert files.authority.read_bytes() == authority


def test_only_the_certificate_is_handed_out() -> None:
    handler = type("Handler", (_CertificateOnly,), {"certificate": b"public"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        try:
            with urllib.request.urlopen(f"{base}/casefield-ca.crt") as answer:
                assert answer.read() == b"public"
                assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
                assert "Python" not in answer.headers["Server"]
            for path in ("/", "/ca.key", "/casefield-ca.crt/../ca.key"):
                with pytest.raises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(base + path)
                assert refused.value.code == 404
                refused.value.close()
        finally:
            server.shutdown()
            thread.join()
