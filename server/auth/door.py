"""``GET /``: where a one-time code becomes a cookie, and what a browser sees without one.

This is the one GET that changes something, and it may: the code in it is a secret made for
this one use, so nobody can make a browser send it who does not have it, and whoever has it
could send it anyway.  The answer takes it out of the address before any page is shown.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from nitropilot import __version__
from server.auth.guard import too_many
from server.auth.identity import Scope
from server.auth.routes import AccessNow
from server.auth.scopes import ScopedRoute, public
from server.limits import client_key

router = APIRouter(route_class=ScopedRoute)

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>NitroPilot</title>
<h1>NitroPilot {version}</h1>
<p>{text}</p>
"""
PLACEHOLDER = (
    "This daemon lets an AI play a game on this computer through a virtual gamepad. "
    "It is used through the <code>nitropilot</code> command and a REST API under "
    "<code>/api/v1</code>, which is described in "
    '<a href="/openapi.json">/openapi.json</a> and in the project\'s README.'
)
SPENT = (
    "This link has been used, or is too old. Run <code>nitropilot url</code> on the computer "
    "that the daemon runs on: it prints a new one."
)


def page(text: str, status: int = 200) -> Response:
    """A page of plain HTML; ``text`` is ours and may hold markup."""
    return HTMLResponse(PAGE.format(version=__version__, text=text), status)


@router.get("/", include_in_schema=False)
@public
async def home(
    request: Request, access: AccessNow, code: Annotated[str | None, Query()] = None
) -> Response:
    """What NitroPilot is; with a good code, a browser session first."""
    if code is None:
        return page(PLACEHOLDER)
    if not access.codes.redeem(code):
        wait = access.failures.take(client_key(request.scope))
        if wait:
            return too_many("too_many_failures", "too many wrong codes came from there", wait)
        return page(SPENT, 401)
    cookie = access.set_cookie(access.sessions.open(Scope.ADMIN))
    return RedirectResponse("/", 303, {"Set-Cookie": cookie})
