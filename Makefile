# Two commands for a fresh machine with Python 3.11 and make:
#   make study   every notebook, top to bottom (PROFILE=quick, or PROFILE=full)
#   make test    lint, unit tests, and every notebook again under nbval
PYTHON ?= python3.11
PROFILE ?= quick
BIN := .venv/bin
STAMP := .venv/.installed
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))

# Kernels that do not copy TensorFlow's start-up messages into the notebooks.
export IPYTHONDIR := $(CURDIR)/.ipython
export NSTLIB_PROFILE := $(PROFILE)

# One after the other, whatever -j says: two notebooks at once would spoil each other's timings.
.NOTPARALLEL:

.PHONY: install study test lint unit notebooks bench report lab format clean

install: $(STAMP)

# The versions that environment.yml pins, as constraints on what pyproject.toml asks for.
$(STAMP): pyproject.toml environment.yml
	$(PYTHON) -m venv .venv
	sed -n 's/^ *- \(.*==.*\)$$/\1/p' environment.yml > .venv/constraints.txt
	$(BIN)/python -m pip install --quiet --constraint .venv/constraints.txt --editable '.[dev]'
	touch $@

# The quick profile leaves the committed notebooks alone and writes its own beside its results. The full profile takes
# hours: a stamp says of each notebook that it ran, so that a run that was stopped goes on with the next.
ifeq ($(PROFILE),quick)
study: $(STAMP)
	$(BIN)/jupyter nbconvert --to notebook --execute --output-dir results/quick/notebooks $(NOTEBOOKS)
	@echo "Done: results/quick/ holds the notebooks, tables, figures and images of the quick profile."
	@echo "For the full profile: make study PROFILE=full"
else
study: $(NOTEBOOKS:notebooks/%.ipynb=build/full/%)
	@echo "Done: notebooks/ and results/ hold the full profile."
endif

build/full/%: notebooks/%.ipynb $(wildcard nstlib/*.py) | $(STAMP)
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace $<
	mkdir -p build/full
	touch $@

test: $(STAMP) lint
	NSTLIB_PROFILE=quick $(BIN)/python -m pytest --nbval-lax tests notebooks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit: $(STAMP)
	$(BIN)/python -m pytest tests

notebooks: $(STAMP)
	NSTLIB_PROFILE=quick $(BIN)/python -m pytest --nbval-lax notebooks

# A quiet machine, please: these measure. PyTorch, for one of them, comes from the extra of that name.
bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint .venv/constraints.txt --editable '.[bench]'
	$(BIN)/python benchmarks/evals.py
	$(BIN)/python benchmarks/parts.py
	$(BIN)/python benchmarks/slim.py
	$(BIN)/python benchmarks/authors.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/tried.py
	$(BIN)/python benchmarks/scales.py
	$(BIN)/python benchmarks/reference_loop.py --size 512
	$(BIN)/python benchmarks/gatys_pairs.py

# A static site that opens offline, from the notebooks as they are committed.
report: $(STAMP)
	$(BIN)/python report/build.py

lab: $(STAMP)
	$(BIN)/jupyter lab notebooks

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv results/quick build/full
