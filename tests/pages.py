"""What every page must be: well-formed, self-contained and readable without seeing it."""

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Parse a page; fails on tags that do not match."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.html, self.open, self.ids, self.tags, self.anchors, self.attrs_of = html, [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.attrs_of.append((tag, attrs))
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if (attrs.get("href") or "").startswith("#"):
            self.anchors.append(attrs["href"][1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_page(html, sections):
    """Assert what holds of every page; return it parsed."""
    page = Page(html)
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.anchors) <= set(page.ids)
    assert set(sections) <= set(page.ids)
    assert page.tags.count("h1") == 1
    assert page.tags.count("table") == page.tags.count("caption")
    pictures = [attrs for tag, attrs in page.attrs_of if attrs.get("role") == "img"]
    assert len(pictures) == page.tags.count("svg") == page.tags.count("figcaption") > 0
    assert all(attrs["aria-label"] for attrs in pictures)
    assert "script" not in page.tags
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", html)
    assert "prefers-color-scheme: dark" in html
    assert "#010203" not in html
    assert "nan" not in re.findall(r"<td[^>]*>([^<]*)</td>", html)
    return page
