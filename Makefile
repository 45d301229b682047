# `make help` lists the targets. Targets that need the environment create it first.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Some images set this. Then each of the hundreds of processes that tests start would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KERNELS := $(VENV)/.kernels
TOOLS := .venv-deploy
TOOLS_READY := $(TOOLS)/.ready
DBT := .venv-dbt
DBT_READY := $(DBT)/.ready
ANSIBLE := .venv-ansible
ANSIBLE_READY := $(ANSIBLE)/.ready
DVC := .venv-dvc
DVC_READY := $(DVC)/.ready
MLFLOW_2 := .venv-mlflow-2
MLFLOW_2_READY := $(MLFLOW_2)/.ready
NOTEBOOKS := .venv-notebooks
NOTEBOOKS_READY := $(NOTEBOOKS)/.ready
ARGS ?=

# The first interpreter of a supported version; the lock covers exactly these.
SUPPORTED := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(SUPPORTED)' 2>/dev/null && echo "$$python" && break; done)

.PHONY: help
help: ## List all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: setup
setup: $(KERNELS) ## Create .venv and install everything from the lock

# uv installs the lock in seconds where pip takes minutes; pip fetches uv itself, hash-checked like the rest.
$(READY): pyproject.toml requirements/lock.txt requirements/bootstrap.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 with its venv module is needed (Debian: python3-venv)."; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once; a minute or so)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/bootstrap.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes \
		requirements/bootstrap.txt requirements/lock.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# Numba's cache notices a change of the file that a kernel is in, not of what the kernel uses from other files.
# tests/unit/test_kernel_sources.py fails when a file that a kernel uses is missing here.
KERNEL_SOURCES := $(shell grep -rlE --include='*.py' '@compiled|@intrinsic' sentiment_core; \
	echo sentiment_core/text/specification.py sentiment_core/text/codepoints.py \
	sentiment_core/languages/codes.py sentiment_core/languages/table.py)
$(KERNELS): $(READY) $(KERNEL_SOURCES)
	@find sentiment_core -name '*.nb[ic]' -delete
	@$(BIN)/python -m sentiment_core.warmup
	@touch $@

# The tools that check deployment files need other releases of the project's dependencies, so they get a separate environment.
$(TOOLS_READY): requirements/deploy.txt | $(READY)
	@echo "Setting up $(TOOLS) (once; half a minute)"
	@test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	@$(BIN)/uv pip sync --quiet --python $(TOOLS)/bin/python --require-hashes requirements/deploy.txt
	@touch $@

# dbt needs other releases than the tools do.
$(DBT_READY): requirements/dbt.txt | $(READY)
	@echo "Setting up $(DBT) (once; half a minute)"
	@test -x $(DBT)/bin/python || $(PYTHON) -m venv $(DBT)
	@$(BIN)/uv pip sync --quiet --python $(DBT)/bin/python --require-hashes requirements/dbt.txt
	@touch $@

# Ansible needs another release of boto3 than the tools do.
$(ANSIBLE_READY): requirements/ansible.txt | $(READY)
	@echo "Setting up $(ANSIBLE) (once; a minute)"
	@test -x $(ANSIBLE)/bin/python || $(PYTHON) -m venv $(ANSIBLE)
	@$(BIN)/uv pip sync --quiet --python $(ANSIBLE)/bin/python --require-hashes requirements/ansible.txt
	@touch $@

.PHONY: ansible
ansible: $(ANSIBLE_READY) ## Create .venv-ansible, with which ansible/deploy.yaml runs

# DVC needs other releases than the project does.
$(DVC_READY): requirements/dvc.txt | $(READY)
	@echo "Setting up $(DVC) (once; half a minute)"
	@test -x $(DVC)/bin/python || $(PYTHON) -m venv $(DVC)
	@$(BIN)/uv pip sync --quiet --python $(DVC)/bin/python --require-hashes requirements/dvc.txt
	@touch $@

# A server of MLflow 2, which the tests register models with.
$(MLFLOW_2_READY): requirements/mlflow-2.txt | $(READY)
	@echo "Setting up $(MLFLOW_2) (once; half a minute)"
	@test -x $(MLFLOW_2)/bin/python || $(PYTHON) -m venv $(MLFLOW_2)
	@$(BIN)/uv pip sync --quiet --python $(MLFLOW_2)/bin/python --require-hashes requirements/mlflow-2.txt
	@touch $@

# Jupyter and the project, in the versions of its lock.
$(NOTEBOOKS_READY): pyproject.toml requirements/notebooks.txt | $(READY)
	@echo "Setting up $(NOTEBOOKS) (once; half a minute)"
	@test -x $(NOTEBOOKS)/bin/python || $(PYTHON) -m venv $(NOTEBOOKS)
	@$(BIN)/uv pip sync --quiet --python $(NOTEBOOKS)/bin/python --require-hashes \
		requirements/bootstrap.txt requirements/build.txt requirements/notebooks.txt
	@$(BIN)/uv pip install --quiet --python $(NOTEBOOKS)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(KERNELS) ## Start the whole system on this machine and walk through it (ARGS=--exit: stop it afterwards)
	@$(BIN)/sentiment demo $(ARGS)

