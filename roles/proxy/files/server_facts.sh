# shellcheck shell=sh
# Says in JSON what a server has for a proxy of its own. Reads only. Arguments: the packages, the folders that the proxy
# looks into, the unit, the number of its user and group, and each address with a port that it wants.
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
    ss -Hltnp "sport = :${2##*:}" 2> /dev/null | awk -v wanted="${2%:*}" -v port="${2##*:}" '
        { at = $4; sub(/:[0-9]+$/, "", at); name = $6; gsub(/^users:\(\("|".*/, "", name) }
        at == wanted || at == "*" || at == "0.0.0.0" || at == "[::]" || wanted == "0.0.0.0" {
            print port ":" (name ? name : "somebody")
        }
    ' | sort -u
}
packages=$1 folders=$2 unit=$3 user=$4
shift 4
. /etc/os-release
cat << END
{
  "system": "${ID:-unknown}",
  "systemd": $(yes_or_no test -d /run/systemd/system),
  "user": $(yes_or_no getent passwd "$user"),
  "group": $(yes_or_no getent group "$user"),
  "missing": "$(missing "$packages" | xargs)",
  "without": "$(without "$folders" | xargs)",
  "version": "$(version "${packages%% *}")",
  "holders": "$(for wanted; do holder "$unit" "$wanted"; done | xargs)"
}
END
