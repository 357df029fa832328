"""XML files of labels, in whatever alphabet they were written."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.-]+)["']""")


def parse_xml(data: bytes) -> Element:
    """The root of an XML file; its declaration may name any encoding that Python knows (expat reads four).

    Raises:
        ElementTree.ParseError: it is no XML, or not in the encoding that it names; ``position`` says where.
    """
    try:
        return ElementTree.fromstring(data)
    except (ValueError, LookupError):  # an encoding of several bytes, or one that expat does not know
        named = ENCODING.match(data)
        encoding = named[1].decode() if named else "utf-8"
    try:
        return ElementTree.fromstring(data.decode(encoding))
    except (ValueError, LookupError) as error:
        broken = ElementTree.ParseError(str(error))
        broken.position = (1, 0)
        raise broken from error
