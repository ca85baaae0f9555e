"""Keep a few child processes alive; leave none behind, however we end."""

import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

#: ``prctl(PR_SET_PDEATHSIG)``: the kernel sends us a signal when our parent ends.
PARENT_DEATH_SIGNAL = 1
GRACE_SECONDS = 8.0
#: A child that ends sooner than this after its start did not really run.
SHORT_LIFE_SECONDS = 5.0
#: Before anything was ready it is a faulty set-up; later it may be a database that
#: restarts, and giving up would turn its outage into ours.
MOST_SHORT_LIVES = 4
LONGEST_PAUSE_SECONDS = 10.0

WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


@dataclass
class Child:
    """One process to keep alive: what it is called and what it runs."""

    name: str
    run: Callable[[], None]
    pid: int = 0
    started: float = 0.0
    short_lives: int = 0
    due: float = field(default=0.0)


def end_with_parent(parent: int, how: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel end this process with ``parent``, where the kernel can."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PARENT_DEATH_SIGNAL, int(how))
    # It may have ended between the fork and the request above.
    if os.getppid() != parent:
        os._exit(0)


def keep_running(
    children: Sequence[Child], ready: Callable[[], bool] | None = None
) -> int:
    """Start every child and hold it until a signal; return the exit status.

    ``ready`` is asked a few times a second until it says yes.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        for child in children:
            _start(child, before)
        return _watch(children, before, ready)
    finally:
        _stop(children)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watch(
    children: Sequence[Child],
    mask: set[signal.Signals] | set[int],
    ready: Callable[[], bool] | None,
) -> int:
    while True:
        waiting = ready is not None or any(not child.pid for child in children)
        found = signal.sigtimedwait(WATCHED, 0.05 if waiting else 60)
        if found is not None and found.si_signo != signal.SIGCHLD:
            return 0
        _reap(children)
        for child in children:
            if ready is not None and child.short_lives >= MOST_SHORT_LIVES:
                log.error("%s ends at every start, giving up", child.name)
                return 1
            if not child.pid and time.monotonic() >= child.due:
                _start(child, mask)
        if ready is not None and ready():
            ready = None


def _start(child: Child, mask: set[signal.Signals] | set[int]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child.started = time.monotonic()
    child.pid = os.fork()
    if child.pid:
        return
    status = 1
    try:
        # Ctrl-C is for the parent alone, which then ends its children in order.
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGTERM, _leave)
        end_with_parent(parent)
        child.run()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        log.exception("%s failed", child.name)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _leave(_number: int, _frame: object) -> None:
    raise SystemExit(0)


def _reap(children: Sequence[Child]) -> None:
    for child in children:
        if not child.pid:
            continue
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if not pid:
            continue
        lived = time.monotonic() - child.started
        child.short_lives = child.short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
        pause = min(0.1 * 2**child.short_lives, LONGEST_PAUSE_SECONDS)
        child.due = time.monotonic() + pause
        log.warning("%s ended (%s), starting it again", child.name, _ending(status))
        _end_group(child.pid)
        child.pid = 0


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"


def _stop(children: Sequence[Child]) -> None:
    for child in children:
        if child.pid:
            os.kill(child.pid, signal.SIGTERM)
    latest = time.monotonic() + GRACE_SECONDS
    for child in children:
        while child.pid and time.monotonic() < latest:
            if os.waitpid(child.pid, os.WNOHANG)[0]:
                _end_group(child.pid)
                child.pid = 0
            else:
                time.sleep(0.02)
        if child.pid:
            log.warning("%s did not end in time", child.name)
            _end_group(child.pid)
            os.waitpid(child.pid, 0)
            child.pid = 0


def _end_group(leader: int) -> None:
    """Kill what a child may have left in its process group."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return
