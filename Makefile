# Two commands do everything, set-up included:
#   make demo   create the environment, install, and watch the agent play SuperTux
#   make test   the same set-up, then the whole test suite
# Others: make check (lint and types), make bench (what this machine measures), make clean.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check bench system clean

demo: system $(READY)
	$(BIN)/nitropilot demo --seconds 20 $(DEMO)

test: system $(READY) check
	$(BIN)/python -m pytest $(TESTS)

check: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

bench: system $(READY)
	$(BIN)/python -m benchmarks.capture
	$(BIN)/python -m benchmarks.pacing

# System packages of the real parts; installs only what is missing.
system:
	scripts/install-system-packages

$(READY): pyproject.toml scripts/install
	PYTHON="$(PYTHON)" scripts/install $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache artifacts
