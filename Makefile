# The verbs, for people and for CI alike. Every one does its own set-up; only Python 3.11+ is assumed.

PYTHON := $(shell PYTHON="$(PYTHON)" scripts/find-python)
BIN := .venv/bin
JOBS ?= 2
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak fmt docs sbom audit screenshots lock clean python run-env dev-env sdk-envs

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

demo: run-env ## the main job, from recordings of real calls, on this machine
	$(BIN)/roomtone demo $(ARGS)

test: dev-env sdk-envs ## every test; ARGS="-k name" for some
	$(BIN)/pytest --cache-clear -n $(JOBS) --dist loadgroup $(ARGS) || $(BIN)/python scripts/second_look.py $$?

check: dev-env sdk-envs ## format, lint, types, import floors, house rules, documents
	$(BIN)/ruff format --check --no-cache .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/settings_doc.py --check
	$(BIN)/python scripts/dashboard.py --check
	$(BIN)/python scripts/sbom.py --check
	$(BIN)/python scripts/audit.py
	$(BIN)/pytest tests/house

bench: dev-env ## measure what the design rests on, into docs/performance.md; ARGS="fold" for some
	$(BIN)/python -m bench --write $(ARGS)

soak: dev-env ## every fault as often as a release wants it, an hour or so; ARGS="-k leader" for some
	ROOMTONE_SOAK=1 CI=true $(BIN)/pytest -s tests/faults $(ARGS)

fmt: dev-env ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: dev-env ## write the documents that are made from code
	$(BIN)/python scripts/settings_doc.py
	$(BIN)/python scripts/dashboard.py

sbom: dev-env ## write docs/sbom.cdx.json, the list of what is installed
	$(BIN)/python scripts/sbom.py

audit: dev-env ## look for known vulnerabilities in what is installed; needs the network
	$(BIN)/python scripts/audit.py --required

screenshots: dev-env ## pictures of the console in docs/images; ARGS="sessions" for some
	$(BIN)/python scripts/screenshots.py $(ARGS)
	$(if $(ARGS),,$(BIN)/python scripts/howto_pictures.py)

lock: dev-env ## pin what is installed in constraints.txt
	$(BIN)/python scripts/bootstrap.py lock

clean: ## stop the demo; remove every environment, cache and demo folder
	@if [ -x $(BIN)/roomtone ]; then $(BIN)/roomtone demo --stop || true; fi
	rm -rf roomtone-demo .venv .envs .demo .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

python:
	@test -n "$(PYTHON)"

run-env: python
	@$(PYTHON) scripts/bootstrap.py run

dev-env: python
	@$(PYTHON) scripts/bootstrap.py dev

sdk-envs: python
	@$(PYTHON) scripts/bootstrap.py sdk
