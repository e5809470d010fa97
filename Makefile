PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt
REQUIREMENTS := pyproject.toml constraints.txt

.PHONY: demo test lint types check manifest clean

demo: .venv/.demo-stamp
	$(BIN)/tally demo --output tally-demo

test: .venv/.test-stamp
	.ci/display-libraries
	xvfb-run -a $(BIN)/python -m pytest

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
	rm -rf build dist tally-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

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
