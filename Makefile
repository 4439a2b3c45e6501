# Kifabrik: `make demo` shows the whole chain on this machine, `make test` proves it. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
export KIFABRIK_HOME ?= $(CURDIR)/var
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CLUSTER := $(KIFABRIK_HOME)/cluster
WITH_CLUSTER := $(BIN)/python -m tests.slurm.private_cluster with "$(CLUSTER)"
SOURCES := src tests benchmarks build_messages.py

.DEFAULT_GOAL := help
.PHONY: help setup demo clean-demo up test test-slurm check format messages lock schemas coverage

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(INSTALLED): requirements.lock pyproject.toml build_messages.py
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Kifabrik needs Python 3.11 or newer; set PYTHON=/path/to/python3.11.")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

setup: $(INSTALLED) messages ## make the virtual environment from the lock file

messages: $(INSTALLED)
	@$(BIN)/python build_messages.py

demo: setup ## walk the whole chain, then serve it at http://127.0.0.1:8000 (DATA=folder, SITE=slurm, ONCE=1, PORT=n)
	@$(if $(filter slurm,$(SITE)),$(BIN)/python -m tests.slurm.installed --install)
	@$(if $(filter slurm,$(SITE)),$(WITH_CLUSTER)) $(BIN)/kifabrik demo --port $(PORT) $(if $(DATA),--data "$(DATA)") \
	  $(if $(SITE),--site "$(SITE)") $(if $(ONCE),--once)

clean-demo: ## wipe everything the demo made
	@test ! -e "$(CLUSTER)/cluster.json" || $(BIN)/python -m tests.slurm.private_cluster down "$(CLUSTER)"
	rm -rf "$(KIFABRIK_HOME)"

up: setup ## start the portal, the local site agent and the inference server without the demo
	@$(BIN)/kifabrik portal up --port $(PORT)

test: setup check ## run every check and every test, on SQLite and on PostgreSQL, and on a real Slurm cluster
	@$(BIN)/python -m tests.slurm.installed
	@echo 'The tests on a real cluster mostly wait, so they run beside the others; what they say comes after those.'
	@log=$$(mktemp); $(BIN)/python -m pytest -m slurm >$$log 2>&1 & cluster=$$!; trap 'kill $$cluster' INT TERM; \
	  $(BIN)/python -m pytest -m "not slurm"; others=$$?; wait $$cluster; code=$$?; cat $$log; rm -f $$log; \
	  exit $$((others ? others : code))
	$(BIN)/python tests/with_postgres.py $(BIN)/python -m pytest tests/portal tests/paths tests/house -m "not browser and not slow"

test-slurm: setup ## run the tests that need a cluster on a private real one (installs Slurm if it may)
	$(BIN)/python -m tests.slurm.installed --install
	$(BIN)/python -m pytest -m slurm

check: setup ## format, lint, types, floors, templates, migrations
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint src/kifabrik/portal --lint --quiet
	KIFABRIK_HOME="$$(mktemp -d)" $(BIN)/python -m django makemigrations --check --dry-run --settings kifabrik.portal.web.settings

format: setup ## format the code
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

coverage: setup ## run the tests and show which lines and branches none of them reaches
	$(BIN)/coverage run -m pytest -m "not slow and not browser"
	$(BIN)/coverage report --show-missing --skip-covered

schemas: setup ## write the JSON Schemas of the records anew
	$(BIN)/python -m kifabrik.records.schemas docs/schemas

lock: ## write requirements.lock anew from pyproject.toml
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet --upgrade pip
	.venv-lock/bin/pip install --quiet torch==2.13.0
	.venv-lock/bin/pip install --quiet '.[workbench,portal,development]'
	(echo '# Exact versions that are tested together; written by `make lock`.'; .venv-lock/bin/pip freeze --exclude kifabrik | sed 's/+cpu$$//') > requirements.lock
	rm -rf .venv-lock
