"""What is asked of each figure, in one table, with the next step towards more."""

from bench.figures import Limit

LIMITS = {
    "page_round_list": Limit(
        least=0.12,
        aim=0.22,
        upward=True,
        says="check-in list of 50 rows / empty Flask route, requests a second",
        next_step=(
            "read with one kept connection a thread (about 5 %); fewer joined "
            "columns in a row (about 5 %)"
        ),
    ),
    "page_cpu": Limit(
        least=13,
        aim=7,
        upward=False,
        says="processor time of the list page / empty route, inside one process",
        next_step=(
            "half of what is left is Flask's request itself and SQLite's 51 "
            "joined rows: a list without route and round, or one text a row "
            "made by the database"
        ),
    ),
    "page_vs_django": Limit(
        least=3,
        aim=5,
        upward=True,
        says="check-in list / the same page in minimal Django, requests a second",
        next_step=(
            "the page is well above; the next gain is the home page, which is "
            "rendered whole"
        ),
    ),
    "check_in_vs_django": Limit(
        least=1.0,
        aim=1.5,
        upward=True,
        says="check-in / the same three rows in minimal Django, requests a second",
        next_step=(
            "both wait for the same fsync and one writer: fewer indexes on the "
            "check-in, the ledger's last hash kept beside its chain"
        ),
    ),
    "check_in_write": Limit(
        least=0.20,
        aim=0.35,
        upward=True,
        says="check-in / endpoint that inserts the one row, requests a second",
        next_step=(
            "four indexes on the check-in, four on the ledger line, two on the "
            "receipt: each one less is one page less to write"
        ),
    ),
    "pdf_cf01": Limit(
        least=1.15,
        aim=1.05,
        upward=False,
        says="CF-01 through the app / bare WeasyPrint on the same HTML, seconds",
        next_step=(
            "filling the template is 2 ms of half a second; the rest is WeasyPrint"
        ),
    ),
    "first_load_kb": Limit(
        least=60,
        aim=40,
        upward=False,
        says="all that the guard's home loads first, compressed",
        next_step=(
            "htmx is 15 KB of it; 13 style sheets and 11 scripts would be fewer "
            "requests as two files"
        ),
    ),
    "locked_errors": Limit(
        least=0,
        aim=0,
        upward=False,
        says="failed of 10,000 check-ins from 32 clients",
        next_step="nothing",
    ),
    "round_list_10m": Limit(
        least=1.5,
        aim=1.2,
        upward=False,
        says="check-in list at ten million rows / at ten thousand, worse database",
        next_step="nothing: the statement reads 51 index entries whatever lies below",
    ),
}
