"""Settings: read once from the environment, checked, and never changed."""

import ipaddress
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

PREFIX = "CASEFIELD_"
#: Every key the program reads. Anything else that starts with the prefix is a
#: misspelling, and a misspelt setting is worse than none.
KEYS = frozenset(
    {
        "PORT",
        "CASEFIELD_HOST",
        "CASEFIELD_DATA",
        "CASEFIELD_DATABASE_URL",
        "CASEFIELD_PUBLIC_URL",
        "CASEFIELD_TRUSTED_HOSTS",
        "CASEFIELD_DEMO_PASSWORD",
        "CASEFIELD_SECRET_KEY",
        "CASEFIELD_SECRET_KEY_FALLBACKS",
        "CASEFIELD_WORKERS",
        "CASEFIELD_THREADS",
        "CASEFIELD_SQLITE_SYNCHRONOUS",
        "CASEFIELD_PROXY_COUNT",
        "CASEFIELD_CLOCK_FILE",
        "CASEFIELD_TESTING",
        "CASEFIELD_LOG_LEVEL",
        "CASEFIELD_TLS_CERTIFICATE",
        "CASEFIELD_TLS_KEY",
        "CASEFIELD_REDIS_URL",
        "CASEFIELD_MAX_BODY_MIB",
        "CASEFIELD_BODY_SECONDS",
        "CASEFIELD_SWEEP_SECONDS",
    }
)
SECRET_BYTES = 32
KEY_FILE = "secret.key"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")

