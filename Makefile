# make run     serve with demo data at the address that it prints
# make test    the whole test suite
# make check   the fast gate: lint, types, arrows, schema
# The rest is for those who change the project: see CONTRIBUTING.md.

PYTHON ?= python3
RUN := .venv/bin/python
WORKERS ?= 3

.PHONY: run test test-web check bench bench-live soak lock schema web format clean

run: .venv/.ready web/dist/.built
	@$(RUN) main.py serve --demo

test: .venv/.ready web/dist/.built tests/clients/node_modules/.ready .data/chromium
	@$(RUN) -m pytest -q -n $(WORKERS) --maxschedchunk 2 $(if $(COVERAGE),--cov --cov-report=term:skip-covered)

# The web client: what thinks, then every page in a browser. SHOTS=folder keeps a picture of each.
test-web: .venv/.ready web/dist/.built .data/chromium
	@ALL_OF_WEB=1 SHOTS=$(if $(SHOTS),$(abspath $(SHOTS))) $(RUN) -m pytest -q -n 0 tests/e2e/test_web.py

check: .venv/.ready
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/ruff check --quiet .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/deptry .
	@$(RUN) -m pytest -q -n 0 tests/house

bench: .venv/.ready benchmarks/peers/mercurius/node_modules/.ready
	@$(RUN) -m benchmarks

bench-live: .venv/.ready
	@$(RUN) -m benchmarks.live

soak: .venv/.ready
	@MINUTES=$(MINUTES) SEED=$(SEED) $(RUN) -m tests.soak

# A virtual environment of our own with the locked packages, each checked against its hash.
.venv/.ready: requirements.lock
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(RUN) -m pip install --quiet --disable-pip-version-check uv
	@.venv/bin/uv pip install --quiet --python $(RUN) --require-hashes -r requirements.lock
	@touch $@

# The web client and GraphiQL need Node.js to be built; without it everything else works, and the
# server says so.
web/dist/.built: schema/schema.graphql $(shell find web \( -path web/node_modules -o -path web/dist \
		-o -path web/src/gql \) -prune -o -type f -print 2>/dev/null)
	@if command -v npm >/dev/null; then \
		(cd web && npm ci --silent --no-audit --no-fund && npm run --silent build) && touch $@; \
	else \
		echo "Node.js is not installed: the web client is not built, everything else works."; \
	fi

tests/clients/node_modules/.ready: tests/clients/package-lock.json
	@if command -v npm >/dev/null; then \
		(cd tests/clients && npm ci --silent --no-audit --no-fund) && touch $@; \
	fi

benchmarks/peers/mercurius/node_modules/.ready: benchmarks/peers/mercurius/package-lock.json
	@if command -v npm >/dev/null; then \
		(cd benchmarks/peers/mercurius && npm ci --silent --no-audit --no-fund) && touch $@; \
	else \
		echo "Node.js is not installed: Mercurius is left out."; \
	fi

# The browser of the browser tests: the machine's, or installed where that is allowed.
.data/chromium:
	@mkdir -p .data
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
		test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	} || echo "No Chromium: install it to run the browser tests."
	@{ command -v chromium || command -v google-chrome || true; } > $@
	@test -s $@ || rm -f $@

lock: .venv/.ready
	@.venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header \
		--group dev pyproject.toml --output-file requirements.lock

schema: .venv/.ready
	@$(RUN) main.py schema > schema/schema.graphql

web:
	@rm -f web/dist/.built && $(MAKE) --no-print-directory web/dist/.built

format: .venv/.ready
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format --quiet .

clean:
	rm -rf .venv web/dist web/node_modules tests/clients/node_modules benchmarks/peers/mercurius/node_modules
