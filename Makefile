# make demo · make test · make test-vllm · make check · make bench DATA=folder · make lock · make clean
PYTHON ?= python3
BIN    := .venv/bin
DATA   ?= $(RAGSYS_DATA)

# of pip, for the package itself
PIP_FLAGS ?=
VLLM   := .venv-vllm

DEMO_FOLDER   := examples/kelvara
DEMO_LIBRARY  := .venv/demo-library
DEMO_QUESTION := How many D40 units were delivered in 2025, and how much energy per cubic metre does pulse flushing need?

.DEFAULT_GOAL := help
.PHONY: help demo test slow test-vllm check bench docs lock clean

help:
	@echo "make demo     set up, index $(DEMO_FOLDER), answer a question that needs two documents"
	@echo "make test     set up for development and pass the tests"
	@echo "make slow     the tests that take longer (wheel, empty venv)"
	@echo "make test-vllm  the tests against a real vLLM, which is installed into $(VLLM) (4 GB) where that is possible"
	@echo "make check    all that a change must pass: ruff, format, mypy, tests, generated documentation"
	@echo "make docs     bring the generated parts of the documentation up to date"
	@echo "make lock     lock the packages of the image and of CI again, after a change of the dependencies"
	@echo "make bench    measure; DATA=folder (or RAGSYS_DATA) names the folder with the documents"
	@echo "make clean    remove what was built"

# The stamps stand for a finished installation; they are older than pyproject.toml when it has changed since.
$(BIN)/.ready: pyproject.toml setup.py
	@command -v $(PYTHON) >/dev/null || { echo "ragsys needs Python 3.11 or later; none found. Name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ragsys needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.11"; exit 1; }
	@echo "setting up .venv (once; about 350 MB, some minutes on a slow line) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable .
	@# a path beside the editable finder: else a folder named ragsys beside a script would hide the package
	@$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'ragsys-checkout.pth').write_text(str(pathlib.Path.cwd()) + chr(10))"
	@touch $@

$(BIN)/.ready-dev: $(BIN)/.ready
	@echo "adding what development needs ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable '.[dev]'
	@touch $@

demo: $(BIN)/.ready
	@echo '$$ ragsys ask $(DEMO_FOLDER) "$(DEMO_QUESTION)"'
	@echo
	@$(BIN)/ragsys ask $(DEMO_FOLDER) "$(DEMO_QUESTION)" --library $(DEMO_LIBRARY)
	@echo
	@echo 'now your documents:  $(BIN)/ragsys ask FOLDER "a question"     $(BIN)/ragsys chat FOLDER'

test: $(BIN)/.ready-dev
	$(BIN)/python -m pytest

slow: $(BIN)/.ready-dev
	$(BIN)/python -m pytest -m slow --timeout 900

# Where vLLM cannot be installed the tests are skipped, and -rs says why; an installation that fails otherwise fails.
test-vllm: $(BIN)/.ready-dev
	$(BIN)/python tests/vllm/install.py $(VLLM)
	$(BIN)/python -m pytest -n0 -m vllm -rs --timeout 900 tests/vllm

check: $(BIN)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest
	$(BIN)/cog --check README.md docs/configuration.md

# after a change of the dependencies in pyproject.toml
lock: $(BIN)/.ready-dev
	$(BIN)/python locks/lock.py

docs: $(BIN)/.ready-dev
	$(BIN)/cog -r README.md docs/configuration.md

bench: $(BIN)/.ready-dev
	@test -n "$(DATA)" || { echo "make bench DATA=folder: the folder that holds pdfs/ and questions.jsonl"; exit 1; }
	$(BIN)/python eval/bench/indexing.py --data "$(DATA)"
	$(BIN)/python eval/bench/answering.py --data "$(DATA)"
	$(BIN)/python eval/bench/harness.py --data "$(DATA)" --config laptop-lexical
	$(BIN)/python eval/bench/dense.py --data "$(DATA)"
	$(BIN)/python eval/bench/generating.py
	$(BIN)/python eval/bench/lexical.py --data "$(DATA)"
	$(BIN)/python eval/bench/searching.py --data "$(DATA)" --lexical
	$(BIN)/python eval/bench/searching.py --data "$(DATA)" --set index.ocr=never

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis $(DEMO_LIBRARY) *.egg-info
	find ragsys plugins tests eval examples -name __pycache__ -type d -prune -exec rm -rf {} +
