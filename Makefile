# parlor's commands. `make` alone lists them. Everything that is needed is installed below this folder (node_modules) or,
# for the llama-server of tests and demos, in the user's cache.

MAKEFLAGS += --no-print-directory
BUN := node_modules/.bin/bun
BUN_VERSION := $(shell sed -n 's/.*"bun": "\(.*\)".*/\1/p' package.json)
PARROT := .cache/parrot.gguf
EYE := .cache/eye.gguf
MODELS := $(PARROT) $(EYE) .cache/magpie.gguf .cache/judge.gguf
ARGS ?=

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: $(BUN) $(if $(MODEL),,$(PARROT) $(EYE)) ## start parlor with a llama-server (MODEL=file.gguf, or the demo model; ARGS="--port 8090")
	@$(BUN) src/main.ts --model $(or $(MODEL),$(PARROT)) --llama-server test/llama/llama-server $(if $(MODEL),,--llama-arg=-c --llama-arg=65536 --llama-arg=-np --llama-arg=2 --llama-arg=--mmproj --llama-arg=$(EYE)) $(ARGS)

dev: $(BUN) $(PARROT) ## the same, started again whenever a file changes
	@$(BUN) --watch test/dev.ts --model $(or $(MODEL),$(PARROT)) --llama-server test/llama/llama-server $(ARGS)

check: $(BUN) ## types, lint, unit tests: seconds
	@$(BUN) run typecheck
	@$(BUN) run lint
	@LLAMA_SERVER=/none-is-needed $(BUN) test --parallel=$(JOBS) $(UNIT)

test: $(BUN) $(MODELS) build chromium nginx ## everything, against the real llama-server and the real Chromium
	@$(BUN) run typecheck
	@$(BUN) run lint
	@rm -f $(REPORT)
	@program="$$(test/llama/llama-server --path)" && { \
		LLAMA_SERVER="$$program" $(BUN) test --parallel=$(JOBS) --reporter=junit --reporter-outfile=$(REPORT) $(TESTS); \
		$(BUN) test/closing.ts $(REPORT) $$?; }

build: dist/parlor ## the single executable: dist/parlor

bench: $(BUN) $(PARROT) build chromium nginx ## what parlor costs, beside others, measured; see bench/README.md (XQUAD=FOLDER: how well documents are found, too)
	@export LLAMA_SERVER="$$(test/llama/llama-server --path)"; \
		for each in relay crowd routing store browser start load lighthouse documents-cost cluster engines pgvector; do $(BUN) bench/$$each.ts || exit 1; done; \
		for each in documents documents-meaning $(if $(XQUAD),documents-answers documents-grounding); do $(BUN) bench/$$each.ts $(XQUAD) || exit 1; done

soak: $(BUN) $(PARROT) build ## half an hour of llama-servers that fail in every way (SOAK_MINUTES=30 SEED=1), the simulations in their long form, the memory of 40 000 requests (REQUESTS=40000); CLUSTER=1: half an hour of parlors that die, instead
	@export LLAMA_SERVER="$$(test/llama/llama-server --path)"; \
		if [ -n "$(CLUSTER)" ]; then $(BUN) test/sim/takeovers.ts; exit; fi; \
		$(BUN) test/sim/soak.ts && LONG=1 $(BUN) test --isolate test/sim test/e2e/kill.test.ts && $(BUN) bench/memory.ts

options: $(BUN) ## write docs/operate/options.md anew
	@$(BUN) -e 'import { markdownTable } from "./src/config/help.ts"; const file = Bun.file("docs/operate/options.md"); const page = await file.text(); await file.write(page.slice(0, page.indexOf("| flag")) + markdownTable() + "\n")'

clean: ## remove what was built here (not the llama-server in the user's cache)
	rm -rf dist .cache node_modules

# the tests that start no llama-server and no database server, so that a fresh clone fetches none for them
UNIT := $(shell grep -rLE 'startLlama|llamaProgram|startPostgres|startRedis|stage\.ts|soak\.ts|takeovers\.ts|asking\.ts' --include=*.test.ts test/*.test.ts test/auth test/bus test/runs test/commands test/config test/domain test/documents/formats.test.ts test/documents/passages.test.ts test/documents/words.test.ts \
	test/http test/live test/programs test/store test/telemetry test/transfer test/views)
TESTS ?=
# files of tests that run at once: two keep two cores busy
JOBS ?= 2
REPORT := .cache/tests.xml

SOURCES := $(shell find src views -type f ! -name DESIGN.md) package.json
dist/parlor: $(BUN) $(SOURCES)
	@mkdir -p dist
	@$(BUN) build --compile --minify --bytecode --format=esm --sourcemap --no-compile-autoload-dotenv --no-compile-autoload-bunfig \
		src/main.ts src/transfer/worker.ts src/documents/child.ts src/documents/vector-worker.ts --outfile=dist/parlor

# the models of tests and demos; test/llama/models.ts makes them when a test is run by itself
$(MODELS): $(BUN) $(filter-out %.test.ts,$(wildcard test/llama/*.ts)) test/views/markdown/dangers.ts
	@$(BUN) test/llama/models.ts $@

$(BUN): package.json bun.lock
	@npm exec --yes --package=bun@$(BUN_VERSION) -- bun install --frozen-lockfile
	@touch $@

# the browser of the end-to-end tests; test/e2e/stage.ts looks in the same places
chromium:
	@test -n "$(CHROMIUM)" || command -v chromium chromium-browser google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || \
		{ echo "the end-to-end tests need Chromium: install it (Debian: apt-get install chromium) or set CHROMIUM=/path/to/it"; exit 1; }

# the proxy of the end-to-end tests, and one of the relay's contenders
nginx:
	@command -v nginx >/dev/null || test -x /usr/sbin/nginx || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq nginx-light >/dev/null; } || \
		{ echo "the tests behind a proxy need nginx: install it (Debian: apt-get install nginx-light)"; exit 1; }

.PHONY: help run dev check test build bench soak options clean chromium nginx
