# Copyright (c) the switchyard.stacks contributors
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter inline_assets: a page with its images and styles in one file."""

from __future__ import annotations

import base64
import re
import typing as t
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: inline_assets
short_description: A page with its images and styles in one file
description:
  - Replaces each reference of a page to a file with a C(data:) URL, so that any proxy can serve the page as one file.
    The images and fonts of a style sheet are included.
  - Links (C(<a>)), URLs with a scheme and references within the page do not change.
options:
  _input:
    description: The page, HTML.
    type: str
    required: true
  folder:
    description: Folder on the controller that the page's references are relative to.
    type: path
    required: true
  limit:
    description: Largest size of the result in bytes. The proxy sends the whole page with each response.
    type: int
    default: 1048576
positional: folder, limit
author:
  - The switchyard.stacks contributors (@switchyard)
"""

EXAMPLES = r"""
page: "{{ lookup('ansible.builtin.template', 'page/index.html') | switchyard.stacks.inline_assets('page') }}"
"""

RETURN = r"""
_value:
  description: The page with its files.
  type: str
"""

LIMIT = 1024 * 1024

# The table of types of the system differs from system to system.
TYPES = {
    ".avif": "image/avif",
    ".css": "text/css",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript",
    ".otf": "font/otf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}

TAG = re.compile(r"<(?!a[\s>])[a-zA-Z][^<>]*>")
REFERENCE = re.compile(r"""(\s(?:src|href|poster|data)\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)""", re.IGNORECASE)
SOURCE_SET = re.compile(r"""(\ssrcset\s*=\s*)("[^"]*"|'[^']*')""", re.IGNORECASE)
STYLE_ATTRIBUTE = re.compile(r"""\sstyle\s*=\s*("[^"]*"|'[^']*')""", re.IGNORECASE)
STYLE = re.compile(r"(<style\b[^>]*>)(.*?)(</style>)", re.IGNORECASE | re.DOTALL)
CSS_REFERENCE = re.compile(r"""(url\(\s*|@import\s+(?=["']))("[^"]*"|'[^']*'|[^\s"')]+)""", re.IGNORECASE)
# With a scheme, of another host, or within the page: not a file of the folder.
NOT_A_FILE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|#|$")

Read = Callable[[str], bytes]


def inline(page: str, read: Read) -> str:
    """Return a page that contains the files it refers to; ``read`` returns the content of a file by its reference."""

    def in_tag(match: re.Match[str]) -> str:
        tag = REFERENCE.sub(lambda found: found[1] + _quoted(found[2], lambda text: data(text, read), '"'), match[0])
        tag = SOURCE_SET.sub(lambda found: found[1] + _quoted(found[2], lambda text: _each(text, read)), tag)
        return STYLE_ATTRIBUTE.sub(lambda found: inline_style(found[0], "", read), tag)

    # Style elements first: their content is not a tag, and after that their references are data: URLs.
    page = STYLE.sub(lambda found: found[1] + inline_style(found[2], "", read) + found[3], page)
    return TAG.sub(in_tag, page)


def inline_style(style: str, base: str, read: Read) -> str:
    """Return a style sheet that contains the files it refers to; its references are relative to ``base``."""
    return CSS_REFERENCE.sub(lambda found: found[1] + _quoted(found[2], lambda text: data(text, read, base)), style)


def data(reference: str, read: Read, base: str = "") -> str:
    """Return the ``data:`` URL of a file; a reference that is not a file is returned unchanged."""
    if NOT_A_FILE.match(reference):
        return reference
    path = base + unquote(re.split(r"[?#]", reference, maxsplit=1)[0])
    kind = TYPES.get(Path(path).suffix.lower(), "application/octet-stream")
    content = read(path)
    if kind == "text/css":
        content = inline_style(content.decode("utf-8"), path.rpartition("/")[0] + "/" * ("/" in path), read).encode()
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _quoted(value: str, change: Callable[[str], str], mark: str = "") -> str:
    """Return a changed value in its own quotation marks, or in ``mark`` if it had none."""
    mark = value[0] if value[0] in "\"'" else mark
    return mark + change(value.strip("\"'").strip()) + mark


def _each(candidates: str, read: Read) -> str:
    """Return the candidates of a ``srcset``, each reference with its width or density."""
    pairs = (candidate.split(None, 1) for candidate in candidates.split(",") if candidate.strip())
    return ", ".join(" ".join([data(reference, read), *rest]) for reference, *rest in pairs)


def inline_assets(page: str, folder: str, limit: int = LIMIT) -> str:
    """Return a page that needs no other file.

    Raises AnsibleFilterError for a file that is missing or outside ``folder``, and for a page above ``limit`` bytes.
    """
    top = Path(folder).resolve()

    def read(name: str) -> bytes:
        path = (top / name).resolve()
        if name.startswith("/"):
            raise AnsibleFilterError(
                f"The page refers to {name}, which the application cannot serve during maintenance. "
                f"Put the file into {folder} and refer to it without the leading /."
            )
        if top not in path.parents or not path.is_file():
            raise AnsibleFilterError(f"The page refers to {name}, which is not in {folder}. Put it there.")
        return path.read_bytes()

    whole = inline(page, read)
    if len(whole.encode()) > limit:
        raise AnsibleFilterError(
            f"The page has {len(whole.encode())} bytes with all its files, and {limit} are allowed: the proxy sends "
            "the whole page with each response. Use smaller images."
        )
    return whole


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"inline_assets": inline_assets}
