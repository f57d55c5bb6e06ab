"""httpx with the tests' patience: its own 5 s are a limit that a busy machine misses."""

from __future__ import annotations

from functools import partial

import httpx

PATIENCE_S = 120.0

get = partial(httpx.get, timeout=PATIENCE_S)
post = partial(httpx.post, timeout=PATIENCE_S)
options = partial(httpx.options, timeout=PATIENCE_S)
request = partial(httpx.request, timeout=PATIENCE_S)
Client = partial(httpx.Client, timeout=PATIENCE_S)
