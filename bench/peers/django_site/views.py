"""The list page, and the write of row, receipt and ledger line."""

import hashlib
import json
import secrets

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST

from bench.peers.django_site.models import CheckIn, Checkpoint, LedgerLine, Receipt

SECTIONS = ("home", "board", "rounds", "records", "routes", "places", "people", "rota")


def ready(_request: HttpRequest) -> HttpResponse:
    """Say that the server is up."""
    return HttpResponse("ok")


@login_required
def check_ins(request: HttpRequest) -> HttpResponse:
    """Show the 50 newest check-ins of one site."""
    site_id = int(request.GET.get("site", "1"))
    newest = (
        CheckIn.objects.filter(site_id=site_id)
        .select_related("checkpoint", "person")
        .order_by("-scanned_at", "-id")[:50]
    )
    context = {"check_ins": newest, "sections": SECTIONS}
    return render(request, "check_ins.html", context)


@require_POST
@login_required
def check_in(request: HttpRequest) -> HttpResponse:
    """Write a check-in, the receipt of its form and its chained ledger line."""
    now = timezone.now()
    key = request.POST["receipt_key"]
    digest = hashlib.sha256(request.body).hexdigest()
    with transaction.atomic():
        seen = Receipt.objects.filter(key=key).first()
        if seen:
            return HttpResponseRedirect(seen.answer, status=303)
        point = Checkpoint.objects.get(code=request.POST["code"])
        row = CheckIn.objects.create(
            public_id=secrets.token_hex(10),
            site_id=point.site_id,
            checkpoint=point,
            person_id=1,
            scanned_at=now,
            verdict="normal",
            note=request.POST.get("note", ""),
        )
        _record(request, row)
        answer = "/check-ins"
        Receipt.objects.create(
            key=key, user_id=request.user.pk, digest=digest, answer=answer, made_at=now
        )
    return HttpResponseRedirect(answer, status=303)


def _record(request: HttpRequest, row: CheckIn) -> None:
    """Chain a line to the last one of the site."""
    last = (
        LedgerLine.objects.filter(site_id=row.site_id)
        .order_by("-number")
        .values_list("number", "chained")
        .first()
    )
    number, before = last or (0, "")
    body = json.dumps({"point": row.checkpoint_id, "verdict": row.verdict})
    chained = hashlib.sha256(f"{before}{number + 1}{body}".encode()).hexdigest()
    LedgerLine.objects.create(
        site_id=row.site_id,
        number=number + 1,
        verb="patrol.check_in",
        subject=row.public_id,
        user_id=request.user.pk,
        at=row.scanned_at,
        body=body,
        chained=chained,
    )
