# shellcheck shell=sh
# Says in JSON what a server has. Reads only. Arguments: the Python that the modules run with, the folder of everything.
yes_or_no() { if "$@" > /dev/null 2>&1; then echo true; else echo false; fi; }
has() { yes_or_no "$1" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('$2') is None)"; }
# Away from folders whose names Python could take for a library.
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
