# Two commands do everything, set-up included:
#   make demo   create the environment, install, and watch the agent play SuperTux and the arcade
#   make test   the same set-up, then lint, types and the tests; of the long ones some, by turns
# Others: make test-all (all tests but the slow proofs), make check (lint and types), make bench (what this machine measures), make bench-steps (how a
# policy plays with fewer Euler steps; STEPS=--write-card keeps it), make bench-dataset (how well
# actions are read off videos), make clean, and the
# slow proofs, which make test leaves out and continuous integration runs in turn: make parity
# (every engine here against float32, full-size policies too), make test-images (the container
# images built and run; needs root), make test-vm (pads on a kernel of their own), make test-openapi
# (the API's document; EXAMPLES=80 requests an operation), make kills (200 ends at random moments),
# make soak (10 minutes of use; MINUTES=60 for more), make sabotage (deliberate faults, each of
# which a test has to catch; TURN=3 for some); make slow-proofs runs every row of
# .ci/slow-proofs.toml.  make golden-record, golden-update and golden-mutations: CONTRIBUTING.md
# says when.
# On a machine with a CUDA card, make test-gpu and make bench-gpu need python3 with torch,
# numpy and safetensors, install nothing and use one card.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Processes that run the tests; one of them takes one core.
WORKERS ?= 2
# What is there: the environment, or the system's Python.
BARE := $(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON))
# The first card of those that may be used, or the first of all.
ONE_CARD := CUDA_VISIBLE_DEVICES=$${CUDA_VISIBLE_DEVICES-0} && \
	export CUDA_VISIBLE_DEVICES=$${CUDA_VISIBLE_DEVICES%%,*}

# Without its bytecode every process would compile torch and all of its imports anew: hundreds of
# them in the tests, three seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all installs test-images test-vm test-openapi kills soak lockstep replays freeze transfer overfit from-nothing pocket slow-proofs check \
	bench bench-dataset bench-steps sabotage parity test-gpu bench-gpu clean golden-record golden-update golden-mutations

demo: packages-demo $(READY)
	$(BIN)/nitropilot demo --seconds 20 $(DEMO)

test:
	@MAKE="$(MAKE)" PYTEST="$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder" \
		scripts/test $(TESTS)

test-all:
	@ALL=1 $(MAKE) --no-print-directory test TESTS="$(TESTS)"

installs: packages-test $(READY)

test-images: packages-images $(READY)
	NITROPILOT_IMAGES="$(abspath artifacts/images)" $(BIN)/python -m pytest -m slow tests/images

test-vm: packages-test $(READY)
	$(BIN)/python -m pytest -m slow tests/uinput_vm

test-openapi: packages-test $(READY)
	OPENAPI_EXAMPLES=$${EXAMPLES:-80} $(BIN)/python -m pytest tests/server/api/test_openapi.py

kills: packages-test $(READY)
	KILLS=$${KILLS:-200} $(BIN)/python -m pytest -s -m slow tests/e2e/test_kills.py

lockstep: packages-test $(READY)
	$(BIN)/python -m pytest -s -m slow tests/controller/clock

replays: packages-test $(READY)
	$(BIN)/python -m pytest -s -m slow tests/simulator $(PLAYS)

overfit: packages-test $(READY)
	$(BIN)/python -m pytest -s -m slow tests/training

from-nothing: packages-test $(READY)
	$(BIN)/python -m pytest -s -m slow tests/pocket

pocket: packages-test $(READY)
	$(BIN)/python -m nitropilot.pocket $(POCKET)

transfer: packages-test $(READY)
	$(BIN)/python -m benchmarks.transfer $(TRANSFER)

freeze: packages-test $(READY)
	$(BIN)/python -m benchmarks.freeze $(FREEZE)

soak: packages-test $(READY)
	SOAK_MINUTES=$${MINUTES:-10} $(BIN)/python -m pytest -s -m slow tests/e2e/test_soak.py

sabotage: packages-test $(READY)
	$(BIN)/python -m tests.sabotage $(if $(TURN),--turn $(TURN)) $(SABOTAGE)

slow-proofs:
	"$(PYTHON)" -m scripts.slow_proofs --all

check: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

bench: packages-demo $(READY)
	$(BIN)/python -m benchmarks.capture
	$(BIN)/python -m benchmarks.pacing
	$(BIN)/python -m benchmarks.clock.hand_start
	$(BIN)/python -m benchmarks.arcade
	$(BIN)/python -m benchmarks.capture_to_pad
	$(BIN)/python -m benchmarks.realtime
	$(BIN)/python -m benchmarks.policy_server
	$(BIN)/python -m benchmarks.engines
	$(BIN)/python -m benchmarks.auto

bench-dataset: packages-demo $(READY)
	$(BIN)/python -m benchmarks.dataset $(BENCH)

bench-steps: packages-demo $(READY)
	$(BIN)/python -m benchmarks.steps $(STEPS)

parity: packages-test $(READY)
	NITROPILOT_PARITY=full $(BIN)/python -m pytest -s -m "slow or not slow" tests/engines/test_parity.py $(PARITY)

golden-record: packages-test $(READY)
	$(BIN)/python -m tests.golden.record
	$(BIN)/python -m tests.golden.expected

golden-update: packages-test $(READY)
	$(BIN)/python -m tests.golden.expected

golden-mutations: packages-test $(READY)
	$(BIN)/python -m tests.golden.mutations

test-gpu:
	$(ONE_CARD) && $(BARE) -m unittest discover -v -s tests/gpu -t .

bench-gpu:
	$(ONE_CARD) && $(BARE) -m benchmarks.gpu $(BENCH)

packages-%:
	PYTHON="$(PYTHON)" scripts/install-system-packages $*

$(READY): pyproject.toml scripts/install
	PYTHON="$(PYTHON)" scripts/install $(VENV)
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache artifacts
