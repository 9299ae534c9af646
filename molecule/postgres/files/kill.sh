#!/bin/sh
# Kills the process that holds a lock file open, as a power cut would: kill.sh LOCK
holder=$(find /proc/[0-9]*/fd -lname "$1" 2> /dev/null | head -n 1 | cut -d / -f 3)
kill -9 "${holder:?nobody holds $1}"
