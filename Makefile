# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Needs GNU make, bash, git and a Python 3.10 or newer with venv; everything else is installed into .venv.
# Variables: PYTHON=path of another interpreter; CORE=2.16 for unit, integration or sanity on that ansible-core;
# CORES="2.16 2.21" for 'make matrix'; ARGS=more arguments for the tool behind a single check, such as
# ARGS="-k retention" for 'make unit'.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The Pythons on which each ansible-core can be a controller. The first that is installed is taken, because the
# oldest differs most from the one that development happens on.
CORES := 2.16 2.17 2.18 2.19 2.20 2.21
PYTHONS_2.16 := 3.10 3.11 3.12
PYTHONS_2.17 := 3.10 3.11 3.12
PYTHONS_2.18 := 3.11 3.12 3.13
PYTHONS_2.19 := 3.11 3.12 3.13
PYTHONS_2.20 := 3.12 3.13 3.14
PYTHONS_2.21 := 3.12 3.13 3.14

ifdef CORE
VENV := .cache/matrix/$(CORE)
TOOLS := requirements-test.txt
PINNED := ansible-core~=$(CORE).0
# The oldest ansible-core meets the oldest libraries that requirements.txt allows; the newest has the newest.
ifeq ($(CORE),$(firstword $(CORES)))
PINNED += $(shell sed -n 's/>=/==/p' requirements.txt)
endif
# Each case meets another of Palette's styles than on the ansible-core before.
export PALETTE_TURN := $(CORE:2.%=%)
# What goes wrong on the wire, what pages tell to type, and what only development uses does not depend on the
# ansible-core: once is enough.
ONCE := $(addprefix --ignore=tests/unit/,module_utils/_module/test_sick_matrix.py simulator benchmarks tools)
ONCE_IN_PLAYS := $(addprefix --ignore=tests/integration/test_,\
    $(addsuffix .py,readme demo ad_hoc awx_setup event_query many_processes))
else
VENV := .venv
TOOLS := requirements-dev.txt
MEASURED := build/coverage.json
COVERAGE := --cov --cov-report=term --cov-report=json:$(MEASURED)
endif
DEMO := $(VENV)/.demo
DEV := $(VENV)/.dev

# An environment belongs to one checkout and one PYTHON: where either has changed, it is made anew.
PYTHON ?=
OWNER := $(CURDIR):$(PYTHON)
ifneq ($(OWNER),$(shell cat $(VENV)/.owner 2>/dev/null))
.PHONY: $(DEMO)
endif

# What Ansible downloads and caches for the checks stays in the checkout.
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

VERSION := $(shell sed -n 's/^version: //p' galaxy.yml)
TARBALL := build/spectrocloud-palette-$(VERSION).tar.gz

SUITES := unit integration sanity
LINTERS := ruff ruff-format mypy ansible-lint
DOCS := docs-lint site changelog
# The longest first, so that the last one running has company.
CHECKS := sanity integration unit faults-sample galaxy browser $(LINTERS) $(DOCS) error-branches

# mypy must know plugins/ by the name that imports use.
TYPED := .cache/collections/ansible_collections/spectrocloud/palette

PIP := $(VENV)/bin/python -m pip install -qq --disable-pip-version-check
# What 'make bench' compares the collection with.
RIVALS := .cache/bench
# awx.awx, with which the playbook awx_setup is tried.
AWX := $(VENV)/awx
# Followed by the seconds that the check usually takes, and its command.
CHECK = tools/check.sh $(CORE:%=%/)$@

# Runs targets, two at a time. Then shows what the failed ones printed, and the verdicts: $(1) lists them.
define run
@rm -f build/logs/$(1).log build/logs/$(1).verdict; \
status=0; QUIET=1 $(MAKE) --no-print-directory --keep-going --jobs=2 $(2) || status=$$?; \
for failed in $$(grep -ls ^FAILED build/logs/$(1).verdict); do \
    printf '\n%s:\n' $$failed; cat $${failed%.verdict}.log; \
done; \
echo; cat build/logs/$(1).verdict; exit $$status
endef

.PHONY: help demo test matrix faults fuzz bench lint docs format build release-check clean venv $(CHECKS) $(CORES)

help: ## List the targets
	@echo 'Targets of spectrocloud.palette:'
	@sed -n 's/^\([a-z-]*\):.*## /  \1	/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(DEMO) ## Snapshots and a restore on the simulated Palette, with the collection installed as a user would
	@python tools/demo.py

test: $(DEV) ## Run every check there is, two at a time; fails if one of them does, after running them all
	$(call run,*,$(CHECKS))

