"""The OpenAPI document is whole and true: Schemathesis asks the running daemon all it says.

``OPENAPI_EXAMPLES`` sets how many requests each operation gets from each of three people: one
with the daemon's token, one with an overlay's, and one with none.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nitropilot.server.daemon.openapi import METHODS
from nitropilot.simulator.games.known import KNOWN_GAMES
from tests.server.conftest import needs_preload
from tests.server.processes import PATIENCE_S, POLICY, Daemon, running_game

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemathesis import Case, HookContext

    from nitropilot.agent.target.display import PrivateDisplay

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("OPENAPI_EXAMPLES") or 8)
ENDS_SESSIONS = "DELETE /api/v1/sessions/{session_id}"
OPEN_TO_ALL = ("/api/version", "/healthz")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def asked(
    x_display: PrivateDisplay, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Daemon, str, str]]:
    """A daemon, a session of it that waits, and an overlay's token."""
    needs_preload()
    home = tmp_path_factory.mktemp("asked")
    with running_game(x_display.name) as game, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # what is pulled is not there
        daemon = Daemon(
            home, x_display.name, "--policy", POLICY, "--engine", "torch", warm_start=True
        )
        session = daemon.create(pid=game.pid, autoplay=False)["id"]
        daemon.wait_for(session, "paused")
        body = {"name": "asked", "scope": "overlay"}
        secret = daemon.client.post("/api/v1/tokens", json=body).json()["secret"]
        yield daemon, session, secret
        assert daemon.process.poll() is None, daemon.output()
        assert "Traceback" not in daemon.output()
        daemon.client.close()
        daemon.kill()


def keep_unharmed(schema: Any, session: str) -> None:
    """What must not be asked of this machine, and what makes the answers worth asking for."""

    @schema.hook
    def map_path_parameters(_context: HookContext, values: dict[str, Any] | None) -> Any:
        """Half of the sessions asked for exist."""
        if values and "session_id" in values and len(str(values["session_id"])) % 2:
            values["session_id"] = session
        return values

    @schema.hook
    def filter_body(_context: HookContext, body: Any) -> bool:
        """A launched text is a command line, and to build a policy takes minutes."""
        if not isinstance(body, dict):
            return True
        launch, policy = str(body.get("launch", "")), str(body.get("policy", ""))
        word = launch.split()[0].strip("'\"") if launch.split() else ""
        return word not in KNOWN_GAMES and not shutil.which(word) and "random" not in policy


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation with its method and path."""
    return [
        (method, path, found[method])
        for path, found in document["paths"].items()
        for method in METHODS
        if method in found
    ]


def ask_all(operation: Any, mode: GenerationMode, ask: Callable[[Case], None]) -> None:
    """Ask an operation for right or for wrong things."""
    run = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )(given(case=operation.as_strategy(mode))(ask))  # fmt: skip
    run()


@pytest.mark.parametrize("who", ["admin", "overlay", "nobody"])
def test_every_answer_is_one_that_the_document_knows(
    asked: tuple[Daemon, str, str], who: str
) -> None:
    """A generated client breaks at an answer it was not told of; a 5xx breaks everybody."""
    daemon, session, overlay = asked
    document = daemon.client.get("/openapi.json").json()
    for _, _, operation in operations(document):
        operation.pop("security", None)  # or tokens are made up where one is given here
    schema = schemathesis.openapi.from_dict(document)
    keep_unharmed(schema, session)
    secret = {"admin": daemon.token, "overlay": overlay, "nobody": None}[who]
    statuses: Counter[int] = Counter()
    more = [negative_data_rejection] if who == "admin" else []

    def ask(case: Case) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
        answer = case.call(base_url=daemon.url, headers=headers, timeout=PATIENCE_S)
        while answer.status_code == 429 and who == "admin":
            time.sleep(float(answer.headers["retry-after"][0]))
            answer = case.call(base_url=daemon.url, headers=headers, timeout=PATIENCE_S)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=[*CHECKS, *more])

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label == ENDS_SESSIONS and who == "admin":
            continue  # it is needed to the end; tests/server/sessions/test_sessions.py deletes some
        ask_all(operation, GenerationMode.POSITIVE, ask)
        if "requestBody" in operation.definition.raw or operation.definition.raw.get("parameters"):
            with suppress(Unsatisfiable):  # nothing is a wrong id, there is only none of it
                ask_all(operation, GenerationMode.NEGATIVE, ask)
    print(who, dict(sorted(statuses.items())))
    if who == "admin":
        assert {200, 404, 422} <= statuses.keys()
        assert not {401, 403} & statuses.keys()
    elif who == "overlay":
        assert {200, 403} <= statuses.keys()
    else:
        assert 401 in statuses
        assert statuses[200] <= 2 * EXAMPLES * len(OPEN_TO_ALL)
    assert daemon.session(session)["end"] is None


def test_the_document_is_whole(asked: tuple[Daemon, str, str]) -> None:
    """What a developer reads first: a group, a line, an example and every answer's form."""
    document = asked[0].client.get("/openapi.json").json()
    errors = {"$ref": "#/components/schemas/ErrorAnswer"}
    found = operations(document)
    assert len(found) > 40
    for method, path, operation in found:
        where = f"{method} {path}"
        assert operation["tags"], where
        assert operation["summary"], where
        assert operation.get("description"), where
        for status, answer in operation["responses"].items():
            assert answer["description"], (where, status)
            if int(status) >= 400:
                assert answer["content"]["application/json"]["schema"] == errors, (where, status)
            elif status not in ("204", "206"):
                assert answer["content"], (where, status)


def test_every_example_is_valid(asked: tuple[Daemon, str, str]) -> None:
    """The first thing that is copied has to work."""
    document = asked[0].client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            continue
        examples = examples_of(content, schemas)
        assert examples, f"{method} {path} has no example"
        check = jsonschema_rs.validator_for(
            {**content["schema"], "components": {"schemas": schemas}}
        )
        for example in examples:
            check.validate(example)


def examples_of(content: dict[str, Any], schemas: dict[str, Any]) -> list[Any]:
    """The examples of a body: its own, or those of the models that it may be."""
    schema = content["schema"]
    named = [schema, *schema.get("oneOf", []), *schema.get("anyOf", [])]
    models = [schemas[each["$ref"].rpartition("/")[2]] for each in named if "$ref" in each]
    found: list[Any] = []
    for each in (schema, *models):
        found += each.get("examples", [])
        found += [each["example"]] if "example" in each else []
    return found
