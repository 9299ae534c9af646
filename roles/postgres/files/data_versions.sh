# shellcheck shell=sh
# Prints a line for each PostgreSQL cluster in a volume: its major version and its folder. Reads only.
# $1: the volume's folder on the server. The official image puts a cluster at most three folders deep.
cd "$1" || exit 1
find . -maxdepth 4 -type f -name PG_VERSION | while read -r file; do
    folder=${file%/PG_VERSION}
    # Each database of a cluster has such a file too.
    [ -f "$folder/global/pg_control" ] && printf '%s %s\n' "$(cat "$file")" "${folder#./}"
done
exit 0
