# shellcheck shell=sh
# Prints as JSON what a server has for a proxy from a package. Reads only. Arguments: the packages, the folders that are
# mounted for the proxy, and the number of its user and group.
yes_or_no() { if "$@" > /dev/null 2>&1; then echo true; else echo false; fi; }
missing() {
    for package in $1; do
        dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || echo "$package"
    done
}
without() { for folder in $1; do test -d "$folder" || echo "$folder"; done; }
version() {
    dpkg-query --show --showformat '${Version}' "$1" 2> /dev/null | grep . ||
        LC_ALL=C apt-cache policy "$1" 2> /dev/null | sed -n 's/^  Candidate: //p'
}
packages=$1 folders=$2 user=$3
. /etc/os-release
cat << END
{
  "system": "${ID:-unknown}",
  "systemd": $(yes_or_no test -d /run/systemd/system),
  "user": $(yes_or_no getent passwd "$user"),
  "group": $(yes_or_no getent group "$user"),
  "missing": "$(missing "$packages" | xargs)",
  "without": "$(without "$folders" | xargs)",
  "version": "$(version "${packages%% *}")"
}
END
