# Every target does its own set-up and says how long it took. `make` alone lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Node 24 comes with the project's dependencies and goes before the machine's.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

timed = @test/support/timed "make $@"
tools = actions/shared/tools

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' Makefile

.PHONY: packages
packages: ## Install the packages of package-lock.json, if they are not installed yet
	@test/support/install-packages

.PHONY: debian
debian: ## Install real parts for the tests from Debian's packages, where that is possible
	$(timed) test/support/install-debian.sh

.PHONY: test
test: packages ## Unit, contract and action tests
	$(timed) vitest run --project unit --project contract --project action

.PHONY: test-engines
test-engines: packages ## Builders of images, engines of containers and of pipelines at work
	$(timed) vitest run --project engines

.PHONY: test-e2e
test-e2e: packages ## Whole releases; workflows run by a workflow runner and checked by linters
	$(timed) vitest run --project e2e

.PHONY: s3-programs
s3-programs: packages ## Build the S3 server of the tests into the user's cache, unless it is there
	$(timed) node test/support/s3-programs.ts

.PHONY: test-s3
test-s3: s3-programs ## The store of models on real servers of S3: one that is right, one that is not
	$(timed) vitest run --project s3

.PHONY: registries-programs
registries-programs: packages ## Install the MLflow of the tests into the user's cache, unless it is there
	$(timed) node test/support/registries-programs.ts

.PHONY: test-registries
test-registries: registries-programs ## Registries of others: a real server of MLflow, the official client of Kubeflow's
	$(timed) vitest run --project registries

.PHONY: cluster-programs
cluster-programs: packages ## Build the Kubernetes of the tests into the user's cache, unless it is there
	$(timed) node test/support/cluster/prepare.ts

.PHONY: test-cluster
test-cluster: s3-programs cluster-programs ## On a real Kubernetes: API server, controllers, scheduler; kwok as the kubelet
	$(timed) vitest run --project cluster

.PHONY: demo-cluster
demo-cluster: s3-programs cluster-programs ## Releases onto a cluster, by a workflow: promoted, rolled back, killed, cancelled, detached
	$(timed) vitest run --project demo-cluster --reporter verbose

.PHONY: test-long
test-long: packages ## What takes longer than CI should
	$(timed) vitest run --project long

.PHONY: demo
demo: packages ## Three releases of examples/digits: promoted, promoted on evidence, rolled back
	$(timed) node $(tools)/demo.ts $(ARGS)

.PHONY: bench-judge
bench-judge: packages ## How often canary judges err: ours and others, seeded
	$(timed) node benchmarks/judge.ts $(ARGS)

.PHONY: bench-wait
bench-wait: packages ## How late a wait notices the end of a run, and how often it asks
	$(timed) node benchmarks/wait.ts $(ARGS)

.PHONY: bench-start-up
bench-start-up: packages ## Time and memory of each action up to its first input error, against an empty Node program
	$(timed) node benchmarks/start-up.ts $(ARGS)

.PHONY: bench-upload
bench-upload: packages ## How long a model takes into a bucket, how much CPU and memory: ours, AWS CLI, rclone, lib-storage, curl
	$(timed) node benchmarks/upload.ts $(ARGS)

.PHONY: lint
lint: packages ## Style, import layers, unused code
	$(timed) bash -euc 'biome check --error-on-warnings && knip --no-progress'

.PHONY: types
types: packages ## Check the types
	$(timed) tsc --noEmit

.PHONY: generate
generate: packages ## Write what is generated: action.yml, tables of READMEs, schemas, import layers
	$(timed) bash -euc 'node $(tools)/generate-layers.ts && node $(tools)/generate.ts'

.PHONY: check-generated
check-generated: packages ## Compare what is generated with its sources
	$(timed) bash -euc 'node $(tools)/generate-layers.ts --check && node $(tools)/generate.ts --check'

.PHONY: dist
dist: packages ## Build dist/ of every action and of the command line
	$(timed) node $(tools)/bundle.ts

.PHONY: check-dist
check-dist: packages ## Build dist/ of every action and compare it with what is committed
	$(timed) node $(tools)/bundle.ts --check
