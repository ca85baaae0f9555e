"""A supervisor over two children that only write down who they are."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from casefield.operation.children import Child, keep_running


def note(folder: Path, name: str) -> None:
    (folder / f"{name}-{os.getpid()}").touch()


def live(folder: Path, name: str) -> None:
    note(folder, name)
    time.sleep(60)


def live_with_helper(folder: Path) -> None:
    helper = subprocess.Popen(["sleep", "60"])
    (folder / f"helper-{helper.pid}").touch()
    live(folder, "parent")


def refuse_to_live(folder: Path) -> None:
    note(folder, "short")
    raise SystemExit(3)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    children = [Child("steady", partial(live, place, "steady"))]
    if "short" in sys.argv:
        children.append(Child("short", partial(refuse_to_live, place)))
    else:
        children.append(Child("parent", partial(live_with_helper, place)))
    never_ready = "short" in sys.argv
    sys.exit(keep_running(children, (lambda: False) if never_ready else None))
