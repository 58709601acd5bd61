# Every target installs what it needs; a bare machine has Python 3.11, pip, git and make.
# An exported PYTHON= names another interpreter.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := PATH="$(abspath $(BIN)):$$PATH"
STAMP  := $(VENV)/.installed
# One test process a core: TensorFlow, PyTorch and DVC's end-to-end run each in its own.
TESTERS ?= 2
# Of `make cluster`: processes, and the scheduler's port on the loopback address.
WORKERS ?= 2
PORT    ?= 8786

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export DVC_NO_ANALYTICS = 1

.PHONY: install repro verify report-pdf cluster test test-slow test-faults pins lint bench wheel vega lock clean
.DEFAULT_GOAL := repro

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no python3.11 on the PATH; install Python 3.11 or say make PYTHON=..."; exit 1; }
	@echo "Installing the pinned packages into $(VENV): two to four minutes the first time."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[models,pipeline,cluster,dev]'
	@$(BIN)/pip check
	@touch $@

install: $(STAMP)

repro: $(STAMP)  ## rebuild everything and say where the report is
	@$(RUN) python -m stages.mending .
	@$(RUN) dvc repro
	@$(RUN) segment-restore results

verify: $(STAMP)  ## compare every file of DVC's cache with its checksum, as after a disk failed
	@$(RUN) python -m stages.verifying .

report-pdf: $(STAMP)  ## the report as reports/report.pdf, with the machine's own Chromium
	@$(RUN) python -m stages.printing reports/index.html reports/report.pdf

cluster: $(STAMP)  ## a Dask scheduler and workers on this machine, until Ctrl-C; see docs/cluster.md
	@$(RUN) python -m stages.cluster $(WORKERS) $(PORT)

test: $(STAMP)  ## the test suite, under 12 minutes on 2 cores
	@$(RUN) python -m pytest -n $(TESTERS) --dist loadfile -m "not slow"

test-slow: $(STAMP)  ## the tests that take longer than a minute each
	@$(RUN) python -m pytest -m slow

test-faults: $(STAMP)  ## every stage killed at random, disks that fill, files that lie: half an hour
	@$(RUN) python -m pytest -m "slow or not slow" tests/faults

pins: $(STAMP)  ## ask the advisory databases about every pinned version; needs the internet
	@test -x .venv-pins/bin/pip-audit || { $(PYTHON) -m venv .venv-pins && .venv-pins/bin/pip install --quiet pip-audit==2.10.1; }
	@$(BIN)/python tests/pins.py .venv-pins/bin/pip-audit constraints.txt

lint: $(STAMP)
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

bench: $(STAMP)  ## every claim of speed or accuracy, measured again
	@for name in ingest incremental tags outlines tag_speed peers_tags suspects segmentation inpaint shadows pages scale; do echo "== $$name"; $(RUN) python -m "benchmarks.$$name" || exit 1; done

wheel: $(STAMP)
	@$(RUN) python -m build --wheel --outdir dist . >/dev/null
	@ls dist/*.whl

vega: $(STAMP)  ## the plotting library as the report carries it, of the pinned vl-convert
	@$(BIN)/python -c 'import gzip, sys, vl_convert; from pipeline import page; sys.stdout.buffer.write(gzip.compress(vl_convert.javascript_bundle(page.BUNDLED).encode(), 9, mtime=0))' > vega.new
	@mv vega.new pipeline/vega/vega.js.gz

lock: $(STAMP)  ## write constraints.txt anew from what is installed
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/pip freeze --exclude-editable | sed 's/+cpu$$//'; } > constraints.new
	@mv constraints.new constraints.txt

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
