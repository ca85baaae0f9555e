"""The headers of every answer: content policy, caching, compression."""

import gzip

import zstandard
from flask import Flask, Response, request

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    # replays over HTTPS are judged by Origin; the token check wants a Referer too
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "X-Frame-Options": "DENY",
}
_SECURITY_PAIRS = tuple((pair[0].lower(), pair) for pair in SECURITY_HEADERS.items())
COMPRESSIBLE = ("text/", "application/json", "image/svg+xml", "application/manifest")
WORTH_COMPRESSING = 900


def _compress(response: Response) -> None:
    if (
        response.direct_passthrough
        or response.status_code < 200
        or "Content-Encoding" in response.headers
        or not (response.mimetype or "").startswith(COMPRESSIBLE)
    ):
        return
    body = response.get_data()
    if len(body) < WORTH_COMPRESSING:
        return
    accepted = request.headers.get("Accept-Encoding", "")
    if "zstd" in accepted:
        # a compressor must not be shared by threads: each call makes its own frame
        body, name = zstandard.ZstdCompressor(level=3).compress(body), "zstd"
    elif "gzip" in accepted:
        body, name = gzip.compress(body, 6, mtime=0), "gzip"
    else:
        return
    response.set_data(body)
    response.headers["Content-Encoding"] = name
    response.vary.add("Accept-Encoding")


def init_app(app: Flask, *, https: bool) -> None:
    """Put the headers on every answer, refusals and errors included."""

    @app.after_request
    def finish(response: Response) -> Response:
        given = {name.lower() for name, _ in response.headers}
        # straight into the list: constants need no look at each of their characters
        response.headers._list.extend(  # noqa: SLF001 -- see above
            pair for low, pair in _SECURITY_PAIRS if low not in given
        )
        if https:
            response.headers.setdefault(
                "Strict-Transport-Security", "max-age=31536000; includeSubDomains"
            )
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        _compress(response)
        return response