.PHONY: demo-clean
demo-clean: ## Delete the demo's data
	@rm -rf .demo

# The pipeline uses the running demo, unless the environment names another database.
IN_DEMO := $(if $(SENTIMENT_DATABASE_URL),,$(BIN)/sentiment demo run)
.PHONY: repro
repro: $(KERNELS) $(DVC_READY) ## Run the changed stages of dvc.yaml, on the running demo or SENTIMENT_DATABASE_URL (ARGS are arguments for dvc repro)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(IN_DEMO) $(DVC)/bin/dvc repro $(ARGS)

.PHONY: dvc
dvc: $(KERNELS) $(DVC_READY) ## Run another command of DVC in the same way (ARGS='push')
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(IN_DEMO) $(DVC)/bin/dvc $(ARGS)

.PHONY: notebooks
notebooks: $(KERNELS) $(NOTEBOOKS_READY) ## Open the notebooks in JupyterLab, on the running demo or SENTIMENT_DATABASE_URL
	@$(IN_DEMO) $(NOTEBOOKS)/bin/jupyter lab --notebook-dir notebooks $(ARGS)

# Three workers run the whole suite, because the tests wait for servers: with two, the cores of a small machine idle in
# between. tests/conftest.py says which groups start first. One worker runs chosen tests and shows them as
# they run.
WORKERS := $(if $(ARGS),,--numprocesses 3 --dist loadfile --no-loadscope-reorder)
.PHONY: test
test: $(KERNELS) ## Run the tests (ARGS='-k name' are arguments for pytest)
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

.PHONY: test-fast
test-fast: $(KERNELS) lint ## Run lint and the unit tests, which need no server (under a minute)
	@$(BIN)/python -m pytest tests/unit --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: test-crash
test-crash: $(KERNELS) ## Kill loads at every step, alone and under Airflow, and print the outcomes
	@$(BIN)/python -m pytest tests/crash -m "" $(ARGS)

# PySpark has 500 MB, so the lock does not contain it. With Java missing, the tests are skipped and say so.
.PHONY: test-spark
test-spark: $(KERNELS) ## Install PySpark and run the tests that need it (Spark needs Java 17)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement requirements/spark.txt
	@$(BIN)/python -m pytest tests/integration/test_spark.py tests/integration/test_parity.py -k spark $(ARGS)

.PHONY: test-repro
test-repro: $(KERNELS) $(DVC_READY) $(MLFLOW_2_READY) $(NOTEBOOKS_READY) ## Test the DVC pipeline, a server of MLflow 2 and the notebooks
	@$(BIN)/python -m pytest tests/repro $(ARGS)

.PHONY: test-benchmarks
test-benchmarks: $(KERNELS) ## Run every benchmark on little generated text, to see that it works
	@$(BIN)/python -m pytest tests/integration/test_benchmarks.py -m "" $(ARGS)

REVISION = $(shell git rev-parse HEAD)
.PHONY: images
images: ## Build both images with Docker, tagged with the commit (ARGS='--network host' are options for docker build)
	@test -z "$$(git status --porcelain)" || echo "Note: uncommitted changes are not part of the tag $(REVISION)."
	@for target in api airflow; do docker build $(ARGS) --target $$target --tag sentiment-$$target:$(REVISION) \
		--build-arg CODE_VERSION=$(REVISION) .; done

.PHONY: helm-charts
helm-charts: $(TOOLS_READY) ## Download the official Airflow chart, on which the chart depends, and check its sha256
	@$(TOOLS)/bin/python -c 'import helm_python; helm_python.dependency_build("helm")'
	@cd helm && sha256sum --check charts.sha256

.PHONY: check-deploy
check-deploy: $(KERNELS) $(TOOLS_READY) $(DBT_READY) $(ANSIBLE_READY) ## Check images, compose, chart, dbt, playbook and workflows, and run them if their tools are installed (ARGS='-k name')
	@PATH="$(CURDIR)/$(TOOLS)/bin:$(CURDIR)/$(DBT)/bin:$(CURDIR)/$(ANSIBLE)/bin:$$PATH" $(BIN)/python -m pytest $(wildcard tests/chart tests/deploy) $(ARGS)

.PHONY: kind
kind: images ## Install everything into a local cluster and test it (needs Docker, kubectl, helm, and kind, or minikube with CLUSTER_TOOL=minikube)
	@helm/kind.sh

