# shellcheck shell=sh
# Prints as JSON what is installed on a server; changes nothing.
# Arguments: the Python that runs the modules, the folder of this collection.
yes_or_no() { if "$@" > /dev/null 2>&1; then echo true; else echo false; fi; }
has() { yes_or_no "$1" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)"; }
# Python would import a folder of the current one that has the name of a library.
cd /
. /etc/os-release
cat << END
{
  "system": "${ID:-unknown}",
  "version": "${VERSION_ID:-0}",
  "root": $(yes_or_no test "$(id -u)" = 0),
  "systemd": $(yes_or_no test -d /run/systemd/system),
  "engine": $(yes_or_no docker info),
  "daemon": $(yes_or_no test -x /usr/sbin/dockerd -o -x /usr/bin/dockerd),
  "client": $(yes_or_no command -v docker),
  "compose": $(yes_or_no docker compose version),
  "sdk": $(has "$1" docker),
  "postgres": $(has "$1" psycopg2),
  "apt": $(has /usr/bin/python3 apt),
  "folder": $(yes_or_no test -d "$2")
}
END
