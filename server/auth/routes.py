"""The routes around tokens and browser sessions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from nitropilot.server.auth.browser import CODE_LIFETIME_S
from nitropilot.server.auth.guard import Access
from nitropilot.server.auth.identity import Scope, identity_of
from nitropilot.server.auth.scopes import ScopedRoute, admin_only, allow
from nitropilot.server.auth.tokens import TokenRecord
from nitropilot.server.schemas.models import CodeAnswer, NewTokenAnswer, TokenModel, TokenRequest

router = APIRouter(prefix="/api/v1", route_class=ScopedRoute)


async def the_access(request: Request) -> Access:
    """The application's access."""
    access: Access = request.app.state.access
    return access


AccessNow = Annotated[Access, Depends(the_access)]


def token_model(record: TokenRecord) -> TokenModel:
    """What may be told about a token: not even its digest."""
    return TokenModel(
        id=record.id,
        name=record.name,
        scope=record.scope.value,
        created=record.created,
        last_used=record.last_used,
    )


@router.get("/tokens")
@admin_only
def list_tokens(access: AccessNow) -> list[TokenModel]:
    """Named tokens, oldest first; nobody can see their secrets again."""
    return [token_model(record) for record in access.tokens.listed()]


@router.post("/tokens", status_code=201)
@admin_only
def create_token(wanted: TokenRequest, access: AccessNow) -> NewTokenAnswer:
    """A new token.  Its secret is in this answer and nowhere else."""
    record, secret = access.tokens.create(wanted.name, Scope(wanted.scope))
    return NewTokenAnswer(token=token_model(record), secret=secret)


@router.delete("/tokens/{token_id}", status_code=204)
@admin_only
def revoke_token(token_id: str, access: AccessNow) -> Response:
    """Revoke a token: its next request is refused and its WebSockets are closed."""
    access.tokens.revoke(token_id)
    return Response(status_code=204)


@router.post("/auth/codes", status_code=201)
@admin_only
def create_code(request: Request, access: AccessNow) -> CodeAnswer:
    """A one-time code, and the address that opens a browser session with it."""
    code = access.codes.issue()
    url = f"{access.rules.scheme}://{request.state.host}/?code={code}"
    return CodeAnswer(code=code, url=url, seconds=int(CODE_LIFETIME_S))


@router.post("/auth/logout", status_code=204)
@allow(Scope.DECK, Scope.OVERLAY)
def log_out(request: Request, access: AccessNow) -> Response:
    """End the browser session of the cookie; a token is not affected."""
    identity = identity_of(request.scope)
    if identity is not None and identity.kind == "browser":
        access.sessions.close(identity)
    return Response(status_code=204, headers={"Set-Cookie": access.set_cookie("")})
