# Two commands do everything, set-up included:
#   make demo   create the environment, install, and watch the agent play SuperTux
#   make test   the same set-up, then the whole test suite
# Others: make check (lint and types), make bench (what this machine measures), make clean.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench clean

demo: packages-demo $(READY)
	$(BIN)/nitropilot demo --seconds 20 $(DEMO)

test: packages-test $(READY) check
	$(BIN)/python -m pytest $(TESTS)

check: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

bench: packages-demo $(READY)
	$(BIN)/python -m benchmarks.capture
	$(BIN)/python -m benchmarks.pacing

packages-%:
	PYTHON="$(PYTHON)" scripts/install-system-packages $*

$(READY): pyproject.toml scripts/install
	PYTHON="$(PYTHON)" scripts/install $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache artifacts
