"""What a phone sees: one static page that asks for the scan, and the door that gives it once.

The page's address carries the key behind the `#`, which no browser sends: the hub passes on what it
cannot read. Looking at the page spends nothing (messengers look at every link they see).
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from hub.pickups.keeping import fetch

# The page loads its own script and style, asks the hub, and nothing else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _closed(answer: HttpResponse) -> HttpResponse:
    answer["Content-Security-Policy"] = POLICY
    answer["Cache-Control"] = "no-store"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer


@require_safe
def page(request: HttpRequest, name: str) -> HttpResponse:
    """The same whether or not anything waits under this name."""
    return _closed(render(request, "pickups/page.html"))


@csrf_exempt  # who knows the name may have it, from wherever they ask; nobody is logged in here
@require_POST
def content(request: HttpRequest, name: str) -> HttpResponse:
    sealed = fetch(name)
    if sealed is None:
        return _closed(HttpResponse(status=404))
    return _closed(HttpResponse(sealed, content_type="application/octet-stream"))
