"""Makes the database of the peer: tables, rows, one signed-in user.

`python -m bench.peers.django_site.fill ROWS` prints the cookies to send.
"""

import json
import os
import secrets
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.peers.django_site.settings")

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from bench.peers.django_site import POINTS

SITES = 20
PEOPLE = 60
CHECK_INS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)
INSERT INTO django_site_checkin (id, public_id, site_id, checkpoint_id, person_id,
  scanned_at, verdict, note)
SELECT i, lower(hex(randomblob(10))), i %% 20 + 1, i %% 400 + 1, i %% 60 + 1,
  strftime('%%Y-%%m-%%d %%H:%%M:%%S', 1700000000 + i * 9, 'unixepoch'), 'normal', ''
FROM n
"""


def main(rows: int) -> None:
    """Fill the database that `BENCH_DATABASE` names."""
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    _fill(rows)
    print(json.dumps(_sign_in()))


def _fill(rows: int) -> None:
    """Write sites, points, people and check-ins."""
    label = "django_site"
    site = apps.get_model(label, "Site")
    person = apps.get_model(label, "Person")
    point = apps.get_model(label, "Checkpoint")
    site.objects.bulk_create(site(name=f"案场 {n}") for n in range(SITES))
    person.objects.bulk_create(
        person(name=f"值班员 {n}", staff_no=f"A{n:04}") for n in range(PEOPLE)
    )
    point.objects.bulk_create(
        point(name=f"东门岗 {n}", code=f"C{n:09}", site_id=n % SITES + 1)
        for n in range(POINTS)
    )
    with connection.cursor() as cursor:
        cursor.execute(CHECK_INS, [rows])


def _sign_in() -> dict[str, str]:
    """Store a session as the sign-in page would, and return its cookies."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore

    user = User(username="guard")
    user.set_unusable_password()
    user.save()
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    token = secrets.token_hex(16)
    return {"sessionid": session.session_key, "csrftoken": token}


if __name__ == "__main__":
    main(int(sys.argv[1]))
