# Everything a developer types. `make help` lists it; `make demo` needs Python 3.13, make and git, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PORT ?= 8042
DATA ?= .lake
ENV ?= dev
PY := .venv/bin/python
CDK_PY := build/cdk-venv/bin/python
STAMPS := build/stamps

# pyenv reads .python-version; elsewhere python3.13 on PATH.
PYTHON := $(shell python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null || python3 -c 'import sys; sys.version_info[:2] == (3, 13) and print(sys.executable)' 2>/dev/null)
REQUIREMENTS := requirements.txt $(wildcard layers/deps/requirements-*.txt)
# A stamp is named by the content of what it was made from: the second run finds it and does nothing.
hash = $(shell cat $(1) 2>/dev/null | cksum | cut -d' ' -f1)
DEV_STAMP := $(STAMPS)/dev-$(call hash,requirements.txt layers/deps/requirements-base.txt layers/deps/requirements-pixels.txt layers/deps/requirements-local.txt layers/deps/requirements-ocr.txt)
VIEWERS_STAMP := $(STAMPS)/viewers-$(call hash,tests/viewers/package-lock.json)
ENGINE_STAMP := $(STAMPS)/engine-$(call hash,layers/deps/requirements-engine.txt)
HANDLER_STAMP := $(STAMPS)/handler-$(call hash,layers/deps/requirements-handler.txt)
CDK_STAMP := $(STAMPS)/cdk-$(call hash,layers/deps/requirements-cdk.txt)
LAYERS_STAMP := $(STAMPS)/layers-$(call hash,layers/build.py layers/deps/requirements-base.txt layers/deps/requirements-pixels.txt)

.PHONY: help setup demo up test conformance viewers check lint fast soak fuzz bench golden synth python node clean

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(DEV_STAMP) $(ENGINE_STAMP) $(HANDLER_STAMP) $(LAYERS_STAMP) ## install everything the other commands need

demo: setup ## start a lake, fill it, prove what it does, stop it [DICOM=PATH]
	@.venv/bin/dicomlake demo $(if $(DICOM),--dicom "$(DICOM)")

up: setup ## run the lake until Ctrl-C [PORT=8042] [DATA=.lake]
	@exec $(PY) -m dicomlake.local up --port $(PORT) --data $(DATA)

test: setup $(CDK_STAMP) viewers lint ## run every test (the corpus tests too, where the corpus is)
	$(PY) -m pytest -n 2 --dist loadgroup

check: setup lint ## run linters, types, rooms and the fast tests: under two minutes
	$(PY) -m pytest -q tests/architecture tests/unit tests/handlers tests/docs

lint:
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy -p dicomlake

soak: setup ## feed a lake for a long time, killing things, and count
	$(PY) -m pytest -q -s tests/soak
	DICOMLAKE_SOAK=1 $(PY) -m pytest -q -s tests/pipeline/test_lake_lossless.py tests/usecases/test_attacks.py

fuzz: setup ## store 20,000 damaged files; none may crash, hang or give wrong pixels
	nice $(PY) -m tests.fuzz.run

conformance: setup ## hold any DICOMweb service to PS3.18: BASE=URL [WADO=URL] [JSON=FILE] [HEADER="Name: value"]
	@$(PY) -m tests.conformance.run $(if $(BASE),"$(BASE)",--help) $(if $(WADO),--wado "$(WADO)") $(if $(JSON),--json "$(JSON)") $(if $(HEADER),--header "$(HEADER)")

viewers: $(VIEWERS_STAMP) ## install the web viewer's decoder that tests compare with

bench: setup ## measure; results with a machine line go to benchmarks/results
	@for bench in benchmarks/bench_*.py; do echo "== $$bench"; $(PY) $$bench; done

golden: setup $(CDK_STAMP) node ## rewrite the golden templates; read the diff
	$(CDK_PY) -m stacks.golden

synth: setup $(CDK_STAMP) node ## synthesize the templates of ENV=dev|staging|prod into cdk.out
	ENV=$(ENV) $(CDK_PY) app.py

clean: ## remove what setup and builds made; data directories stay
	rm -rf build cdk.out

python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.13 is not on PATH; install it (pyenv install 3.13) and run make again." >&2; exit 1; fi

node:
	@if ! command -v node >/dev/null; then echo "Node 20 is not on PATH; the CDK needs it to synthesize (make demo and make up do not)." >&2; exit 1; fi
	@major=$$(node -p 'process.versions.node.split(".")[0]'); if [ "$$major" -lt 20 ]; then echo "Node $$major is too old for the CDK; install Node 20 and run make again." >&2; exit 1; fi

# Each environment is made whole or not at all: the stamp is the last thing written, and names what it was made from.
define environment
	@mkdir -p $(STAMPS)
	@echo "installing $(1)"
	@[ -x $(1)/bin/python ] || $(PYTHON) -m venv $(1)
	@$(1)/bin/python -m pip install --quiet --disable-pip-version-check $(2)
	@rm -f $(STAMPS)/$(3)-*
	@touch $@
endef

$(DEV_STAMP): | python
	$(call environment,.venv,-r requirements.txt -e .,dev)

$(ENGINE_STAMP): | python
	$(call environment,build/engine-venv,-r layers/deps/requirements-engine.txt,engine)

$(HANDLER_STAMP): | python
	$(call environment,build/handler-venv,-r layers/deps/requirements-handler.txt,handler)

$(CDK_STAMP): | python
	$(call environment,build/cdk-venv,-r layers/deps/requirements-cdk.txt,cdk)

$(LAYERS_STAMP): $(DEV_STAMP)
	@mkdir -p $(STAMPS)
	@echo "building the layers"
	@$(PY) layers/build.py
	@rm -f $(STAMPS)/layers-*
	@touch $@

# Where Node or its registry is missing, the tests that need it are skipped with a sentence; .ci/run does not let them be.
$(VIEWERS_STAMP):
	@mkdir -p $(STAMPS)
	@if command -v npm >/dev/null && npm ci --prefix tests/viewers --silent --no-audit --no-fund; then rm -f $(STAMPS)/viewers-*; touch $@; \
	else echo "the web viewer's decoder was not installed: its tests are skipped" >&2; fi
