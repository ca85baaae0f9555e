"""Where the benchmarks keep their databases, logs and prepared posts."""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.peers import one_row
from bench.serving import ROOT

ROWS = 1_000_000
KEPT = ROOT / "var" / "bench"


def ready_one_row(rows: int = ROWS) -> dict[str, str]:
    """Return the environment of the one-row endpoint, its database filled."""
    path = KEPT / f"one-row-{rows}.sqlite3"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        _remove(half)
        one_row.fill(half, rows)
        half.rename(path)
    return {"BENCH_DATABASE": str(path)}


def ready_django(rows: int = ROWS) -> tuple[dict[str, str], dict[str, str]]:
    """Return environment and cookies of the Django peer, its database filled."""
    path = KEPT / f"django-{rows}.sqlite3"
    cookies = path.with_suffix(".json")
    environ = {"BENCH_DATABASE": str(path)}
    if not cookies.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(path)
        command = [sys.executable, "-m", "bench.peers.django_site.fill", str(rows)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            timeout=120,
            check=True,
        )
        cookies.write_bytes(done.stdout)
    signed_in: dict[str, str] = json.loads(cookies.read_text())
    return environ, signed_in


def _remove(path: Path) -> None:
    """Remove a database with its side files."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
