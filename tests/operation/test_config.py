"""Settings are read once, and a bad one stops the start by name."""

import dataclasses
import re
import stat
import threading
from pathlib import Path

import pytest

from casefield.config import KEYS, Settings, SettingsError

KEY = "f3b1c8e2a4d597061b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607182"

BAD = [
    ("PORT", "eighty", "whole number"),
    ("PORT", "0", "whole number"),
    ("PORT", "65536", "whole number"),
    ("PORT", "８０００", "whole number"),
    ("CASEFIELD_HOST", "all", "IP address"),
    ("CASEFIELD_DATA", "/proc/nowhere", ""),
    ("CASEFIELD_DATABASE_URL", "mysql://u:hidden-word@h/d", "neither PostgreSQL"),
    ("CASEFIELD_DATABASE_URL", "sqlite:", "neither PostgreSQL"),
    ("CASEFIELD_DATABASE_URL", "postgresql://h:port/d", ""),
    ("CASEFIELD_DATABASE_URL", "postgresql://u:hidden-word@h", "no database"),
    ("CASEFIELD_PUBLIC_URL", "site.example.com", "http(s)"),
    ("CASEFIELD_PUBLIC_URL", "ftp://site.example.com", "http(s)"),
    ("CASEFIELD_PUBLIC_URL", "https://site.example.com/app", "root"),
    ("CASEFIELD_PUBLIC_URL", "https://site.example.com?x=1", "root"),
    ("CASEFIELD_PUBLIC_URL", "https://bad_host!", "host name"),
    ("CASEFIELD_TRUSTED_HOSTS", "*", "host name"),
    ("CASEFIELD_TRUSTED_HOSTS", "ok.example.com, https://x", "host name"),
    ("CASEFIELD_DEMO_PASSWORD", "short", "shorter than 8"),
    ("CASEFIELD_SECRET_KEY", "hidden-word", "shorter than 32 bytes"),
    ("CASEFIELD_SECRET_KEY", "a" * 64, "guessable"),
    ("CASEFIELD_SECRET_KEY", "please-change-me-please-1234567890", "well-known"),
    ("CASEFIELD_SECRET_KEY_FALLBACKS", f"{KEY},hidden-word", "shorter than 32"),
    ("CASEFIELD_WORKERS", "0", "whole number"),
    ("CASEFIELD_WORKERS", "many", "whole number"),
    ("CASEFIELD_THREADS", "-1", "whole number"),
    ("CASEFIELD_SQLITE_SYNCHRONOUS", "OFF", "FULL, NORMAL"),
    ("CASEFIELD_PROXY_COUNT", "9", "whole number"),
    ("CASEFIELD_CLOCK_FILE", "/tmp/clock", "only a test run"),
    ("CASEFIELD_TESTING", "yes", "1 or 0"),
    ("CASEFIELD_LOG_LEVEL", "loud", "WARNING"),
    ("CASEFIELD_TLS_CERTIFICATE", "/nowhere.crt", "no such file"),
    ("CASEFIELD_TLS_KEY", "/nowhere.key", "no such file"),
    ("CASEFIELD_REDIS_URL", "http://localhost", "Redis"),
    ("CASEFIELD_MAX_BODY_MIB", "0", "whole number"),
    ("CASEFIELD_BODY_SECONDS", "1", "whole number"),
    ("CASEFIELD_SWEEP_SECONDS", "0", "whole number"),
    ("CASEFIELD_DATABSE_URL", "x", "CASEFIELD_DATABASE_URL"),
]


def environment(data: Path, **more: str) -> dict[str, str]:
    return {"CASEFIELD_DATA": str(data), **more}


@pytest.mark.parametrize(("key", "value", "reason"), BAD)
def test_bad_setting_is_named_with_an_example(
    tmp_path: Path, key: str, value: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environment(tmp_path) | {key: value})
    message = str(caught.value)
    assert caught.value.key == key
    assert message.startswith(f"{key}=")
    assert reason in message
    assert "for example" in message
    assert "hidden-word" not in message
    assert "\n" not in message


