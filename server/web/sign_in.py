"""``GET /``: the dashboard, and the login to it, where a one-time code becomes a cookie.

This is the one GET that changes something, and it may: the code in it is a secret made for
this one use, so nobody can make a browser send it who does not have it, and whoever has it
could send it anyway.  The answer takes it out of the address before any page is shown.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from nitropilot.server.auth.guard import too_many
from nitropilot.server.auth.identity import Scope, identity_of
from nitropilot.server.auth.routes import AccessNow
from nitropilot.server.auth.scopes import ScopedRoute, public
from nitropilot.server.http.limits import client_key
from nitropilot.server.web.site import dashboard
from nitropilot.version import __version__

router = APIRouter(route_class=ScopedRoute)

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<title>NitroPilot</title>
<link rel="icon" href="/pages/shared/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/pages/shared/base.css">
<link rel="stylesheet" href="/pages/shared/sign-in.css">
<main>
<h1>NitroPilot <small>{version}</small></h1>
{text}
</main>
"""
HOW_TO_GET_IN = """<p>This daemon lets an AI play a game on this computer through a virtual gamepad.
Its dashboard opens with a link that works once.</p>
<p>On the computer that the daemon runs on, run this and open what it prints:</p>
<pre><code>nitropilot url</code></pre>
<p>Came by such a link already? <a href="/">Go to the dashboard</a>.</p>
<p class="quiet">Programs use the REST API under <code>/api/v1</code> with a token, described in
<code>/openapi.json</code> and in the project's README.</p>"""
SPENT = """<p>This link has been used, or is too old.</p>
<p>On the computer that the daemon runs on, run this and open what it prints:</p>
<pre><code>nitropilot url</code></pre>
<p>Is this browser signed in already? <a href="/">Go to the dashboard</a>.</p>"""


def page(text: str, status: int = 200) -> Response:
    """A page of plain HTML; ``text`` is ours and may hold markup."""
    return HTMLResponse(PAGE.format(version=__version__, text=text), status)


def _came_in(request: Request) -> bool:
    """Whether the cookie of an admin's browser session came along."""
    found = identity_of(request.scope)
    return found is not None and found.kind == "browser" and found.scope is Scope.ADMIN


@router.get("/", include_in_schema=False)
@public
async def home(
    request: Request, access: AccessNow, code: Annotated[str | None, Query()] = None
) -> Response:
    """The dashboard, or how to get to it; with a good code, a browser session first."""
    if code is None:
        return dashboard() if _came_in(request) else page(HOW_TO_GET_IN)
    if not access.codes.redeem(code):
        wait = access.failures.take(client_key(request.scope))
        if wait:
            return too_many("too_many_failures", "too many wrong codes came from there", wait)
        return page(SPENT, 401)
    cookie = access.set_cookie(access.sessions.open(Scope.ADMIN))
    return RedirectResponse("/", 303, {"Set-Cookie": cookie})
