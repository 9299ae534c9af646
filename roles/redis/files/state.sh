# shellcheck shell=sh
# Prints the state: checksums of the files, the numbers of each environment, the users of the running server.
# It runs in the container, or on the host when there is none. $1: the folder of the configuration
export LC_ALL=C
cd "$1" 2> /dev/null || exit 0

for file in users/*.acl allotted/*.json; do
    [ -e "$file" ] && printf 'sum %s\n' "$(sha256sum "$file")"
done
for file in allotted/*.json; do
    name=${file##*/}
    [ -e "$file" ] && printf 'allotted %s %s\n' "${name%.json}" "$(cat "$file")"
done
[ "$(cat users/*.acl 2> /dev/null)" = "$(cat users.acl 2> /dev/null)" ] && echo assembled

if [ -r admin_password ] && command -v redis-cli > /dev/null; then
    REDISCLI_AUTH=$(cat admin_password)
    export REDISCLI_AUTH
    redis-cli --user _admin ACL USERS | sed 's/^/user /'
fi
exit 0