# Words that turn up in pasted sample keys of any length.
_SAMPLE_KEY = re.compile(
    r"change.?me|your.?secret|secret.?key|replace.?(me|this)|example|insecure"
    r"|password|0123456789abcdef0123456789abcdef",
    re.IGNORECASE,
)
_HOST_NAME = re.compile(
    r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_FEWEST_CHARACTERS = 10
_DEMO_PASSWORD_LENGTH = 8


class SettingsError(Exception):
    """A setting that cannot be used: which one, what it says, what would do."""

    def __init__(self, key: str, value: str, example: str, reason: str = "") -> None:
        """Keep the parts, so that a test or another language can use them."""
        self.key = key
        self.value = value
        self.example = example
        self.reason = reason
        why = f": {reason}" if reason else ""
        super().__init__(f"{key}={value!r}{why}; for example {key}={example}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that an operator may choose."""

    port: int = 8000
    host: str = "127.0.0.1"
    data: Path = Path("var")
    #: SQLAlchemy's spelling; empty means the SQLite file in the data folder.
    database_url: str = field(default="", repr=False)
    public_url: str = ""
    trusted_hosts: tuple[str, ...] = ()
    demo_password: str | None = field(default=None, repr=False)
    secret_key: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    #: Older keys that still open what they signed.
    secret_key_fallbacks: tuple[str, ...] = field(default=(), repr=False)
    workers: int = 1
    threads: int = 2
    synchronous: str = "FULL"
    proxy_count: int = 0
    clock_file: Path | None = None
    testing: bool = False
    log_level: str = "INFO"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    redis_url: str | None = field(default=None, repr=False)
    max_body_bytes: int = 20 * 1024 * 1024
    body_seconds: int = 300
    #: How often what is due is looked at.
    sweep_seconds: int = 30

    def __post_init__(self) -> None:
        """Fill in what follows from other settings."""
        give = object.__setattr__
        give(self, "data", self.data.absolute())
        if not self.database_url:
            give(self, "database_url", f"sqlite:///{self.database_file}")
        if not self.public_url:
            give(self, "public_url", f"http://localhost:{self.port}")
        if not self.trusted_hosts:
            own = urlsplit(self.public_url).hostname or "localhost"
            own = f"[{own}]" if ":" in own else own
            hosts = dict.fromkeys(("localhost", "127.0.0.1", "[::1]", own))
            give(self, "trusted_hosts", tuple(hosts))

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read and check every setting; make the data folder and its key.

        Raises:
            SettingsError: naming the key, its value and one that would do.
        """
        read = _Reader(environ)
        read.refuse_unknown()
        testing = read.flag("CASEFIELD_TESTING")
        port = read.number("PORT", 8000, 1, 65535)
        data = read.folder("CASEFIELD_DATA", Path("var"))
        certificate, key = _tls_pair(read)
        return cls(
            port=port,
            host=read.address("CASEFIELD_HOST", "127.0.0.1"),
            data=data,
            database_url=read.database("CASEFIELD_DATABASE_URL"),
            public_url=read.origin("CASEFIELD_PUBLIC_URL"),
            trusted_hosts=read.hosts("CASEFIELD_TRUSTED_HOSTS"),
            demo_password=read.demo_password("CASEFIELD_DEMO_PASSWORD"),
            secret_key=read.secret("CASEFIELD_SECRET_KEY") or _own_key(data),
            secret_key_fallbacks=read.secrets("CASEFIELD_SECRET_KEY_FALLBACKS"),
            workers=read.number("CASEFIELD_WORKERS", min(4, _cores()), 1, 64),
            threads=read.number("CASEFIELD_THREADS", 2, 1, 64),
            synchronous=read.choice(
                "CASEFIELD_SQLITE_SYNCHRONOUS", "FULL", ("FULL", "NORMAL")
            ),
            proxy_count=read.number("CASEFIELD_PROXY_COUNT", 0, 0, 5),
            clock_file=_clock_file(read, testing=testing),
            testing=testing,
            log_level=read.choice("CASEFIELD_LOG_LEVEL", "INFO", LOG_LEVELS),
            tls_certificate=certificate,
            tls_key=key,
            redis_url=read.redis("CASEFIELD_REDIS_URL"),
            max_body_bytes=read.number("CASEFIELD_MAX_BODY_MIB", 20, 1, 1024) << 20,
            body_seconds=read.number("CASEFIELD_BODY_SECONDS", 300, 5, 3600),
            sweep_seconds=read.number("CASEFIELD_SWEEP_SECONDS", 30, 1, 300),
        )

    @property
    def https(self) -> bool:
        """Whether browsers reach the site over TLS, here or at a proxy."""
        return self.public_url.startswith("https://")

    @property
    def cookie_name(self) -> str:
        """The session cookie; the prefix makes browsers insist on TLS."""
        return "__Host-casefield" if self.https else "casefield"

    @property
    def embedded(self) -> bool:
        """Whether the database is a file of ours."""
        return self.database_url.startswith("sqlite:")

    @property
    def database_file(self) -> Path:
        """The SQLite file, also where a restore puts it."""
        if self.database_url.startswith("sqlite:///"):
            return Path(self.database_url.removeprefix("sqlite:///"))
        return self.data / "casefield.sqlite3"

    @property
    def media(self) -> Path:
        """Where photos and files lie."""
        return self.data / "media"


class _Reader:
    """Takes one value after the other out of the environment, checking it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ

    def refuse_unknown(self) -> None:
        for key, value in self.environ.items():
            if key.startswith(PREFIX) and key not in KEYS:
                near = _nearest(key, KEYS)
                raise SettingsError(key, value, "…", f"no such setting, see {near}")

    def text(self, key: str) -> str:
        return self.environ.get(key, "").strip()

    def flag(self, key: str) -> bool:
        value = self.text(key)
        if value not in {"", "0", "1"}:
            raise SettingsError(key, value, "1", "say 1 or 0")
        return value == "1"

    def number(self, key: str, default: int, least: int, most: int) -> int:
        value = self.text(key)
        if not value:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", value) or not least <= int(value) <= most:
            reason = f"not a whole number from {least} to {most}"
            raise SettingsError(key, value, str(default), reason)
        return int(value)

    def choice(self, key: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key).upper() or default
        if value not in allowed:
            reason = "not one of " + ", ".join(allowed)
            raise SettingsError(key, self.text(key), default, reason)
        return value

    def folder(self, key: str, default: Path) -> Path:
        value = self.text(key)
        place = Path(value).expanduser() if value else default
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            reason = problem.strerror or "cannot be made"
            raise SettingsError(key, str(place), "/var/lib/casefield", reason) from None
        if not os.access(place, os.W_OK | os.X_OK):
            reason = "this user may not write there"
            raise SettingsError(key, str(place), "/var/lib/casefield", reason)
        return place.absolute()

    def file(self, key: str, example: str) -> Path | None:
        value = self.text(key)
        if value and not Path(value).is_file():
            raise SettingsError(key, value, example, "no such file")
        return Path(value).absolute() if value else None

    def address(self, key: str, default: str) -> str:
        value = self.text(key) or default
        try:
            plain = "127.0.0.1" if value == "localhost" else value
            return str(ipaddress.ip_address(plain))
        except ValueError:
            reason = "not an IP address"
            raise SettingsError(key, value, "127.0.0.1", reason) from None

    def origin(self, key: str) -> str:
        value = self.text(key)
        if not value:
            return ""
        example = "https://site.example.com"
        parts = _split(key, value, example)
        if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
            raise SettingsError(key, value, example, "not an http(s) address")
        if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
            reason = "only scheme, host and port: codes on walls stand at the root"
            raise SettingsError(key, value, example, reason)
        _check_host(key, parts.hostname, example)
        return f"{parts.scheme}://{parts.netloc}".lower()

    def hosts(self, key: str) -> tuple[str, ...]:
        names = [name.strip().lower() for name in self.text(key).split(",")]
        for name in filter(None, names):
            _check_host(key, name.strip("[]"), "site.example.com,10.0.0.5")
        return tuple(filter(None, names))

    def database(self, key: str) -> str:
        value = self.text(key)
        if not value:
            return ""
        example = "postgresql://casefield:…@127.0.0.1/casefield"
        scheme, _, rest = value.partition("://")
        shown = re.sub(r"(?<=://)[^@/]*@", "…@", value)
        if scheme == "sqlite" and rest.startswith("/") and len(rest) > 1:
            return f"sqlite:///{Path(rest.removeprefix('/')).absolute()}"
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            reason = "neither PostgreSQL nor an SQLite file (sqlite:////path)"
            raise SettingsError(key, shown, example, reason)
        parts = _split(key, value, example)
        if not parts.path.strip("/"):
            raise SettingsError(key, shown, example, "no database named")
        return urlunsplit(parts._replace(scheme="postgresql+psycopg"))

    def redis(self, key: str) -> str | None:
        value = self.text(key)
        example = "redis://127.0.0.1:6379/0"
        if value and _split(key, value, example).scheme not in {"redis", "rediss"}:
            raise SettingsError(key, value, example, "not a Redis address")
        return value or None

    def secret(self, key: str) -> str:
        value = self.text(key)
        return _check_secret(key, value) if value else ""

    def secrets(self, key: str) -> tuple[str, ...]:
        values = filter(None, (part.strip() for part in self.text(key).split(",")))
        return tuple(_check_secret(key, value) for value in values)

    def demo_password(self, key: str) -> str | None:
        value = self.environ.get(key, "")
        if value and len(value) < _DEMO_PASSWORD_LENGTH:
            reason = f"shorter than {_DEMO_PASSWORD_LENGTH} characters"
            raise SettingsError(key, "…", "three-words-of-yours", reason)
        return value or None


def _split(key: str, value: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as problem:
        raise SettingsError(key, "…", example, str(problem)) from None
    return parts


def _check_host(key: str, name: str, example: str) -> None:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if not _HOST_NAME.fullmatch(name):
            reason = "not a host name"
            raise SettingsError(key, name, example, reason) from None


def _check_secret(key: str, value: str) -> str:
    example = "$(openssl rand -hex 32)"
    if len(value.encode()) < SECRET_BYTES:
        raise SettingsError(key, "…", example, f"shorter than {SECRET_BYTES} bytes")
    if _SAMPLE_KEY.search(value) or len(set(value)) < _FEWEST_CHARACTERS:
        raise SettingsError(key, "…", example, "a well-known or guessable value")
    return value


def _own_key(data: Path) -> str:
    """Read the data folder's key; make it when there is none yet."""
    place = data / KEY_FILE
    try:
        # Two first starts may meet here: the key appears whole or not at all.
        fresh = data / f".{KEY_FILE}.{secrets.token_hex(4)}"
        if not place.exists():
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(SECRET_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(fresh, place)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return _check_secret(KEY_FILE, place.read_text().strip())
    except OSError as problem:
        reason = problem.strerror or "cannot be read"
        raise SettingsError(
            "CASEFIELD_DATA", str(place), "/var/lib/casefield", reason
        ) from None


def _clock_file(read: _Reader, *, testing: bool) -> Path | None:
    value = read.text("CASEFIELD_CLOCK_FILE")
    if value and not testing:
        reason = "only a test run may steer the clock (CASEFIELD_TESTING=1)"
        raise SettingsError("CASEFIELD_CLOCK_FILE", value, "", reason)
    return Path(value).absolute() if value else None


def _tls_pair(read: _Reader) -> tuple[Path | None, Path | None]:
    certificate = read.file("CASEFIELD_TLS_CERTIFICATE", "/etc/casefield/site.crt")
    key = read.file("CASEFIELD_TLS_KEY", "/etc/casefield/site.key")
    if (certificate is None) != (key is None):
        missing = "CASEFIELD_TLS_KEY" if key is None else "CASEFIELD_TLS_CERTIFICATE"
        reason = "certificate and key belong together"
        raise SettingsError(missing, "", "/etc/casefield/site.pem", reason)
    return certificate, key


def _cores() -> int:
    affinity: Callable[[int], set[int]] | None
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _nearest(key: str, known: frozenset[str]) -> str:
    return (get_close_matches(key, known, 1, 0) or ["docs/operations.md"])[0]
