"""What the tests of nginx's configuration read it with."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """Return the words of a line of configuration as nginx reads them (ngx_conf_read_token)."""
    found, word, quote, at = [], "", "", 0
    inside = False
    while at < len(text):
        sign = text[at]
        if sign == "\\":
            word += text[at + 1] if text[at + 1] in "\"'\\" else text[at : at + 2]
            at += 2
            continue
        if quote and sign == quote:
            found.append(word)
            word, quote, inside = "", "", False
        elif quote or (inside and sign not in " ;"):
            word += sign
        elif sign == '"':
            quote = sign
        elif sign in " ;":
            found += [word] if inside else []
            word, inside = "", False
            if sign == ";":
                found.append(";")
        else:
            word, inside = sign, True
        at += 1
    return found


HOSTILE = ['"; } return 200; #', "$host ${host} $", "back\\slash \\n \\", "it's {a} 'b'", "%20 ~^.* ;", ""]
