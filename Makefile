# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Needs GNU make, bash, git and a Python 3.10 or newer; everything else is installed into .venv.
# Variables: PYTHON=path of another interpreter; CORES="2.16 2.21" for 'make matrix'; ARGS=more arguments
# for the tool behind a single step, such as ARGS="-k retention" for 'make unit'.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell tools/find_python.sh)
VENV := .venv
# What Ansible downloads and caches for the checks stays in the checkout.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# The environment has two layers, each stamped with what it was made from: a demo needs only the first.
fingerprint = $(shell (cat $(1) tools/make_venv.py; echo '$(CURDIR) $(if $(filter command% environment%,$(origin PYTHON)),$(PYTHON))') | cksum | cut -d' ' -f1)
DEMO_VENV := $(VENV)/.demo-$(call fingerprint,requirements.txt requirements-demo.txt)
DEV_VENV := $(VENV)/.dev-$(call fingerprint,requirements.txt requirements-demo.txt requirements-test.txt requirements-dev.txt)

VERSION := $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL := build/spectrocloud-palette-$(VERSION).tar.gz

LINTERS := ruff ruff-format mypy ansible-lint
DOCS := docs-lint changelog
# The longest first, so that the last one running has company.
GATES := sanity integration unit galaxy $(LINTERS) $(DOCS)

# mypy must know plugins/ by the name that imports use.
TYPED := .cache/collections/ansible_collections/spectrocloud/palette

GATE := tools/gate.sh
ONE_BY_ONE := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: help demo test gates matrix bench lint docs format build clean venv $(GATES)

help: ## List the targets
	@echo 'Targets of spectrocloud.palette:'
	@sed -n 's/^\([a-z-]*\):.*## /  \1	/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(DEMO_VENV) ## Take a snapshot against the simulated Palette, with the collection installed as a user would
	python tools/demo.py

test: $(DEV_VENV) ## Run every check there is, two at a time; fails if one of them does, after running them all
	@rm -rf build/logs
	@status=0; \
	QUIET=1 $(MAKE) --no-print-directory --keep-going --jobs=2 $(ONE_BY_ONE) gates || status=$$?; \
	echo; cat build/logs/*.verdict; echo; \
	for suite in unit integration; do echo "$$suite:"; tail -n 1 build/logs/$$suite.log; done; \
	exit $$status

gates: $(GATES)

matrix: $(DEV_VENV) ## Unit, integration and sanity tests on each ansible-core whose Python is installed (CORES="2.16 2.21")
	python tools/matrix.py $(CORES)

bench: $(DEV_VENV) ## Measure against the targets (BENCH="1 3" chooses); results in build/bench.json
	PYTHONPATH=tests python -m benchmarks $(BENCH)

lint: $(LINTERS) ## Ruff, mypy --strict, ansible-lint

docs: $(DOCS) ## Check the documentation of plugins and roles, and the changelog

unit: $(DEV_VENV) ## Unit tests, with coverage of plugins/
	@$(GATE) $@ pytest tests/unit --cov --cov-report=term $(ARGS)

integration: $(DEV_VENV) ## Real playbooks against the simulated Palette
	@$(GATE) $@ pytest tests/integration --numprocesses=2 $(ARGS)

sanity: $(DEV_VENV) ## All of ansible-test sanity that runs without containers
	@$(GATE) $@ python tools/sanity.py $(ARGS)

galaxy: $(DEV_VENV) build ## The certification checks of Galaxy on the tarball
	@cd build && ../$(GATE) $@ python -m galaxy_importer.main ../$(TARBALL)

ruff: $(DEV_VENV)
	@$(GATE) $@ ruff check .

ruff-format: $(DEV_VENV)
	@$(GATE) $@ ruff format --check --diff .

mypy: $(DEV_VENV)
	@mkdir -p $(dir $(TYPED)) && ln -sfn '$(CURDIR)' $(TYPED)
	@$(GATE) $@ mypy $(TYPED)/plugins tools tests

ansible-lint: $(DEV_VENV)
	@$(GATE) $@ ansible-lint

docs-lint: $(DEV_VENV)
	@$(GATE) $@ antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self \
	    --check-extra-docs-refs .

changelog: $(DEV_VENV)
	@$(GATE) $@ antsibull-changelog lint

format: $(DEV_VENV) ## Format the Python files
	ruff check --fix-only .
	ruff format .

build: $(DEMO_VENV) ## Build the collection's tarball into build/
	ansible-galaxy collection build --force --output-path build

venv: $(DEV_VENV) ## Only make the development environment

clean: ## Remove all that the other targets made
	rm -rf $(VENV) .cache build .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible .coverage*

$(DEMO_VENV):
	@echo 'Making $(VENV) with $(PYTHON)'
	@rm -rf $(VENV)
	@'$(PYTHON)' tools/make_venv.py $(VENV) requirements-demo.txt
	@touch $@

$(DEV_VENV): $(DEMO_VENV)
	@echo 'Adding the development tools to $(VENV)'
	@python tools/make_venv.py $(VENV) requirements-dev.txt
	@touch $@
