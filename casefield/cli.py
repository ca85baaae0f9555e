"""The ``casefield`` command: run, look after and repair an installation."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
from flask import Flask
from sqlalchemy import select

from casefield import create_app
from casefield.config import Settings, SettingsError
from casefield.core import backup as backups
from casefield.core import clock, logs
from casefield.core.db import db
from casefield.core.dump import DatabasePlace, DumpError
from casefield.core.errors import DomainError
from casefield.operation import doctor as doctors
from casefield.operation import phone, serving, upgrade

#: What a shell sees when settings or arguments are at fault.
USAGE = 2


class _Commands(click.Group):
    """Say a failure that we foresaw in one line, without a traceback."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except SettingsError as problem:
            click.echo(f"casefield: {problem}", err=True)
            context.exit(USAGE)
        except (upgrade.UpgradeError, DumpError) as problem:
            click.echo(f"casefield: {problem}", err=True)
            context.exit(1)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run and look after a casefield installation.

    Settings come from the environment; docs/operations.md lists them.
    """


Command = Callable[..., None]


def with_settings(command: Command) -> Command:
    """Read the settings first, so that a bad one stops every command alike."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        settings = Settings.from_env()
        logs.configure(settings.log_level)
        command(settings, *args, **kwargs)

    return wrapped


@contextmanager
def _application(settings: Settings) -> Iterator[Flask]:
    """Lend the application on a database that this program understands."""
    now = upgrade.standing(settings)
    upgrade.refuse_newer(now)
    if now.state is not upgrade.State.CURRENT:
        raise upgrade.UpgradeError(
            f"the database is {now.state.value}: casefield migrate"
        )
    app = create_app(settings)
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


@main.command()
@click.option("--with-demo", is_flag=True, help="Upgrade, and fill an empty database.")
@with_settings
def serve(settings: Settings, *, with_demo: bool) -> None:
    """Serve the site until Ctrl-C: the web processes and one worker."""
    serving.refuse_taken_port(settings.host, settings.port)
    table = _prepare_demo(settings) if with_demo else ""
    with upgrade.one_of_many(settings.data), _checked(settings):
        sys.exit(serving.serve(settings, announce=_announcing(settings, table)))


@main.command("phone")
@with_settings
def serve_phones(settings: Settings) -> None:
    """Serve the demo to phones on this network, over TLS."""
    settings = phone.on_local_network(settings)
    serving.refuse_taken_port(settings.host, settings.port)
    table = _prepare_demo(settings)

    def announce() -> None:
        click.echo(table)
        click.echo(phone.invitation(settings))

    with upgrade.one_of_many(settings.data), _checked(settings):
        beside = (phone.certificate_child(settings),)
        sys.exit(serving.serve(settings, announce=announce, beside=beside))


@contextmanager
def _checked(settings: Settings) -> Iterator[None]:
    """Refuse to serve a database of another version; warn about missing fonts."""
    now = upgrade.standing(settings)
    upgrade.refuse_newer(now)
    if now.state is not upgrade.State.CURRENT:
        raise upgrade.UpgradeError(
            f"the database is {now.state.value}: casefield migrate"
        )
    if not doctors.has_chinese_fonts():
        click.echo(
            f"casefield: prints lack Chinese fonts: {doctors.FONT_HINT}", err=True
        )
    yield


def _announcing(settings: Settings, table: str) -> Callable[[], None]:
    def announce() -> None:
        if table:
            click.echo(table)
        click.echo(f"casefield is at {settings.public_url} (Ctrl-C stops it)")

    return announce


def _prepare_demo(settings: Settings) -> str:
    """Upgrade, load the demo into an empty database, and list its sign-ins."""
    from casefield.demo import services as demo

    upgrade.upgrade(settings)
    app = create_app(settings)
    try:
        if _is_empty(app):
            click.echo("loading the invented project ...", err=True)
            demo.load_demo(app, clock.now())
        return demo.sign_in_table(app, clock.now())
    finally:
        with app.app_context():
            # What comes after is forked: no connection may be shared.
            db.engine.dispose()


def _is_empty(app: Flask) -> bool:
    from casefield.sites.models import Company

    with app.app_context():
        return db.session().execute(select(Company.id).limit(1)).first() is None


