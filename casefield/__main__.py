"""``python -m casefield`` is the ``casefield`` command."""

from casefield.cli import main

main()
