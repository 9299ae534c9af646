# shellcheck shell=sh
# Waits until the server answers the administrator, then loads the users.
# $1: the folder of the configuration, $2: seconds to wait, $3: a user that has to be loaded
REDISCLI_AUTH=$(cat "$1/admin_password")
export REDISCLI_AUTH

for _ in $(seq $(($2 * 10))); do
    answer=$(redis-cli --user _admin PING 2>&1)
    [ "$answer" = PONG ] && break
    sleep 0.1
done
[ "$answer" = PONG ] || { echo "it was not ready after $2 seconds: $answer"; exit 1; }

answer=$(redis-cli --user _admin ACL LOAD 2>&1)
redis-cli --user _admin ACL USERS | grep -qxF "$3" || { echo "it rejected its users: $answer"; exit 1; }