def test_every_key_has_a_bad_case() -> None:
    assert {key for key, _, _ in BAD} - {"CASEFIELD_DATABSE_URL"} == KEYS


def test_half_a_tls_pair_is_refused(tmp_path: Path) -> None:
    certificate = tmp_path / "site.crt"
    certificate.write_text("x")
    with pytest.raises(SettingsError, match=r"CASEFIELD_TLS_KEY.*belong together"):
        Settings.from_env(
            environment(tmp_path, CASEFIELD_TLS_CERTIFICATE=str(certificate))
        )


def test_defaults_serve_this_machine_only(tmp_path: Path) -> None:
    settings = Settings.from_env(environment(tmp_path))
    assert settings.host == "127.0.0.1"
    assert settings.public_url == "http://localhost:8000"
    assert settings.trusted_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert settings.database_url == f"sqlite:///{tmp_path}/casefield.sqlite3"
    assert settings.database_file == tmp_path / "casefield.sqlite3"
    assert settings.synchronous == "FULL"
    assert settings.cookie_name == "casefield"
    assert not settings.https
    assert not settings.testing
    assert 1 <= settings.workers <= 4


def test_https_changes_cookie_and_hosts(tmp_path: Path) -> None:
    settings = Settings.from_env(
        environment(tmp_path, CASEFIELD_PUBLIC_URL="HTTPS://Site.Example.com/")
    )
    assert settings.public_url == "https://site.example.com"
    assert settings.https
    assert settings.cookie_name == "__Host-casefield"
    assert "site.example.com" in settings.trusted_hosts


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_goes_through_psycopg(tmp_path: Path, scheme: str) -> None:
    settings = Settings.from_env(
        environment(tmp_path, CASEFIELD_DATABASE_URL=f"{scheme}://u:p@db/casefield")
    )
    assert settings.database_url == "postgresql+psycopg://u:p@db/casefield"
    assert not settings.embedded


def test_clock_may_be_steered_in_a_test_run(tmp_path: Path) -> None:
    clock = tmp_path / "clock"
    settings = Settings.from_env(
        environment(tmp_path, CASEFIELD_TESTING="1", CASEFIELD_CLOCK_FILE=str(clock))
    )
    assert settings.clock_file == clock


def test_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = Settings.from_env(environment(tmp_path))
    again = Settings.from_env(environment(tmp_path))
    place = tmp_path / "secret.key"
    assert first.secret_key == again.secret_key
    assert re.fullmatch(r"[0-9a-f]{64}", first.secret_key)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_two_first_starts_agree_on_the_key(tmp_path: Path) -> None:
    keys: list[str] = []
    meet = threading.Barrier(8)

    def start() -> None:
        meet.wait()
        keys.append(Settings.from_env(environment(tmp_path)).secret_key)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == len(threads)
    assert len(set(keys)) == 1


def test_damaged_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(SettingsError, match="shorter than 32 bytes"):
        Settings.from_env(environment(tmp_path))


def test_given_key_wins_and_old_keys_are_kept(tmp_path: Path) -> None:
    old = KEY[::-1]
    settings = Settings.from_env(
        environment(
            tmp_path, CASEFIELD_SECRET_KEY=KEY, CASEFIELD_SECRET_KEY_FALLBACKS=old
        )
    )
    assert settings.secret_key == KEY
    assert settings.secret_key_fallbacks == (old,)
    assert not (tmp_path / "secret.key").exists()


def test_secrets_stay_out_of_the_printed_form(tmp_path: Path) -> None:
    settings = Settings.from_env(
        environment(
            tmp_path,
            CASEFIELD_SECRET_KEY=KEY,
            CASEFIELD_DATABASE_URL="postgresql://u:hidden-word@db/casefield",
            CASEFIELD_DEMO_PASSWORD="hidden-word-too",
        )
    )
    assert KEY not in repr(settings)
    assert "hidden-word" not in repr(settings)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # the very thing refused
