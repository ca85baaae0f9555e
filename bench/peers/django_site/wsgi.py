"""The WSGI entry of the peer."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_site.settings")

from django.core.wsgi import get_wsgi_application

app = get_wsgi_application()
