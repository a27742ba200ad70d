# Two commands for a fresh machine with make and Python 3.11, 3.12 or 3.13:
#   make study   every notebook, top to bottom (PROFILE=quick, or PROFILE=full)
#   make test    lint, unit tests, and every notebook again under nbval
# While developing: make test-fast. Before a release: make test-full.

# The newest Python that is there and starts; PYTHON=... names another.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$python && break; done)
PROFILE ?= quick
BIN := .venv/bin
STAMP := .venv/.installed
NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))
# What the benchmarks share is none; new_style.py has to be told a folder of photos to train on; hed.py asks for a package
# that is installed by hand.
BENCHMARKS := $(filter-out %/common.py %/browsing.py %/float64_reference.py %/torch_vgg.py %/new_style.py %/hed.py,$(sort $(wildcard benchmarks/*.py)))
# What the page try.html runs networks with.
RUNTIME := build/web/.installed
PYTEST := $(BIN)/python -m pytest
# Files of tests in as many processes as there are cores. So are the notebooks of the smoke profile, whose timings say
# nothing; those of the others, which measure, run one after the other.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile
NO_NOTEBOOKS := -p no:nbval # slow to load
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# Kernels that do not copy TensorFlow's start-up messages into the notebooks.
export IPYTHONDIR := $(CURDIR)/.ipython

# One after the other, whatever -j says: two notebooks at once would spoil each other's timings.
.NOTPARALLEL:

.PHONY: install study test test-fast test-full test-web web-tools lint notebooks bench docs lab format clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(or $(PYTHON),$(error no Python from 3.11 to 3.13 was found; name one with PYTHON=...)) -m venv .venv
	$(INSTALL) '.[dev]'
	touch $@

.venv/.docs .venv/.bench .venv/.web .venv/.torch: .venv/.%: $(STAMP)
	$(INSTALL) '.[dev,$*]'
	touch $@

# The quick profile leaves the committed notebooks alone and writes its own beside its results. The full profile takes
# hours: a stamp says of each notebook that it ran, so that a run that was stopped goes on with the next.
ifeq ($(PROFILE),full)
study: $(NOTEBOOKS:notebooks/%.ipynb=build/full/%)
	@echo "Done: notebooks/ and results/ hold the full profile."
else
study: $(STAMP)
	NSTLIB_PROFILE=$(PROFILE) $(BIN)/jupyter nbconvert --to notebook --execute \
		--output-dir results/$(PROFILE)/notebooks $(NOTEBOOKS)
	@echo "Done: results/$(PROFILE)/ holds the notebooks, tables, figures and images of the $(PROFILE) profile."
	@echo "For the full profile: make study PROFILE=full"
endif

# What the notebooks read: the library, its catalogue and networks, and our style images.
READ := $(shell find nstlib -name '*.py' -o -name '*.npz' -o -name '*.toml') $(wildcard data/styles/*.jpg)

build/full/%: notebooks/%.ipynb $(READ) | $(STAMP)
	NSTLIB_PROFILE=full $(BIN)/jupyter nbconvert --to notebook --execute --inplace $<
	mkdir -p build/full
	touch $@

test: $(STAMP) lint
	$(PYTEST) -m 'not full and not web' $(SIDE_BY_SIDE) $(NO_NOTEBOOKS) tests
	NSTLIB_PROFILE=smoke $(PYTEST) --nbval-lax $(SIDE_BY_SIDE) notebooks

test-fast: $(STAMP)
	$(PYTEST) -m 'not full and not slow and not web' $(SIDE_BY_SIDE) $(NO_NOTEBOOKS) tests

web-tools: .venv/.web $(RUNTIME)

# In a Chromium: the page that paints, and the gallery.
test-web: web-tools
	$(PYTEST) -m 'web and not full' tests/web

# PyTorch is large: the tests of that backend are here alone.
test-full: .venv/.docs .venv/.web .venv/.torch $(RUNTIME) lint
	NSTLIB_PROFILE=quick $(PYTEST) --nbval-lax tests notebooks

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: $(STAMP)
	NSTLIB_PROFILE=$(PROFILE) $(PYTEST) --nbval-lax notebooks

# Hours on a quiet machine, since these measure.
bench: $(BENCHMARKS:%=run/%)

run/benchmarks/page.py: docs .venv/.web

run/%: % .venv/.bench
	$(BIN)/python $<

# A site that opens offline, from the notebooks as they are committed; a warning is an error.
docs: .venv/.docs $(RUNTIME)
	$(BIN)/python -m sphinx -W --keep-going -n -q docs build/docs
	@echo "Done: build/docs/index.html"

# Without npm the site is built all the same: the page that paints then says what it lacks.
$(RUNTIME): docs/web/package.json docs/web/package-lock.json
	mkdir -p $(@D)
	cp $^ $(@D)
	@if command -v npm >/dev/null; then npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund && touch $@; \
	else echo "Node.js with npm is missing: the page try.html will not paint."; fi

lab: $(STAMP)
	$(BIN)/jupyter lab notebooks

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build results/quick results/smoke
