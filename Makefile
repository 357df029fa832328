# Every target works on a fresh machine: python3 with venv, make and a package registry are enough.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-train lint bench docs numpy1 format clean

$(VENV)/base: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/test: $(VENV)/base
	$(BIN)/pip install --quiet --editable '.[test]'
	@touch $@

$(VENV)/docs: $(VENV)/base
	$(BIN)/pip install --quiet --editable '.[docs]'
	@touch $@

demo: $(VENV)/base  ## the main job: compile the flower detector, run it on a rendered video, write a page
	$(BIN)/hailstack demo --output demo-out

test: $(VENV)/test  ## all tests
	$(BIN)/python -m pytest

# PyTorch and the torchvision of the same release, for TRAIN_VENV; without a GPU a build for the CPU is enough.
TORCH ?= torch
TORCHVISION ?= torchvision
TRAIN_VENV ?= .venv-train

$(TRAIN_VENV)/test: pyproject.toml
	$(PYTHON) -m venv $(TRAIN_VENV)
	$(TRAIN_VENV)/bin/pip install --quiet '$(TORCH)'
	$(TRAIN_VENV)/bin/pip install --quiet --editable '.[test,train]'
	$(TRAIN_VENV)/bin/pip install --quiet --no-deps '$(TORCHVISION)'
	@touch $@

test-train: $(TRAIN_VENV)/test  ## the tests that need PyTorch: training, export, hailstack build, the tutorial
	OMP_NUM_THREADS=1 $(TRAIN_VENV)/bin/python -m pytest tests_train

lint: $(VENV)/test  ## style, types, and who may import whom
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=src/hailstack/emulator/dropin $(BIN)/mypy --config-file= --strict --python-version 3.11 \
		--implicit-reexport --ignore-missing-imports --package hailo_platform
	$(BIN)/lint-imports

format: $(VENV)/test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/test  ## figures against the limit, as JSON
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/docs  ## the documentation as HTML in site/
	$(BIN)/mkdocs build --strict

numpy1:  ## what runs on a Pi once more with numpy 1.26, which HailoRT 4.x wants
	$(PYTHON) -m venv .venv-numpy1
	.venv-numpy1/bin/pip install --quiet --editable '.[test]' 'numpy==1.26.*' 'pyarrow<25'
	.venv-numpy1/bin/python -m pytest tests/contract $(addprefix tests/unit/,emulator hef heads imaging runtime pipeline)

clean:
	rm -rf $(VENV) $(TRAIN_VENV) .venv-numpy1 demo-out site