.PHONY: bench
bench: $(KERNELS) ## Compare scoring, training, loading and the service with alternatives (fastText if it has a wheel for this platform)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --requirement requirements/bench.txt || true
	@for name in scoring training retrain load engines api api_batches api_start; do $(BIN)/python -m benchmarks.$$name; done

.PHONY: soak
soak: $(KERNELS) ## Run well-behaved and hostile clients against the service for ten minutes (ARGS='--minutes 1')
	@$(BIN)/python -m benchmarks.soak $(ARGS)

.PHONY: lint
lint: $(READY) ## Check style, format and import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

.PHONY: types
types: $(READY) ## Check types
	@$(BIN)/mypy

.PHONY: check
check: $(READY) ## What CI runs: lint, types, tests
	@$(MAKE) -j2 --output-sync=target lint types $(KERNELS)
	@$(MAKE) test

.PHONY: format
format: $(READY) ## Rewrite the code in the project's format
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

# The bundle's last bits depend on the instructions that numpy and OpenBLAS choose for the processor. These settings allow
# only instructions that all x86-64 processors since 2013 have.
SAME_BITS := OPENBLAS_CORETYPE=Haswell NPY_DISABLE_CPU_FEATURES="X86_V4 AVX512_ICL AVX512_SPR" PYTHONWARNINGS=ignore::ImportWarning
REAL_DATA := $(or $(SENTIMENT_REAL_DATA),../shared/data)
# Of the public sets, the model learns from those whose licence allows it, or is not stated. NoReC frees such models.
.PHONY: starter-model
starter-model: $(KERNELS) ## Retrain the starter model (needs the review data in the folder SENTIMENT_REAL_DATA)
	@for file in imdb_train.csv.xz corpora/corpora.tsv; do test -f $(REAL_DATA)/$$file || \
		{ echo "There is no $$file in $(REAL_DATA)."; exit 1; }; done
	@$(SAME_BITS) SENTIMENT_MODEL_LICENCE=Apache-2.0 $(BIN)/sentiment train $(REAL_DATA)/imdb_train.csv.xz \
		--cross-validate movie_id --sets $(REAL_DATA)/corpora --licence open --licence "not stated" --set norec_no \
		--sets sentiment_core/model/starter_sets --licence own --params sentiment_core/starter_params.yaml \
		--out sentiment_core/model/starter --data-name "IMDB training split (Maas et al., ACL 2011) and the sets below"

.PHONY: language-table
language-table: $(KERNELS) ## Rebuild the table that identifies languages (needs the review data in the folder SENTIMENT_REAL_DATA)
	@test -f $(REAL_DATA)/corpora/corpora.tsv || { echo "There is no corpora/corpora.tsv in $(REAL_DATA)."; exit 1; }
	@$(SAME_BITS) $(BIN)/python -m sentiment_core.languages.table_build $(REAL_DATA)

.PHONY: schema
schema: $(READY) ## Write sql/schema.sql, the dump of the migrated schema, and the views' comments and types for dbt
	@$(BIN)/python -m demo.schema > sql/schema.sql
	@$(BIN)/python -m demo.dbt_sources

# The images' locks are subsets of the project's lock, so the images contain the tested versions.
LOCKED := --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	--generate-hashes
.PHONY: lock
lock: $(READY) ## Update the lock files in requirements for Python 3.11 to 3.13
	@$(BIN)/uv pip compile $(LOCKED) --upgrade --extra dev pyproject.toml --output-file requirements/lock.txt
	@$(BIN)/uv pip compile $(LOCKED) --upgrade --override requirements/deploy-overrides.txt requirements/deploy.in \
		--output-file requirements/deploy.txt
	@for name in dbt dvc mlflow-2 ansible; do \
		$(BIN)/uv pip compile $(LOCKED) --upgrade requirements/$$name.in --output-file requirements/$$name.txt; done
	@echo 'pyspark>=4.1' | $(BIN)/uv pip compile $(LOCKED) --upgrade --constraint requirements/lock.txt - \
		--output-file requirements/spark.txt
	@$(MAKE) lock-images

.PHONY: lock-images
lock-images: $(READY) ## Derive the images' lock files from requirements/lock.txt
	@$(BIN)/uv pip compile $(LOCKED) --upgrade --constraint requirements/lock.txt --extra api --extra tracing \
		pyproject.toml --output-file requirements/api.txt
	@$(BIN)/uv pip compile $(LOCKED) --upgrade --constraint requirements/lock.txt --extra airflow \
		pyproject.toml --output-file requirements/airflow.txt
	@$(BIN)/uv pip compile $(LOCKED) --upgrade --constraint requirements/lock.txt --extra core --extra train \
		pyproject.toml requirements/notebooks.in --output-file requirements/notebooks.txt
	@echo hatchling | $(BIN)/uv pip compile $(LOCKED) --upgrade --constraint requirements/lock.txt - \
		--output-file requirements/build.txt
