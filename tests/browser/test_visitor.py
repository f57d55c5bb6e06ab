"""The browser that the other tests look with sees what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.server.processes import until

if TYPE_CHECKING:
    from tests.browser.visitor import Visitor


def complaints(visitor: Visitor, part: str) -> list[str]:
    """Those that say this; asking the page lets Playwright hand over what came."""
    visitor.page.title()
    return [line for line in visitor.complaints if part in line]


def test_code_in_the_page_is_refused_and_noticed(visitor: Visitor) -> None:
    """The pages' policy holds in the browser, and a test in which it is broken fails."""
    page = visitor.come_in()
    page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.head.append(script);
      const image = document.createElement("img");
      image.src = "https://example.invalid/x.png";
      document.body.append(image);
    }""")
    until(lambda: len(complaints(visitor, "policy violated")) == 2, "two violations")
    assert page.evaluate("window.ran") is None
    visitor.complaints.clear()


def test_an_exception_in_the_page_is_noticed(visitor: Visitor) -> None:
    """Such as one in a listener, which the page itself never shows."""
    page = visitor.come_in()
    page.evaluate("setTimeout(() => { throw new Error('broken on purpose'); })")
    until(lambda: complaints(visitor, "broken on purpose"), "the complaint")
    visitor.forgive("broken on purpose")


def test_what_nobody_can_read_is_a_fault(visitor: Visitor) -> None:
    """axe runs and judges in this browser, under this policy."""
    page = visitor.come_in()
    assert visitor.faults() == []

    def spoiled() -> bool:
        page.evaluate("""for (const title of document.querySelectorAll("h2")) {
          title.style.color = "#222"; title.style.background = "#1c1c1c"; }""")
        return any("color-contrast" in fault for fault in visitor.faults())

    until(spoiled, "the fault")
