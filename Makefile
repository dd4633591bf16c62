# One environment for all targets: the active virtual or conda environment, else .venv here.
ENV := $(or $(VIRTUAL_ENV),$(CONDA_PREFIX),.venv)
BIN := $(ENV)/bin
ifneq ($(words $(ENV)),1)
$(error The environment's path has a space, which make cannot handle: $(ENV). Deactivate it, or move it)
endif
# A stamp tells what is installed, and for which checkout: an environment may serve several.
STAMP := $(ENV)/.latentbook-$(shell pwd | cksum | cut -d' ' -f1)
PYTHON ?= python3
# Set by a user: SCALE=smoke|book|paper  DATASET=digits|mnist|...  CHAPTER=1-least-volume  CAP=<seconds a chapter>
OPTIONS = $(if $(SCALE),--scale $(SCALE)) $(if $(DATASET),--dataset $(DATASET)) $(if $(CHAPTER),--chapter $(CHAPTER)) \
  $(if $(CAP),--cap $(CAP))
# Where `make check` looks: the book, or the smoke book that `make test` builds beside it.
PAGES ?= _build/html
# How many tests run at once.
WORKERS ?= 2

# Each target says in one line what it does: the words behind its `##`.
say = @awk -F ':.*\#\# ' '/^$@:.*\#\# / {print "make $@: " $$2}' $(firstword $(MAKEFILE_LIST))

.DEFAULT_GOAL := help
.PHONY: help book test lab check bench lint clean chromium

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: $(STAMP)-book ## execute the chapters that changed and render the pages (SCALE= DATASET= CHAPTER=)
	$(say)
	@$(BIN)/latentbook build $(OPTIONS)

test: $(STAMP)-dev chromium ## all tests: package, chapters at smoke scale, pages in Chromium
	$(say)
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal

lab: $(STAMP)-book ## open the chapters in JupyterLab
	$(say)
	@$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) book

check: $(STAMP)-book ## compare the claims of the last build with their bands
	$(say)
	@$(BIN)/latentbook check --output $(PAGES)

bench: $(STAMP)-dev ## measure speed against peers, print one table, write benchmarks/results
	$(say)
	@$(BIN)/python benchmarks/run.py

lint: $(STAMP)-dev ## ruff, pyright, and notebooks without outputs
	$(say)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/nbstripout --verify book/*.ipynb
	@$(BIN)/pyright --pythonpath $(BIN)/python

clean: ## remove everything that was built, the environment excepted
	$(say)
	@rm -rf _build

# Older than a changed pyproject.toml, a stamp lets the change be installed.
$(STAMP)-%: pyproject.toml constraints.txt | $(ENV)/bin/python
	@echo "installing what the extra [$*] needs into $(ENV); the first time takes minutes"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip -q
	@$(BIN)/python -m pip install -qq --upgrade "pip>=24"
	@$(BIN)/python -m pip install -qq --constraint constraints.txt --editable ".[$*]"
	@touch $@

$(ENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python >= 3.11 is needed, $$($(PYTHON) --version) found: pass PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(ENV) \
	  || { rm -rf .venv; echo "no virtual environment could be made: on Debian, apt-get install python3-venv" >&2; exit 1; }

# The browser of the page tests. LATENTBOOK_CHROMIUM names another one.
chromium:
	@test -n "$(LATENTBOOK_CHROMIUM)" || command -v chromium chromium-browser google-chrome >/dev/null \
	  || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq -y chromium >/dev/null; } \
	  || { echo "the page tests need Chromium: apt-get install chromium, or set LATENTBOOK_CHROMIUM=/path/to/chrome" >&2; exit 1; }
