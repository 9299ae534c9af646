# Says in JSON what a server has. Reads only.
yes_or_no() { if "$@" > /dev/null 2>&1; then echo true; else echo false; fi; }
. /etc/os-release
candidate=$(apt-cache policy docker-compose 2> /dev/null | sed -n 's/^ *Candidate: //p')
cat << END
{
  "system": "${ID:-unknown}",
  "version": "${VERSION_ID:-0}",
  "engine": $(yes_or_no docker info),
  "daemon": $(yes_or_no test -x /usr/sbin/dockerd -o -x /usr/bin/dockerd),
  "compose": $(yes_or_no docker compose version),
  "debian_compose": "$candidate",
  "sdk": $(yes_or_no "$1" -c 'import docker'),
  "postgres": $(yes_or_no "$1" -c 'import psycopg2'),
  "systemd": $(yes_or_no test -d /run/systemd/system),
  "apt": $(yes_or_no "$1" -c 'import apt'),
  "lists": $(yes_or_no test -n "$(ls /var/lib/apt/lists/*Packages* 2> /dev/null)"),
  "folder": $(yes_or_no test -d "$2")
}
END
