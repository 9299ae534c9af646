#!/bin/sh
echo "run by $(id -u)"
