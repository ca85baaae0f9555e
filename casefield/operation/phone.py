"""Serve phones on the local network over TLS, and tell them how to trust it."""

import io
import ipaddress
import os
import socket
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import segno

from casefield.config import Settings, SettingsError
from casefield.core import clock
from casefield.operation.authority import Address, is_private, server_files
from casefield.operation.children import Child

TLS_PORT = 8443
#: The certificate alone is handed out over plain HTTP: it is public, and a phone
#: cannot speak TLS with us before it has it.
CERTIFICATE_PORT = 8444
CERTIFICATE_PATH = "/casefield-ca.crt"
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- reaching it from phones is the purpose


def local_addresses() -> list[Address]:
    """Return this machine's private addresses, the one phones most likely reach first.

    No packet is sent: connecting a datagram socket only asks for the route.
    """
    found: dict[Address, None] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            found[ipaddress.ip_address(probe.getsockname()[0])] = None
        except OSError:
            pass  # no route out; the host's own names may still tell
    try:
        listed = socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)
    except OSError:
        listed = []
    for *_, place in listed:
        found[ipaddress.ip_address(place[0])] = None
    return [each for each in found if is_private(each) and not each.is_loopback]


def on_local_network(settings: Settings) -> Settings:
    """Return the settings with TLS, address and hosts for phones on this network.

    Raises:
        SettingsError: there is no private address that a phone could reach.
    """
    port = settings.port if "PORT" in os.environ else TLS_PORT
    addresses = local_addresses()
    public = urlsplit(settings.public_url)
    if settings.https and public.hostname:
        host = public.hostname
    elif addresses:
        host = str(addresses[0])
    else:
        reason = "no private network address found on this machine"
        raise SettingsError(
            "CASEFIELD_PUBLIC_URL",
            settings.public_url,
            "https://192.168.1.20:8443",
            reason,
        )
    if _is_address(host) and ipaddress.ip_address(host) not in addresses:
        addresses.append(ipaddress.ip_address(host))
    loopback = ipaddress.ip_address("127.0.0.1")
    files = server_files(settings.data / "tls", [*addresses, loopback], clock.now())
    hosts = dict.fromkeys(
        (*settings.trusted_hosts, host, *(str(each) for each in addresses))
    )
    return replace(
        settings,
        host=EVERYWHERE,
        port=port,
        public_url=f"https://{host}:{port}",
        trusted_hosts=tuple(hosts),
        tls_certificate=files.certificate,
        tls_key=files.key,
    )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def certificate_child(settings: Settings) -> Child:
    """Return the process that hands out the authority's certificate."""
    file = settings.data / "tls" / "casefield-ca.crt"
    return Child("certificate", partial(hand_out_certificate, file, CERTIFICATE_PORT))


def hand_out_certificate(file: Path, port: int) -> None:
    """Serve that one public file until a signal ends it."""
    handler = type("Handler", (_CertificateOnly,), {"certificate": file.read_bytes()})
    with ThreadingHTTPServer((EVERYWHERE, port), handler) as server:
        server.serve_forever()


class _CertificateOnly(BaseHTTPRequestHandler):
    """Answers one path with one file, and nothing else."""

    certificate: ClassVar[bytes] = b""
    #: Give a client that says nothing up.
    timeout = 10
    server_version = "casefield"
    sys_version = ""

    def do_GET(self) -> None:
        """Hand the certificate out."""
        if self.path != CERTIFICATE_PATH:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-x509-ca-cert")
        self.send_header("Content-Length", str(len(self.certificate)))
        self.send_header(
            "Content-Disposition", 'attachment; filename="casefield-ca.crt"'
        )
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(self.certificate)

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet: who fetched a public file is nobody's concern."""


def invitation(settings: Settings) -> str:
    """Tell how to trust the certificate once, and where the site is, with QR codes."""
    host = urlsplit(settings.public_url).hostname
    certificate = f"http://{host}:{CERTIFICATE_PORT}{CERTIFICATE_PATH}"
    return "\n".join(
        (
            "",
            "1. Once for each phone: fetch and trust the certificate",
            _terminal_code(certificate),
            f"   {certificate}",
            "   Android: Settings > Security > Install a certificate > CA certificate",
            "   iPhone:  Settings > Profile downloaded > Install, then",
            "            General > About > Certificate Trust Settings > switch it on",
            "   It vouches for private addresses only. Remove it when you are done.",
            "",
            "2. Open casefield",
            _terminal_code(settings.public_url),
            f"   {settings.public_url} (Ctrl-C stops it)",
        )
    )


def _terminal_code(text: str) -> str:
    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(drawn, compact=True, border=2)
    return drawn.getvalue().rstrip("\n")
