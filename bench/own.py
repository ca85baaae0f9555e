"""Serves our own app exactly as `casefield serve` does, worker and sweep included.

`python -m bench.own` reads its settings from the environment like the command.
"""

import sys

from casefield.config import Settings
from casefield.operation.serving import serve

if __name__ == "__main__":
    sys.exit(serve(Settings.from_env()))
