# The same commands work without make: a target only calls scripts, which make the environment that they need.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down bootstrap images test lint sanity unit consistency package molecule bench-backup bench-behind-traefik bench-preflight bench-release bench-stacks bench-switch bench-watch faults-clients faults-database faults-environments faults-isolation pictures

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-20s %s\n", $$1, $$2 }'

demo: ## from a bare machine to two releases under load; prints what the clients counted (4 min)
	@scripts/demo

demo-down: ## remove what the demo made, and nothing else
	@scripts/demo-down

bootstrap: ## make the virtual environments from the pinned requirements (2 min)
	@scripts/bootstrap test

images: ## build the images of the demo and the tests (3 min)
	@scripts/engine
	@scripts/images all

test: ## run every test and print one summary
	@scripts/test

lint: ## run ruff, mypy, shellcheck, ansible-lint, and check changelog and documentation
	@scripts/test lint

sanity: ## run ansible-test sanity
	@scripts/test sanity

unit: ## run the unit tests on each supported ansible-core that this machine has a Python for
	@scripts/test unit

consistency: ## run the tests of the repository itself
	@scripts/test consistency

package: ## build, install and import the collection
	@scripts/test package

molecule: ## run every scenario, on servers in containers
	@scripts/test engine molecule

bench-backup: ## measure a backup, its verification and a restore of 1 GiB
	@scripts/engine
	@scripts/images
	@scripts/python tests/bench/backup.py

bench-switch: ## measure a switch on each kind of proxy
	@scripts/engine
	@scripts/python tests/bench/switch.py

bench-watch: ## measure how many access lines the watch gate reads
	@scripts/python tests/bench/watch.py

bench-behind-traefik: ## measure what our releases cost another application behind the same Traefik
	@scripts/engine
	@scripts/python tests/bench/behind_traefik.py

bench-preflight: ## measure preflight on a server with 1,000 containers
	@scripts/engine
	@scripts/images
	@scripts/python tests/bench/preflight.py

bench-release: ## measure a release over SSH
	@scripts/engine
	@scripts/python tests/bench/release.py

bench-stacks: ## release 40 stacks on one server, and count the networks
	@scripts/engine
	@scripts/python tests/bench/stacks.py

faults-database: ## run fifteen faults against a release with a migration, and print a table
	@scripts/engine
	@scripts/images
	@scripts/python tests/faults/database.py

faults-clients: ## attack one stack on each kind of proxy, and measure another one
	@scripts/engine
	@scripts/python tests/faults/clients.py

faults-environments: ## release, roll back and retire next to another environment and a foreign Traefik, under load
	@scripts/engine
	@scripts/python tests/faults/environments.py

faults-isolation: ## try from a container on each network what it reaches of other environments and of the server
	@scripts/engine
	@scripts/python tests/faults/isolation.py

pictures: ## take the pictures of the maintenance page (needs Chromium and optipng)
	@scripts/python tests/pictures/take.py