matrix: ## Unit, integration and sanity tests on each ansible-core whose Python is installed (CORES="2.16 2.21")
	$(call run,2.*/*,$(CORES))

$(CORES):
	@if tools/find_python.sh $(PYTHONS_$@) >/dev/null 2>&1; then \
	    $(MAKE) --no-print-directory CORE=$@ $(SUITES); \
	else \
	    mkdir -p build/logs/$@; \
	    echo 'skipped  $@, as none of Python $(PYTHONS_$@) is installed' | tee build/logs/$@/python.verdict; \
	fi

faults: $(DEV) ## Strike each operation with every fault (FAULTS="create 400" chooses); results in docs/faults.md
	@status=0; PYTHONPATH=tests python -m faults $(or $(FAULTS),--write docs/faults.md) || status=1; \
	$(if $(FAULTS),,KILLS=all pytest tests/faults/test_kills.py --numprocesses=2 || status=1;) exit $$status

fuzz: $(DEV) ## Tasks in any order, options of any kind: FUZZ=20 times as many as in 'unit' (SEED=1 repeats a run)
	FUZZ=$(or $(FUZZ),20) pytest tests/unit/fuzz --hypothesis-seed=$(or $(SEED),$(shell date +%s)) $(ARGS)

bench: $(DEV) $(RIVALS)/.done ## Measure against the targets (BENCH="1 3" chooses); results in build/bench.json
	PYTHONPATH=tests python -m benchmarks $(BENCH)

lint: $(LINTERS) ## Ruff, mypy --strict, ansible-lint

docs: $(DOCS) ## Build the documentation site into build/site; check it, the documentation of plugins and the changelog

unit: $(DEV) ## Unit tests, with coverage of plugins/
	@$(CHECK) 300 pytest tests/unit $(COVERAGE) $(ONCE) --numprocesses=3 $(ARGS)

error-branches: unit ## Which error branches of plugins/module_utils the unit tests did not take; fails below 95 %
	@$(CHECK) 3 python tools/error_branches.py $(MEASURED)

integration: $(DEV) $(AWX)/.done ## Real playbooks against the simulated Palette
	@$(CHECK) 900 pytest tests/integration $(ONCE_IN_PLAYS) --numprocesses=3 $(ARGS)

faults-sample: $(DEV) ## A fixed share of 'make faults', kills among it
	@$(CHECK) 450 pytest tests/faults --numprocesses=2 $(ARGS)

sanity: $(DEV) ## All of ansible-test sanity that runs without containers
	@$(CHECK) 240 python tools/sanity.py $(ARGS)

browser: $(DEV) ## The HTML report in Chromium, which is installed where it is missing, as root on Debian
	@tools/install_chromium.sh
	@$(CHECK) 40 pytest tests/browser $(ARGS)

galaxy: $(DEV) build ## The certification checks of Galaxy on the tarball
	@cd build && ../$(CHECK) 50 python -m galaxy_importer.main ../$(TARBALL)

ruff: $(DEV)
	@$(CHECK) 1 ruff check .

ruff-format: $(DEV)
	@$(CHECK) 1 ruff format --check --diff .

mypy: $(DEV)
	@mkdir -p $(dir $(TYPED)) && ln -sfn '$(CURDIR)' $(TYPED)
	@$(CHECK) 30 mypy $(TYPED)/plugins tools tests

ansible-lint: $(DEV)
	@$(CHECK) 70 ansible-lint

docs-lint: $(DEV)
	@$(CHECK) 20 antsibull-docs lint-collection-docs --plugin-docs --validate-collection-refs self \
	    --check-extra-docs-refs .

site: $(DEV)
	@$(CHECK) 40 python tools/build_site.py

changelog: $(DEV)
	@$(CHECK) 2 antsibull-changelog lint

format: $(DEV) ## Format the Python files
	ruff check --fix-only .
	ruff format .

build: $(DEMO) ## Build the collection's tarball into build/
	@ansible-galaxy collection build --force --output-path build

release-check: $(DEV) ## What a release still needs, after 'make test matrix'; see CONTRIBUTING.md
	@python tools/release_check.py $(CHECKS) $(foreach core,$(CORES),$(addprefix $(core)/,$(SUITES)))

venv: $(DEV) $(AWX)/.done ## Only make the development environment

clean: ## Remove all that the other targets made
	rm -rf .venv .cache build .mypy_cache .ruff_cache .pytest_cache .hypothesis .ansible .coverage*

$(DEMO): requirements.txt requirements-demo.txt
	@python='$(PYTHON)'; python=$${python:-$$(tools/find_python.sh $(PYTHONS_$(CORE)))}; \
	echo "Making $(VENV) with $$python (usually 10 s)"; \
	rm -rf $(VENV); "$$python" -m venv $(VENV)
	@echo 'Installing ansible-core, the libraries and what simulates Palette into $(VENV) (usually 20 s)'
	@$(PIP) -r requirements-demo.txt $(PINNED)
	@for site in $(VENV)/lib/python*/site-packages; do \
	    mkdir -p $$site/ansible_collections/spectrocloud; \
	    ln -sfn '$(CURDIR)' $$site/ansible_collections/spectrocloud/palette; \
	done
	@echo '$(OWNER)' >$(VENV)/.owner
	@touch $@

$(DEV): $(DEMO) requirements-test.txt $(TOOLS)
	@echo 'Installing what the checks need into $(VENV) (usually 60 s)'
	@$(PIP) -r $(TOOLS) $(PINNED)
	@touch $@

# kubernetes.core comes out of the package of ansible: that needs no server of collections.
$(RIVALS)/.done: requirements-bench.txt $(DEMO) | $(DEV)
	@echo 'Installing kubernetes.core into $(RIVALS) (usually 60 s)'
	@rm -rf $(RIVALS); $(VENV)/bin/python -m venv $(RIVALS)
	@$(RIVALS)/bin/python -m pip install -qq --disable-pip-version-check -r requirements-bench.txt
	@$(RIVALS)/bin/python -m pip download -qq --disable-pip-version-check --no-deps --dest $(RIVALS)/packages ansible
	@python tools/unpack_collection.py $(RIVALS)/packages/ansible-*.whl kubernetes.core $(RIVALS)/collections
	@rm -r $(RIVALS)/packages
	@touch $@

# A package of ansible that holds awx.awx. Each environment has its own: those of the matrix are made at the same time.
$(AWX)/.done: tools/unpack_collection.py | $(DEMO)
	@echo 'Installing awx.awx into $(AWX) (usually 10 s)'
	@rm -rf $(AWX)
	@$(VENV)/bin/python -m pip download -qq --disable-pip-version-check --no-deps --dest $(AWX)/packages ansible==10.7.0
	@python tools/unpack_collection.py $(AWX)/packages/ansible-*.whl awx.awx $(AWX)/collections
	@rm -r $(AWX)/packages
	@touch $@
