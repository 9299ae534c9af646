# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of a volume as a tar archive, and the list of everything in it.

An entry of the list has all that a restore must bring back: type, mode, owner, size, time, link, extended attributes
and the SHA-256 of a file. So an archive is compared with the folder it was made of, and a restored folder with the
archive. A socket is left out, as every archiver does: the program that listens on it creates it again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import stat
import tarfile
import typing as t
from pathlib import Path

Entries = dict[str, dict[str, t.Any]]

BLOCK = 1 << 20

# The key of an extended attribute in an archive (star's convention, which GNU tar reads too)
XATTR = "SCHILY.xattr."

TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
}


class _Summing:
    """A file that is read once, for the archive and for its sum."""

    def __init__(self, handle: t.BinaryIO) -> None:
        self._handle = handle
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._handle.read(size)
        self.sha256.update(data)
        return data


def write_archive(folder: Path, archive: Path, done: t.Callable[[int], None] = lambda size: None) -> Entries:
    """Write everything in a folder into an archive, and return the list of it; ``done`` gets the bytes of each file.

    Raises OSError when a file cannot be read, or gets shorter while it is read.
    """
    entries: Entries = {}
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.dereference = False
            for path in _walk(folder):
                name = _name(path, folder)
                info = tar.gettarinfo(str(path), arcname=name)
                # A socket has no place in an archive, as in ``scan``.
                if t.cast(t.Any, info) is None:
                    continue
                attributes = _attributes(path)
                info.pax_headers = {XATTR + key: _latin(value) for key, value in attributes.items()}
                entry = _entry(path.lstat(), attributes)
                if info.isreg():
                    with path.open("rb") as handle:
                        summing = _Summing(t.cast(t.BinaryIO, handle))
                        tar.addfile(info, t.cast(t.Any, summing))
                    # What was read is what counts: a program may have written to it.
                    entry.update(size=info.size, sha256=summing.sha256.hexdigest())
                    done(info.size)
                elif info.islnk():
                    entry = {"type": "hard link", "target": info.linkname}
                    tar.addfile(info)
                else:
                    entry.update({"target": info.linkname} if info.issym() else {})
                    tar.addfile(info)
                entries[name] = entry
        output.flush()
        os.fsync(output.fileno())
    return entries


def read_archive(archive: Path) -> Entries:
    """Return the list of an archive, with the sums of what it really holds. Raises tarfile.TarError, OSError."""
    entries: Entries = {}
    with tarfile.open(archive, mode="r:", format=tarfile.PAX_FORMAT) as tar:
        for info in tar:
            if info.islnk():
                entries[info.name] = {"type": "hard link", "target": info.linkname}
                continue
            attributes = {
                key[len(XATTR) :]: base64.b64encode(_bytes(value)).decode()
                for key, value in info.pax_headers.items()
                if key.startswith(XATTR)
            }
            entry = {"type": _type_of(info), "mode": info.mode, "uid": info.uid, "gid": info.gid}
            entry.update({"mtime": int(info.mtime)} if not info.issym() else {})
            if attributes:
                entry["attributes"] = attributes
            if info.isreg():
                handle = tar.extractfile(info)
                entry.update(size=info.size, sha256=_sum(handle) if handle else None)
            elif info.issym():
                entry["target"] = info.linkname
            entries[info.name] = entry
    return entries


def extract(archive: Path, folder: Path) -> None:
    """Write the content of an archive of this module into an empty folder, with owners, modes, times and attributes.

    The archive was compared with its list before, whose names do not lead out of the folder.
    """
    folders: list[tuple[Path, tarfile.TarInfo]] = []
    with tarfile.open(archive, mode="r:", format=tarfile.PAX_FORMAT) as tar:
        for info in tar:
            path = folder if info.name == "." else folder / info.name
            if info.isdir():
                path.mkdir(exist_ok=True)
                folders.append((path, info))
                continue
            _create(tar, info, path, folder)
    # The inner ones first: a file that is written changes its folder's time.
    for path, info in reversed(folders):
        _set(path, info)


