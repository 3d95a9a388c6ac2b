# Every target does its own set-up: a virtual environment in .venv, made once and again when the pins change.
#
# On a machine without a GPU a CPU build of torch saves gigabytes; name the index that has it:
#   make demo TORCH_INDEX=URL
# Another folder for the virtual environment: make demo VENV=FOLDER

VENV := .venv
BIN := $(VENV)/bin
PINS := pyproject.toml setup.py constraints.txt scripts/setup.sh $(wildcard synth/sampler/cpu/*)
TORCH_INDEX ?=
PYTHON ?= python3
TEST_PROCESSES ?= 2
API_TESTS := tests/web/api tests/web/uploads tests/web/security tests/web/gallery tests/web/comparisons tests/web/client
export TORCH_INDEX VENV

.DEFAULT_GOAL := help
.PHONY: help demo serve test again check format bench gpu slow services chaos soak clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/'

demo: $(VENV)/.ready ## start a server, upload three silent clips, fetch them with sound
	@$(BIN)/sonorize demo

serve: $(VENV)/.ready ## the pages and the API on http://127.0.0.1:8080, until Ctrl-C
	@$(BIN)/sonorize serve

test: $(VENV)/.ready-dev ## the tests that run in CI
	@$(BIN)/python -m pytest -m "not slow" -n $(TEST_PROCESSES) --dist worksteal --durations=10

again: $(VENV)/.ready-dev ## the tests that failed last, one after another
	@$(BIN)/python -m pytest -m "not slow" -n 0 --last-failed --last-failed-no-failures none

check: $(VENV)/.ready-dev ## lint, format, types, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.ready-dev ## let ruff format and fix what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.ready ## seconds and megabytes of one job
	@$(BIN)/sonorize bench job --json

gpu: ## check and measure the CUDA sampler; runs on any Python with torch, numpy and cuda-core (PYTHON=...)
	@$(PYTHON) -m scripts.gpu

slow: $(VENV)/.ready-dev ## the tests that take minutes
	@$(BIN)/python -m pytest -m "slow and not soak"

services: $(VENV)/.ready-dev ## the tests of the API again, on PostgreSQL, Redis (Valkey) and S3 (SeaweedFS)
	@SONORIZE_TEST_SERVICES=1 $(BIN)/python -m pytest -m "not slow" $(API_TESTS)

chaos: $(VENV)/.ready-dev ## kill, stop and fill up what a server runs on, count what is lost or done twice (FIGURES=FOLDER)
	@$(BIN)/python -m pytest -m "chaos or promise" -s

soak: $(VENV)/.ready-dev ## half an hour of load and kills (SOAK_S=SECONDS), and whether anything grows (FIGURES=FOLDER)
	@$(BIN)/python -m pytest -m soak -s

clean: ## take away everything that make and the tests made
	@rm -rf $(VENV) .venv-demo build dist demo-output *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@rm -f synth/sampler/*.so
	@find synth web workers tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.ready: $(PINS)
	@bash scripts/setup.sh run

$(VENV)/.ready-dev: $(PINS)
	@bash scripts/setup.sh dev
