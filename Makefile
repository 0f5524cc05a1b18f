# Everything a person or a machine runs here. All it needs is Python 3.12 or 3.13; ARGS="…" is passed on.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PORT ?= 8000
ARGS ?=
WORKERS ?= auto

PYTHON_IN = .venv/bin/python
ENVIRONMENT = .venv/installed
EMULATOR = .venv-ministack/installed
BUILT = build/template.yaml

.PHONY: help demo serve picture kpis test bench stack lint format package twilio axe environments lock clean

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: $(ENVIRONMENT) $(EMULATOR) ## a real city sells a day of deliveries and delivers it; ARGS=--exit ends by itself
	@$(PYTHON_IN) -m infra.demo $(ARGS)

serve: $(ENVIRONMENT) $(EMULATOR) ## the whole product on this machine, PORT=8000
	@$(PYTHON_IN) -m infra.sandbox serve --port $(PORT) $(ARGS)

picture: $(ENVIRONMENT) ## a plan of the running sandbox before and after a replan, drawn
	@$(PYTHON_IN) -m infra.picture $(ARGS)

kpis: $(ENVIRONMENT) ## how well promises of the running sandbox were kept, drawn
	@$(PYTHON_IN) -m infra.kpis $(ARGS)

test: $(ENVIRONMENT) $(EMULATOR) ## every test; ARGS="tests/routing -k slack" for some
	@$(PYTHON_IN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

bench: $(ENVIRONMENT) $(EMULATOR) ## the figures the README quotes, measured here
	@$(PYTHON_IN) -m tests.benchmarks $(ARGS)

stack: $(ENVIRONMENT) $(EMULATOR) $(BUILT) ## what is deployed, run whole on an emulated AWS
	@$(PYTHON_IN) -m pytest -n 0 -v -s -m stack tests/stack $(ARGS)

lint: $(ENVIRONMENT) ## style, types and who may import whom
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@$(PYTHON_IN) -m mypy
	@.venv/bin/lint-imports --no-logo

format: $(ENVIRONMENT) ## put the code into its usual form
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

package: $(ENVIRONMENT) ## what is deployed, into build/: two zips and a template
	@$(PYTHON_IN) -m infra.artefact $(ARGS)
	@AWS_DEFAULT_REGION=eu-west-1 .venv/bin/cfn-lint build/template.yaml

twilio: $(ENVIRONMENT) ## what Twilio's own description says of texts, fetched anew (needs npm)
	@mkdir -p build && cd build && npm pack --silent @twilio-alpha/mcp@0.7.0
	@tar -xzOf build/twilio-alpha-mcp-0.7.0.tgz package/twilio-oai/spec/json/twilio_api_v2010.json \
	  | $(PYTHON_IN) -m infra.sandbox.twilio_fields

axe: ## what the tests of the buyer's page look with, fetched once (needs npm; chromium looks)
	@mkdir -p build && cd build && npm pack --silent axe-core@4.14.1
	@tar -xzOf build/axe-core-4.14.1.tgz package/axe.min.js > build/axe.min.js

environments: $(ENVIRONMENT) $(EMULATOR) ## only install what all of this needs

lock: $(ENVIRONMENT) ## renew constraints.txt after changing a version in requirements*.txt (needs uv)
	@sed '/^-c /d' requirements.txt requirements-dev.txt | sed '/^-r /d' \
	  | uv pip compile --quiet --universal --python-version 3.12 --no-annotate --no-header - -o .constraints
	@{ sed -n 1p constraints.txt; cat .constraints; } > .constraints.new && mv .constraints.new constraints.txt && rm .constraints

clean: ## forget environments, caches and what the sandbox wrote
	@rm -rf .venv .venv-ministack .sandbox build .chalice/package .chalice/deployments .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(ENVIRONMENT): requirements.txt requirements-dev.txt constraints.txt
	@infra/bootstrap .venv requirements-dev.txt

$(BUILT): app.py requirements.txt constraints.txt $(shell find .chalice chalicelib infra/artefact infra/resources.json infra/roads -type f -not -name '*.pyc')
	@$(MAKE) --no-print-directory package

$(EMULATOR): infra/sandbox/requirements.txt
	@infra/bootstrap .venv-ministack infra/sandbox/requirements.txt
