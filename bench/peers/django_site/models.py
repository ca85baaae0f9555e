"""The tables that the page joins and the write fills."""

from django.db import models


class Site(models.Model):
    """A sales site."""

    name = models.CharField(max_length=80)


class Person(models.Model):
    """A guard."""

    name = models.CharField(max_length=40)
    staff_no = models.CharField(max_length=20)


class Checkpoint(models.Model):
    """A point of a route."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE)
    name = models.CharField(max_length=80)
    code = models.CharField(max_length=10, unique=True)


class CheckIn(models.Model):
    """One scan."""

    public_id = models.CharField(max_length=32, unique=True)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, db_index=False)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.CASCADE, db_index=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, db_index=False)
    scanned_at = models.DateTimeField()
    verdict = models.CharField(max_length=10)
    note = models.TextField()

    class Meta:
        indexes = (
            models.Index(fields=["site", "scanned_at"], name="check_in_site"),
            models.Index(fields=["checkpoint", "scanned_at"], name="check_in_point"),
        )


class Receipt(models.Model):
    """The key of a form that was answered once."""

    key = models.CharField(max_length=40, unique=True)
    user_id = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    answer = models.CharField(max_length=200)
    made_at = models.DateTimeField()


class LedgerLine(models.Model):
    """One line per thing done, chained to the line before it."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, db_index=False)
    number = models.BigIntegerField()
    verb = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)
    user_id = models.BigIntegerField()
    at = models.DateTimeField()
    body = models.TextField()
    chained = models.CharField(max_length=64)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["site", "number"], name="ledger_order"),
        )
