# shellcheck shell=sh
# Says in JSON what a server has for a proxy of its own. Reads only. Arguments: the packages, the folders that the proxy
# looks into, the unit, its address and its port, and the number of its user and group.
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
# Who listens on the port, where that is not the unit itself.
holder() {
    systemctl is-active --quiet "$1" && return
    ss -Hltnp "sport = :$3" 2> /dev/null | awk -v wanted="$2" '
        { at = $4; sub(/:[0-9]+$/, "", at); name = $6; gsub(/^users:\(\("|".*/, "", name) }
        at == wanted || at == "*" || at == "0.0.0.0" || at == "[::]" || wanted == "0.0.0.0" { print name ? name : "somebody" }
    ' | sort -u
}
. /etc/os-release
cat << END
{
  "system": "${ID:-unknown}",
  "systemd": $(yes_or_no test -d /run/systemd/system),
  "user": $(yes_or_no getent passwd "$6"),
  "group": $(yes_or_no getent group "$6"),
  "missing": "$(missing "$1" | xargs)",
  "without": "$(without "$2" | xargs)",
  "version": "$(version "${1%% *}")",
  "holder": "$(holder "$3" "$4" "$5" | xargs)"
}
END
