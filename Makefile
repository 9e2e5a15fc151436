# make demo    from a real EM volume to a simulated answer: runs/demo/report.html
# make test    the whole test suite
# Both make .venv and install the pinned packages of constraints.txt first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ifneq ($(wildcard ../shared/data),)
export CELLML_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test slow fuzz audit lint install clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("cellml needs CPython 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,sweep,cluster,remote]'
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/cellml demo output=runs/demo $(if $(PRETRAINED),pretrained=experiments/segmentation_fib25/model.ckpt)

# Two processes of one thread each; files stay whole, for their fixtures are costly. make test JOBS=8 where there are more cores
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(or $(JOBS),2) --dist loadfile

slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# make fuzz T=600 READERS=tiff,mrc: seconds for each reader of foreign files, all where none is named
fuzz: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/run.py seconds=$(or $(T),600) $(if $(READERS),readers=$(READERS))

audit: $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[audit]'
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
