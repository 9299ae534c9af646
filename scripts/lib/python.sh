# shellcheck shell=bash
# Sourced by the scripts that look for a Python.

# Prints the path of the first of these versions that is installed: find_python 3.13 3.12
find_python() {
    local version candidate
    for version in "$@"; do
        for candidate in "python3" "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3; do
            # Started, for pyenv has shims of versions that do not start.
            if [ "$("$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)" = "$version" ]; then
                "$candidate" -c 'import sys; print(sys.executable)'
                return
            fi
        done
    done
    return 1
}
