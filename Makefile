# Python writes no bytecode where this is set, and then compiles TensorFlow anew in every process.
unexport PYTHONDONTWRITEBYTECODE
export TF_CPP_MIN_LOG_LEVEL ?= 3
# Nothing that a target runs sends telemetry.
export DO_NOT_TRACK ?= 1
export GX_ANALYTICS_ENABLED ?= false
export MLFLOW_DISABLE_TELEMETRY ?= true
export PREFECT_SERVER_ANALYTICS_ENABLED ?= false

PYTHON ?= python3.11
BIN := .venv/bin
PROFILE ?= default
SEED ?= 17
KILLS ?= 100

.PHONY: help setup retrain ui test test-fast faults lint lock deploy clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup: .venv/ready  ## make .venv with the command `repricer` in it

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m compileall -qq -j 0 .venv/lib || true  # on all cores; some packages carry templates that are not Python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

retrain: setup  ## retrain on the embedded sales (PROFILE=smoke for a minute's try)
	$(BIN)/repricer retrain --profile $(PROFILE)

ui: setup  ## open MLflow (runs, figures, model versions) and Prefect (flow runs, logs) for one data folder
	$(BIN)/repricer ui --profile $(PROFILE)

test: export OMP_NUM_THREADS = 1  # the cores are shared out by pytest
test: setup  ## run every test, on all cores
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-fast: setup  ## run the tests that neither train nor start servers
	$(BIN)/python -m pytest -m "not slow"

faults: export OMP_NUM_THREADS = 1
faults: setup  ## kill, stop, race and tamper with everything for some hours, and check what is left (KILLS=100 SEED=17)
	$(BIN)/python -m tests.faults --seed $(SEED) --kills $(KILLS) $(FAULTS)

lint: setup  ## check style, docstrings and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock:  ## make requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate pyproject.toml --output-file requirements.lock

deploy: setup  ## register the scheduled retraining with the Prefect server at PREFECT_API_URL
	REPRICER_HOME=$(CURDIR) $(BIN)/prefect --no-prompt deploy --all --prefect-file infra/prefect.yaml

clean:  ## remove the environment and what tools left behind; data in var/ stays
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
