# The project's few commands. Each works on a fresh clone with python3 (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
# pip knows a user's own index; uv takes a third of its time where nobody has one.
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check
SOURCES := src tests docs notebooks benchmarks hatch_build.py
PROSE := docs src README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md $(wildcard benchmarks/*.md)
# A process more than there are processors, up to four; each takes what is left when it is done.
SHARED := -n logical --maxprocesses 4 --dist worksteal
OLDEST := build/oldest
JUDGES := build/judges
WEB := blackboard-web
# mypy knows what each of these lacks: os.fork, os.O_PATH, signal.setitimer.
PLATFORMS := linux darwin win32
MODULE := src/chainrule/_src/blackboard/assets/blackboard.js

.PHONY: help lab blackboard blackboard-site page docs docs-serve test test-all wheel peers test-oldest arm windows emulated debian newest judges cases torture fuzz coverage check format bench bench-web pictures functions notebooks clean

help:
	@echo "make lab       run the whole lab and write lab-report.html"
	@echo "make blackboard  watch a network learn, in the browser; needs Node 20 or newer"
	@echo "make blackboard-site  write the blackboard without Python, which trains in the page, to build/course"
	@echo "make page      build the blackboard's page alone, and test its parts"
	@echo "make docs      write the documentation site to build/docs, with Node 20; make docs-serve shows it here"
	@echo "make test      run the quick tests: every behaviour, in some four minutes"
	@echo "make test-all  run the thorough tests and those of make peers, too: all but make wheel"
	@echo "make wheel     install the wheel alone elsewhere and run README there; takes two minutes"
	@echo "make peers     hold it against Keras, PyTorch, JAX and autograd; Keras's and scikit-learn's own tests"
	@echo "make test-oldest  all tests with the oldest versions that pyproject.toml allows"
	@echo "make arm       run the portable tests on 64-bit ARM, emulated; ARGS=--quick runs few of them"
	@echo "make windows   the same on Windows, emulated"
	@echo "make emulated  few of both at once, as CI does; says so where there is no emulator"
	@echo "make debian    the same of the wheel, on Debian's Python 3.13"
	@echo "make newest    the same of the wheel, on Python 3.14"
	@echo "make judges    let nbgrader and Otter grade the labs that are exported for them"
	@echo "make cases     hold the diagnosis against all wrong gradients of the collection; ten minutes"
	@echo "make torture   Ctrl-C, kills and hostile files at length; takes ten minutes"
	@echo "make coverage  the same, counting which lines they run; takes twice as long"
	@echo "make fuzz      hold 50,000 random NumPy programs and 1,000 random networks against others"
	@echo "make check     ruff, formatting, strict mypy as on Linux, macOS and Windows; spelling; the files at the root"
	@echo "make format    mend what ruff can mend"
	@echo "make bench     time chainrule against its peers, cold and warm; results go to benchmarks/"
	@echo "make bench-web  time modules for web pages against TensorFlow.js and others, in Node and Chromium"
	@echo "make functions list the NumPy functions that have a gradient anew"
	@echo "make notebooks make the labs' notebooks, solutions and pages from notebooks/source anew"
	@echo "make pictures  draw the pictures of README and docs anew; needs Chromium"
	@echo "make clean     remove .venv, caches and the report"

# With Node the report holds a replay of its training; without, or offline, it goes without.
lab: .venv/lab
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(MODULE) || \
	  echo "The report goes without a replay of its training."; fi
	@$(BIN)/chainrule lab $(ARGS)

blackboard: .venv/blackboard $(MODULE)
	@$(BIN)/chainrule blackboard $(ARGS)

blackboard-site: .venv/blackboard $(MODULE)
	@$(BIN)/chainrule blackboard --export build/course $(ARGS)

page: $(MODULE)
	@npm --prefix $(WEB) run --silent check

docs: docs/node_modules/made .venv/docs $(MODULE)
	@OMP_NUM_THREADS=1 $(BIN)/python docs/build.py $(ARGS)

docs-serve: docs
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory build/docs 8000

test: .venv/dev
	@$(BIN)/python -m pytest --ignore=tests/peers --ignore=tests/install -m "not thorough" $(SHARED) $(ARGS)

# A thorough test holds breadth: random programs, whole labs, all cases of a large family. One run
# of all tests collects and imports once.
test-all: .venv/dev
	@$(BIN)/python -m pytest --ignore=tests/install $(SHARED) $(ARGS)

# Into an environment of its own; pip asks its index for some packages.
wheel: .venv/dev $(MODULE)
	@$(BIN)/python -m pytest tests/install $(ARGS)

peers: .venv/dev
	@$(BIN)/python -m pytest tests/peers $(SHARED) $(ARGS)

# All tests, quick and thorough. Warnings are no errors here: old libraries use what newer ones among them call deprecated.
test-oldest: $(OLDEST)/made
	@$(OLDEST)/bin/python -m pytest --ignore=tests/install -o filterwarnings= $(SHARED) $(ARGS)

# They bring a Jupyter of their own: an environment of their own, too.
judges: $(JUDGES)/made
	@$(JUDGES)/bin/python -m pytest -o filterwarnings= tests/peers/test_nbgrader.py tests/peers/test_otter.py $(ARGS)

# Portable tests alone: on 64-bit ARM by qemu, on Windows by wine, of the wheel on Debian's Python 3.13
# and on the Python 3.14 of Debian's next version.
arm windows debian newest: .venv/uv
	@$(BIN)/python -m tests.machines $(subst debian,wheel,$(subst arm,arm64,$@)) $(ARGS)

# Both at once, on two processors; each one's output comes at its end.
emulated: .venv/uv
	@$(MAKE) --no-print-directory -j 2 --output-sync arm windows ARGS="--quick --if-possible -q"

cases: .venv/dev
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.check.judge $(ARGS)

torture: .venv/dev
	@$(BIN)/python -m tests.torture.interrupts 500 $(SEED)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.torture.kills 40 $(SEED)
	@OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.torture.sweeps 100 $(SEED)
	@$(BIN)/python -m tests.torture.hostile 2000 $(SEED)
	@$(BIN)/python -m tests.torture.structures 3000
	@$(BIN)/python -m tests.torture.cluster 100 $(SEED) 

coverage: .venv/dev
	@$(BIN)/python -m pytest --ignore=tests/install --cov --cov-report=term $(SHARED) $(ARGS)

fuzz: .venv/dev .venv/bench
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --programs 50000 $(ARGS)
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz.networks --configurations 1000
	@$(BIN)/python -m pytest -m hypothesis --hypothesis-profile=fuzz $(SHARED)

check: .venv/dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	@printf '%s\n' $(PLATFORMS) | xargs -P 2 -t -I{} $(BIN)/mypy --platform {} --cache-dir .mypy_cache/{}
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/sp-repo-review .
	$(BIN)/codespell $(PROSE)

format: .venv/dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/nbstripout notebooks/*.ipynb

bench: .venv/bench
	@$(BIN)/python benchmarks/autodiff.py
	@$(BIN)/python benchmarks/training.py $(ARGS)
	@$(BIN)/python benchmarks/cold.py $(ARGS)
	@$(BIN)/python benchmarks/repeated.py
	@$(BIN)/python benchmarks/framework.py
	@$(BIN)/python benchmarks/estimators.py
	@$(BIN)/python benchmarks/many.py $(ARGS)
	@$(BIN)/python benchmarks/publish.py

# Installs the peers from npm into build/web-peers; needs Node 20 and Chromium.
bench-web: .venv/bench .venv/dev
	@$(BIN)/python benchmarks/web.py $(ARGS)

functions: .venv/lab
	$(BIN)/python docs/list_functions.py

notebooks: .venv/dev
	$(BIN)/python notebooks/make.py

pictures: .venv/dev $(MODULE)
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/blackboard_pictures.py

clean:
	rm -rf .venv build dist $(WEB)/dist $(WEB)/node_modules $(dir $(MODULE)) .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis lab-report*.html
	@git clean -dfqX docs  # what is written while the site is built

# A target is a stamp inside .venv: it is made again when pyproject.toml changes.
.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "chainrule needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Making .venv ..."
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }
	@touch $@

.venv/lab: pyproject.toml | .venv/made
	@echo "Installing chainrule, its extras for the lab and Keras into .venv (once) ..."
	@$(INSTALL) --editable '.[keras,tables,teach]'
	@touch $@

.venv/blackboard: pyproject.toml | .venv/made
	@echo "Installing chainrule with the blackboard into .venv (once) ..."
	@$(INSTALL) --editable '.[blackboard,tables]'
	@touch $@

# Built when its sources have changed.
$(MODULE): $(WEB)/node_modules/made $(WEB)/vite.config.ts $(WEB)/tsconfig.json $(shell find $(WEB)/src src/chainrule/_src/export/web/runtime src/chainrule/_src/export/web/page -name '*.[jtc]s*' -type f)
	@echo "Building the blackboard's page ..."
	@npm --prefix $(WEB) run --silent build -- --logLevel warn
	@mkdir -p $(@D)
	@cp $(WEB)/dist/blackboard.js $@

# Ends with a sentence where Node is missing or old.
NODE20 = node -e 'process.exitCode = +(parseInt(process.versions.node) < 20)' 2>/dev/null && command -v npm >/dev/null || \
	  { echo "$(1) built with Node 20 or newer and its npm: please install them." >&2; exit 1; }

$(WEB)/node_modules/made: $(WEB)/package-lock.json
	@$(call NODE20,The blackboard's page is)
	@echo "Installing what builds the blackboard's page into $(WEB)/node_modules (once) ..."
	@npm --prefix $(WEB) ci --loglevel=error --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000
	@touch $@

docs/node_modules/made: docs/package-lock.json
	@$(call NODE20,The documentation is)
	@npm --prefix docs ci --loglevel=error --no-audit --no-fund
	@touch $@

.venv/docs: .venv/lab
	@echo "Installing what writes the documentation into .venv (once) ..."
	@$(INSTALL) --editable '.[docs]'
	@touch $@

.venv/bench: .venv/lab
	@echo "Installing the peers into .venv (once) ..."
	@$(INSTALL) --editable '.[bench]'
	@touch $@

.venv/uv: | .venv/made
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(OLDEST)/made: pyproject.toml .venv/uv
	@echo "Installing the oldest versions into $(OLDEST) ..."
	@$(BIN)/uv venv --quiet --clear --python 3.11 $(OLDEST)
	@$(BIN)/uv pip compile --quiet --python $(OLDEST)/bin/python --resolution lowest-direct \
	  --extra test --output-file $(OLDEST)/versions.txt pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(OLDEST)/bin/python \
	  --requirement $(OLDEST)/versions.txt --no-deps --editable .
	@touch $@

$(JUDGES)/made: pyproject.toml | .venv/made
	@echo "Installing nbgrader and Otter into $(JUDGES) (once) ..."
	@$(BIN)/python -m venv --clear $(JUDGES)
	@$(JUDGES)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[judges]'
	@touch $@

.venv/dev: .venv/lab
	@echo "Installing the tools for testing into .venv (once) ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@
