# Two commands matter: `make demo` and `make test`. Both make the environment if it is missing or outdated.

# The first Python that is new enough; override with `make PYTHON=/path/to/python3.13 demo`.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$name" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=

# One stamp for what running needs, one for what testing needs: the demo doesn't wait for test tools.
RUNNABLE := $(VENV)/.runnable
TESTABLE := $(VENV)/.testable
SOURCES := pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check format docs constraints clean

help:  ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: $(RUNNABLE)  ## Start a dashboard with 90 days of example payments; no account needed
	@exec $(BIN)/overseer serve --demo $(ARGS)

test: $(TESTABLE)  ## Run every test, the browser's and PostgreSQL's included (ARGS="-k refund" picks)
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(TESTABLE)  ## Lint, formatting, types, floors, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .

format: $(TESTABLE)  ## Format the code and sort imports
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

docs: $(RUNNABLE)  ## Renew what the code itself says in docs/: commands, REST, permissions
	@$(BIN)/python scripts/reference.py

constraints: $(TESTABLE)  ## Write the versions of this environment to constraints.txt
	@{ sed -n '/^#/p' constraints.txt; $(PIP) freeze --exclude-editable | sed 's/ @ .*//' | LC_ALL=C sort -f; } > .constraints.new
	@mv .constraints.new constraints.txt

clean:  ## Remove the environment, caches and the demo's data
	@rm -rf $(VENV) .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist test-results overseer-demo*.db*

$(RUNNABLE): $(SOURCES)
	$(prepare)
	@$(PIP) install --quiet -c constraints.txt -e '.[fast]'
	@touch $@

$(TESTABLE): $(SOURCES)
	$(prepare)
	@$(PIP) install --quiet -c constraints.txt -e '.[test]'
	@touch $(RUNNABLE) $@

# An environment whose interpreter is gone (an upgraded Python) is made anew.
define prepare
@test -n "$(PYTHON)" || { echo "overseer-payment needs Python 3.11 or newer. Install it, or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) can't make environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
@$(BIN)/python -c 'import pip' 2>/dev/null || { echo "Making $(VENV) with $$($(PYTHON) --version) …"; $(PYTHON) -m venv --clear $(VENV); }
@echo "Installing into $(VENV) …"
endef
