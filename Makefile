# Needs python3, make and git, nothing else: every target first makes what it lacks
# (uv in .tools, Python 3.12 and the locked packages in .venv), and a second run makes nothing again.

UV     := .tools/bin/uv
BIN    := .venv/bin
READY  := .venv/.stamp
SOURCE := bayesreg tests benchmarks

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test bench validate lint types contracts check lock clean help

demo: $(READY)  ## compare MAP, penalised optimum and posterior on the diabetes data
	@$(BIN)/bayesreg compare diabetes --prior laplace

test: $(READY)  ## run the tests, a file at a time on each core
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

bench: $(READY)  ## measure the speed, as ratios in one run
	@$(BIN)/python -m benchmarks

validate: $(READY)  ## validate every sampler and write docs/validation.md (36 minutes on two cores; goes on if stopped)
	@$(BIN)/python -m benchmarks.validation

lint: $(READY)  ## check style and formatting (ruff)
	@$(BIN)/ruff check $(wildcard $(SOURCE))
	@$(BIN)/ruff format --check $(wildcard $(SOURCE))

types: $(READY)  ## check the types of bayesreg/ (mypy, strict)
	@$(BIN)/mypy

contracts: $(READY)  ## check that imports run one way (import-linter)
	@$(BIN)/lint-imports --no-logo

check: lint types contracts  ## lint, types and contracts

lock: $(UV)  ## refresh the pinned requirements (LOCK=--upgrade takes newer versions)
	@$(UV) pip compile --quiet --universal --python-version "$$(cat .python-version)" --generate-hashes \
		--no-header --all-extras $(LOCK) pyproject.toml -o requirements.lock
	@echo uv | $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate $(LOCK) - -o .ci/uv.txt

clean:  ## remove all that set-up, tests and builds have made
	@rm -rf .venv .tools .pytensor .hypothesis .*_cache build dist
	@find $(wildcard $(SOURCE)) -name __pycache__ -type d -exec rm -rf {} +

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /\1\t/p' Makefile

# ── Set-up ────────────────────────────────────────────────────────────────────────────────────────────
# A python3 without venv (as Debian packages it) installs uv straight into the folder, if it has pip.
$(UV): .ci/uv.txt
	@echo "set-up: fetching uv into .tools"
	@rm -rf .tools
	@pip="-m pip install --target .tools"; python=python3; \
	if python3 -m venv .tools >/dev/null 2>&1; then pip="-m pip install"; python=.tools/bin/python; \
	elif ! python3 -m pip --version >/dev/null 2>&1; then \
		echo "set-up: this python3 has neither venv nor pip; install one (Debian: apt-get install python3-venv)" >&2; exit 1; \
	fi; \
	PIP_USER=0 $$python $$pip -qq --disable-pip-version-check --require-hashes --only-binary :all: -r .ci/uv.txt
	@touch $@

.venv/pyvenv.cfg: .python-version | $(UV)
	@echo "set-up: making .venv on Python $$(cat .python-version)"
	@$(UV) venv --quiet --clear --python "$$(cat .python-version)" .venv

$(READY): requirements.lock pyproject.toml .venv/pyvenv.cfg | $(UV)
	@echo "set-up: installing the locked packages into .venv (minutes the first time, seconds later)"
	@$(UV) pip sync --quiet --python .venv --require-hashes --compile-bytecode requirements.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@