def _zone(_context: object, _parameter: object, name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise click.BadParameter(f"{name} is not a zone like Asia/Shanghai") from None


@main.command()
@with_settings
def worker(settings: Settings) -> None:
    """Do the jobs and the timed work only (``serve`` includes one)."""
    with upgrade.one_of_many(settings.data), _checked(settings):
        serving.run_worker(settings)


@main.command()
@with_settings
def migrate(settings: Settings) -> None:
    """Back up, then bring the database up to this program."""
    before = upgrade.upgrade(settings)
    if before.state is upgrade.State.CURRENT:
        click.echo(f"the database is at {before.wanted} already")
    else:
        click.echo(f"the database went from {before.found} to {before.wanted}")


@main.command()
@with_settings
def demo(settings: Settings) -> None:
    """Load the invented project into an empty database."""
    click.echo(_prepare_demo(settings))


@main.command()
@with_settings
def sweep(settings: Settings) -> None:
    """Do the timed work that is due, once."""
    from casefield.core.jobs import sweep as sweep_once

    with _application(settings):
        sweep_once(clock.now())


@main.command()
@with_settings
def doctor(settings: Settings) -> None:
    """Look the installation over; say what is wrong and what to do."""
    findings = list(doctors.examine(settings))
    for finding in findings:
        mark = "ok  " if finding.good else "BAD "
        click.echo(f"{mark}{finding.name:<10} {finding.sentence}")
    if not all(finding.good for finding in findings):
        sys.exit(1)


@main.command("verify-ledger")
@with_settings
def verify_ledger(settings: Settings) -> None:
    """Walk every site's ledger and name each line that does not hold."""
    from casefield.core import ledger
    from casefield.sites.models import Site

    broken = 0
    with _application(settings):
        sites = select(Site.id, Site.name).order_by(Site.id)
        for site_id, name in db.session().execute(sites).all():
            for gap in ledger.verify(site_id):
                broken += 1
                click.echo(f"{name}: line {gap.seq} {gap.why}")
            last, digest = ledger.head(site_id)
            click.echo(f"{name}: {last} lines, the last is {digest[:16]}")
    if broken:
        sys.exit(1)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--without-media", is_flag=True, help="The database and the keys only.")
@with_settings
def backup(settings: Settings, file: Path, *, without_media: bool) -> None:
    """Write everything into FILE (.tar.zst) while the site goes on."""
    place = DatabasePlace(settings.database_url)
    made = backups.write_backup(
        place, settings.data, file, with_media=not without_media
    )
    rows = sum(made.rows.values())
    click.echo(f"{file}: {rows} rows, {len(made.files)} files, at {made.revision}")


@main.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_settings
def restore(settings: Settings, file: Path) -> None:
    """Put the backup FILE into an empty place."""
    place = DatabasePlace(settings.database_url)
    with upgrade.only_user(settings.data):
        made = backups.restore_backup(place, settings.data, file)
    now = upgrade.standing(settings)
    click.echo(f"{sum(made.rows.values())} rows and {len(made.files)} files are back")
    upgrade.refuse_newer(now)
    if now.state is upgrade.State.OLDER:
        click.echo("the backup is from an older program: casefield migrate")


@main.command("create-admin")
@click.argument("staff_no")
@click.argument("name")
@click.option("--company", required=True, help="Its name; made when it is missing.")
@click.option("--site", required=True, help="Its name; made when it is missing.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, callback=_zone)
@click.password_option(help="Asked for when it is not given.")
@with_settings
def create_admin(
    settings: Settings,
    staff_no: str,
    name: str,
    company: str,
    site: str,
    zone: ZoneInfo,
    password: str,
) -> None:
    """Make the first company admin of a site without the demo."""
    from casefield.operation import first_steps

    with _application(settings):
        try:
            first_steps.create_admin(
                company_name=company,
                site_name=site,
                zone=zone,
                staff_no=staff_no,
                name=name,
                password=password,
                now=clock.now(),
            )
        except DomainError as refused:
            raise click.ClickException(str(refused)) from None
    click.echo(f"{name} ({staff_no}) may sign in at {settings.public_url}")
