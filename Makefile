# make run   the page on http://127.0.0.1:7860        make test  all tests
# make venv  only set up                              make lint  types and style
# Everything is installed into .venv; a second call is quick.

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: run test lint venv

run: venv
	$(BIN)/python app.py

test: .venv/.tests-installed
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

lint: .venv/.tests-installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

venv: .venv/.installed

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; name it: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --editable '.[bench]'
	touch $@

.venv/.tests-installed: .venv/.installed
	$(INSTALL) --editable '.[test]'
	touch $@
