# Huiyan. `make` alone prints this menu; scripts/ holds what the targets do.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

TOWN ?= helsinki
BENCH ?= serving
ARGS ?=
# tests wait for servers, browsers and clocks too: three keep two cores busy; each takes up to 3 GB
WORKERS ?= 3
BIN := .venv/bin

.PHONY: help run test setup setup-test lint types shots words lock town status bench clean

help: ## this menu
	@echo "Huiyan 慧眼"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)$$/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

run: setup ## install what is missing, start everything, print the address (Ctrl-C stops it all; data stay)
	@exec $(BIN)/huiyan up $(ARGS)

test: setup-test lint types ## style, floors, types and every test, in a real browser too
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

setup: ## install what `make run` needs and start nothing
	@scripts/system.sh run
	@scripts/venv.sh run
	@$(BIN)/python scripts/assets.py || [ $$? -eq 2 ]

setup-test:
	@scripts/system.sh test
	@scripts/venv.sh test
	@$(BIN)/python scripts/assets.py test

lint: ## style, and the floors: imports run down, never up
	@scripts/venv.sh test
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/lint-imports --no-cache

types: ## mypy, strict on analysis
	@scripts/venv.sh test
	@$(BIN)/mypy -p analysis

shots: setup-test ## every screen, in both languages, as PNG in shots/
	@$(BIN)/python -m tests.browser.shots $(ARGS)

words: ## words that a person sees and that lack Chinese (ARGS=--write lists them in the catalogue)
	@scripts/venv.sh test
	@$(BIN)/python scripts/words.py $(ARGS)

town: setup ## load a town: make town TOWN=helsinki (ARGS=--replace in place of the loaded one)
	@$(BIN)/huiyan load $(TOWN) $(ARGS)

status: ## where the data live, what runs, what is loaded
	@scripts/venv.sh run
	@$(BIN)/huiyan status

bench: setup-test ## our code and its peers side by side: make bench BENCH=serving
	@$(BIN)/huiyan bench $(BENCH) $(ARGS)

lock: ## write both lock files anew from pyproject.toml
	@scripts/lock.sh

clean: ## remove .venv, caches and builds; data in .data stay
	@rm -rf .venv .setup build dist *.egg-info shots .hypothesis .benchmarks \
	  .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	@find . -path ./.data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
