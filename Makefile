PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
REQUIREMENTS := pyproject.toml constraints.txt
DOCTESTED := src/napari_tally/api src/napari_tally/core src/napari_tally/files/__init__.py \
	src/napari_tally/models/bundle.py src/napari_tally/segmentation/result.py \
	src/napari_tally/evaluation/evaluation.py docs/how-to/python.md

.PHONY: demo test quick fuzz killed doctest docs lint types check manifest clean

demo: .venv/.demo-stamp
	$(BIN)/tally demo --output tally-demo

test: .venv/.test-stamp
	.ci/display-libraries
	OMP_NUM_THREADS=1 xvfb-run -a $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

# What a change of the kernels can break: no GUI, no network, no files, about two minutes.
quick: .venv/.test-stamp
	$(BIN)/python -m pytest -m "not slow" tests/core tests/geometry tests/metrics tests/objects \
		tests/features tests/heads tests/test_architecture.py

# Commands on 5,200 damaged files of every format, models and checkpoints: about half an hour.
fuzz: .venv/.test-stamp
	cd tests && ../$(BIN)/python -m fuzzing.run --each 200

# Commands killed at every write and rename, and at 100 random moments: about ten minutes.
killed: .venv/.test-stamp
	cd tests && ../$(BIN)/python -m killing.run --moments 100

doctest: .venv/.test-stamp
	$(BIN)/python -m pytest --doctest-modules --doctest-glob="*.md" $(DOCTESTED)

docs: .venv/.docs-stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@! grep -rlE '<(script|img|link)[^>]* (src|href)="?https?://' site --include='*.html' || \
		{ echo "These pages load something from the net." >&2; exit 1; }
	@echo "open site/index.html"

lint: .venv/.test-stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/typos

types: .venv/.test-stamp
	$(BIN)/python -m mypy src

check: lint types
	$(BIN)/npe2 validate src/napari_tally/napari.yaml

manifest: .venv/.test-stamp
	$(BIN)/python -m napari_tally.widgets.plugin.manifest

clean:
	rm -rf build dist site tally-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "napari-tally needs Python 3.11 or newer; '$(PYTHON)' is" \
			"$$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "No environment could be made: on Debian and Ubuntu, install python3-venv." >&2; exit 1; }

.venv/.demo-stamp: $(REQUIREMENTS) | $(BIN)/python
	$(INSTALL) -e ".[demo]"
	@touch $@

.venv/.test-stamp: $(REQUIREMENTS) | $(BIN)/python
	$(INSTALL) -e ".[test]"
	@touch $@ .venv/.demo-stamp

.venv/.docs-stamp: $(REQUIREMENTS) | $(BIN)/python
	$(INSTALL) -e ".[docs]"
	@touch $@
