# Every target is one line that calls a script: the same commands work without make.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down bootstrap images test lint sanity unit consistency package molecule bench-backup bench-beside bench-release bench-switch faults-database pictures

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-14s %s\n", $$1, $$2 }'

demo: ## from a bare machine to a release under load: sets up, releases v1 and v2, counts
	@scripts/demo

demo-down: ## remove what the demo made, and nothing else
	@scripts/demo-down

bootstrap: ## make the virtual environments from the pinned requirements
	@scripts/bootstrap test

images: ## build the images of the demo and the tests
	@scripts/images all

test: ## every test, with one summary at the end
	@scripts/test

lint: ## ruff, mypy, shellcheck, ansible-lint, changelog and documentation
	@scripts/test lint

sanity: ## ansible-test sanity
	@scripts/test sanity

unit: ## unit tests, on each supported ansible-core that runs here
	@scripts/test unit

consistency: ## tests of the repository itself
	@scripts/test consistency

package: ## build, install and import the collection
	@scripts/test package

molecule: ## every scenario, on servers in containers
	@scripts/test engine molecule

bench-backup: ## measure a backup, its proof and a restore of 1 GiB
	@tests/bench/backup

bench-switch: ## measure a switch on each kind of proxy
	@tests/bench/switch

bench-beside: ## what another application behind the same Traefik notices of ours
	@tests/bench/beside

bench-release: ## measure a release over SSH
	@tests/bench/release

faults-database: ## what faults do to a release with a migration, as a table
	@tests/faults/database

pictures: ## take the pictures of the maintenance page, with Chromium
	@tests/pictures/take
