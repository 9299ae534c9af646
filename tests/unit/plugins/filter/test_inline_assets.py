from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.switchyard.stacks.plugins.filter.inline_assets import FilterModule, data, inline

inline_assets = FilterModule().filters()["inline_assets"]

FILES = {
    "logo.png": b"\x89PNG",
    "img/a b.webp": b"RIFF",
    "style.css": b"body { background: url(img/a%20b.webp) } @import 'css/more.css';",
    "css/more.css": b"@font-face { src: url(../f.woff2) } a { background: url('back.svg') }",
    "css/../f.woff2": b"wOF2",
    "css/back.svg": b"<svg/>",
    "app.js": b"go()",
}


def coded(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


PNG, WEBP = coded("image/png", FILES["logo.png"]), coded("image/webp", FILES["img/a b.webp"])


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<img src="logo.png" alt="">', f'<img src="{PNG}" alt="">'),
        ("<img alt='' src='logo.png?v=1#x'>", f"<img alt='' src='{PNG}'>"),
        ("<img src=logo.png>", f'<img src="{PNG}">'),
        ('<LINK REL="icon" HREF="logo.png">', f'<LINK REL="icon" HREF="{PNG}">'),
        ('<video poster="logo.png">', f'<video poster="{PNG}">'),
        ('<script src="app.js"></script>', f'<script src="{coded("text/javascript", b"go()")}"></script>'),
        (
            '<img srcset="logo.png 1x, img/a%20b.webp 2x">',
            f'<img srcset="{PNG} 1x, {WEBP} 2x">',
        ),
        ('<p style="background: url(logo.png)">', f'<p style="background: url({PNG})">'),
        ("<p style=\"background: url('logo.png')\">", f"<p style=\"background: url('{PNG}')\">"),
        ("<style>a{background:url( logo.png )}</style>", f"<style>a{{background:url( {PNG} )}}</style>"),
    ],
)
def test_what_a_page_refers_to_is_in_it(page: str, expected: str) -> None:
    assert inline(page, FILES.__getitem__) == expected


@pytest.mark.parametrize(
    "page",
    [
        '<a href="logo.png">logo</a>',
        '<a\nhref="logo.png">logo</a>',
        '<img src="https://example.org/logo.png">',
        '<img src="//example.org/logo.png">',
        '<img src="data:,">',
        '<link href="">',
        '<svg><use href="#mark"/></svg>',
        '<style>a{fill:url("#mark")}</style>',
        "<p>src=logo.png and url(logo.png)</p>",
        '<p data-src="logo.png">',
        "a < b, and src=logo.png",
    ],
)
def test_what_is_not_a_reference_to_a_file_stays(page: str) -> None:
    assert inline(page, FILES.__getitem__) == page


def test_a_style_sheet_brings_what_it_refers_to_from_its_folder() -> None:
    page = inline('<link rel="stylesheet" href="style.css">', FILES.__getitem__)
    more = FILES["css/more.css"].replace(b"../f.woff2", coded("font/woff2", b"wOF2").encode())
    more = more.replace(b"back.svg", coded("image/svg+xml", b"<svg/>").encode())
    style = FILES["style.css"].replace(b"img/a%20b.webp", WEBP.encode())
    style = style.replace(b"css/more.css", coded("text/css", more).encode())
    assert page == f'<link rel="stylesheet" href="{coded("text/css", style)}">'


def test_an_unknown_kind_of_file() -> None:
    assert data("a.unknown", lambda name: b"x") == coded("application/octet-stream", b"x")


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "logo.png").write_bytes(FILES["logo.png"])
    assert inline_assets('<img src="logo.png">', str(tmp_path / "page")) == f'<img src="{PNG}">'


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ('<img src="nothing.png">', "refers to nothing.png, which is not in"),
        ('<img src="../secret">', "refers to ../secret, which is not in"),
        ('<img src="sub">', "refers to sub, which is not in"),
        ('<img src="link">', "refers to link, which is not in"),
        ('<img src="/static/logo.png">', "/static/logo.png, which the application cannot serve"),
    ],
)
def test_what_is_not_in_the_folder_is_reported(tmp_path: Path, page: str, message: str) -> None:
    folder = tmp_path / "page"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_text("s")
    (folder / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(AnsibleFilterError, match=message):
        inline_assets(page, str(folder))


def test_a_page_that_is_too_large_is_reported(tmp_path: Path) -> None:
    (tmp_path / "big.png").write_bytes(b"x" * 900)
    with pytest.raises(AnsibleFilterError, match="has 1234 bytes with all its files, and 1000 are allowed"):
        inline_assets('<img src="big.png">', str(tmp_path), 1000)
    assert inline_assets('<img src="big.png">', str(tmp_path), 1234)