def scan(folder: Path) -> Entries:
    """Return the list of everything in a folder, as ``write_archive`` does."""
    entries: Entries = {}
    first: dict[tuple[int, int], str] = {}
    for path in _walk(folder):
        info = path.lstat()
        if stat.S_ISSOCK(info.st_mode):
            continue
        name = _name(path, folder)
        known = first.get((info.st_dev, info.st_ino))
        if known and not stat.S_ISDIR(info.st_mode):
            entries[name] = {"type": "hard link", "target": known}
            continue
        if info.st_nlink > 1:
            first[info.st_dev, info.st_ino] = name
        entry = _entry(info, _attributes(path))
        if stat.S_ISREG(info.st_mode):
            with path.open("rb") as handle:
                entry.update(size=info.st_size, sha256=_sum(handle))
        elif stat.S_ISLNK(info.st_mode):
            entry["target"] = os.readlink(path)
        entries[name] = entry
    return entries


def differences(was: t.Mapping[str, t.Any], now: t.Mapping[str, t.Any]) -> list[str]:
    """Return the differences between two lists, a line each."""
    found = [f"{name} is missing" for name in sorted(set(was) - set(now))]
    found += [f"{name} is not in the manifest" for name in sorted(set(now) - set(was))]
    for name in sorted(set(was) & set(now)):
        changed = [key for key in {**was[name], **now[name]} if was[name].get(key) != now[name].get(key)]
        found += [f"{name}: {key} is {now[name].get(key)}, and was {was[name].get(key)}" for key in changed]
    return found


def _walk(folder: Path) -> t.Iterator[Path]:
    """Yield a folder and everything in it, in the same order each time."""
    yield folder
    for path in sorted(folder.iterdir(), key=lambda path: os.fsencode(path.name)):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _entry(info: os.stat_result, attributes: t.Mapping[str, bytes]) -> dict[str, t.Any]:
    entry: dict[str, t.Any] = {
        "type": TYPES[stat.S_IFMT(info.st_mode)] if not stat.S_ISSOCK(info.st_mode) else "socket",
        "mode": stat.S_IMODE(info.st_mode),
        "uid": info.st_uid,
        "gid": info.st_gid,
    }
    if not stat.S_ISLNK(info.st_mode):
        entry["mtime"] = int(info.st_mtime)
    if attributes:
        entry["attributes"] = {key: base64.b64encode(value).decode() for key, value in attributes.items()}
    return entry


def _type_of(info: tarfile.TarInfo) -> str:
    kinds = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "link", tarfile.FIFOTYPE: "fifo"}
    kinds.update({tarfile.CHRTYPE: "character device", tarfile.BLKTYPE: "block device"})
    return kinds.get(info.type, "file")


def _sum(handle: t.IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while block := handle.read(BLOCK):
        sha256.update(block)
    return sha256.hexdigest()


def _attributes(path: Path) -> dict[str, bytes]:
    """Return the extended attributes; a file system without them has none."""
    with contextlib.suppress(OSError):
        names = os.listxattr(path, follow_symlinks=False)
        return {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    return {}


def _latin(value: bytes) -> str:
    """Return bytes as text that the archive's UTF-8 brings back."""
    return value.decode("utf-8", "surrogateescape")


def _bytes(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _create(tar: tarfile.TarFile, info: tarfile.TarInfo, path: Path, folder: Path) -> None:
    if info.islnk():
        os.link(folder / info.linkname, path, follow_symlinks=False)
        return
    if info.issym():
        os.symlink(info.linkname, path)
    elif info.isreg():
        handle = t.cast(t.IO[bytes], tar.extractfile(info))
        with path.open("xb") as output:
            while block := handle.read(BLOCK):
                output.write(block)
            output.flush()
            os.fsync(output.fileno())
    else:
        kind = {"fifo": stat.S_IFIFO, "character device": stat.S_IFCHR, "block device": stat.S_IFBLK}[_type_of(info)]
        os.mknod(path, kind | info.mode, os.makedev(info.devmajor, info.devminor))
    _set(path, info)


def _set(path: Path, info: tarfile.TarInfo) -> None:
    """Set owner, mode, attributes and time; the mode after the owner, because chown(2) clears its special bits."""
    os.chown(path, info.uid, info.gid, follow_symlinks=False)
    if not info.issym():
        path.chmod(info.mode)
    for key, value in info.pax_headers.items():
        if key.startswith(XATTR):
            os.setxattr(path, key[len(XATTR) :], _bytes(value), follow_symlinks=False)
    os.utime(path, (info.mtime, info.mtime), follow_symlinks=False)
