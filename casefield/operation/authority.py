"""A certificate authority of our own, so that phones on one network get TLS."""

import ipaddress
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

#: Phones refuse a server certificate that is good for longer.
SERVER_DAYS = 397
AUTHORITY_DAYS = 3650
RENEW_DAYS = 30
#: A clock that is a little slow must not call the certificate not yet valid.
LEEWAY = timedelta(hours=1)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# The authority vouches for private addresses only: whoever trusts it on a phone
# gives us no say over any site on the internet.
_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "fc00::/7")
_OWN_NAMES = ("localhost", "local")


@dataclass(frozen=True)
class ServerFiles:
    """What a TLS server needs, and what phones need to trust it."""

    certificate: Path
    key: Path
    authority: Path


def is_private(address: Address) -> bool:
    """Whether our authority may vouch for ``address``."""
    return any(address in ipaddress.ip_network(network) for network in _PRIVATE)


def server_files(
    folder: Path, addresses: Sequence[Address], now: datetime
) -> ServerFiles:
    """Return certificate and key for these addresses; make or renew them as needed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = ServerFiles(
        folder / "server.crt", folder / "server.key", folder / "casefield-ca.crt"
    )
    if not (files.authority.exists() and (folder / "ca.key").exists()):
        _make_authority(folder, now)
        files.certificate.unlink(missing_ok=True)
    if not _still_good(files.certificate, addresses, now):
        _make_server(folder, files, addresses, now)
    return files


def _still_good(file: Path, addresses: Sequence[Address], now: datetime) -> bool:
    if not file.exists():
        return False
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    covered = set(names.value.get_values_for_type(x509.IPAddress))
    left = certificate.not_valid_after_utc - now
    return left > timedelta(days=RENEW_DAYS) and covered.issuperset(addresses)


def _make_authority(folder: Path, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    title = f"casefield local authority {secrets.token_hex(3)}"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    permitted: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_network(network)) for network in _PRIVATE
    ]
    permitted += [x509.DNSName(own) for own in _OWN_NAMES]
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / "ca.key", key)
    _write(folder / "casefield-ca.crt", _pem(certificate), 0o644)


def _make_server(
    folder: Path, files: ServerFiles, addresses: Sequence[Address], now: datetime
) -> None:
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    signer = serialization.load_pem_private_key(
        (folder / "ca.key").read_bytes(), password=None
    )
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("ca.key is not the key that was made here")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "casefield")])
    names: list[x509.GeneralName] = [x509.IPAddress(address) for address in addresses]
    names.append(x509.DNSName("localhost"))
    certificate = (
        _builder(name, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    _write_key(files.key, key)
    _write(files.certificate, _pem(certificate), 0o644)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    begin = now - LEEWAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(file, pem, 0o600)


def _write(file: Path, content: bytes, mode: int) -> None:
    fresh = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as opened:
        opened.write(content)
    fresh.replace(file)
