"""The plain WSGI entry, for a server other than the one that casefield starts."""

from casefield import create_app
from casefield.config import Settings

app = create_app(Settings.from_env())
