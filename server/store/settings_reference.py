"""``python -m nitropilot.server.store.settings_reference``: write docs/settings.md from the model.

With ``--check`` it only says whether the page is up to date.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nitropilot.server.store.settings import Settings, allowed, flat, sections

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

Made from the model in `server/store/settings.py` by
`python -m nitropilot.server.store.settings_reference`.

Everything here can be changed while the daemon runs; what is for new sessions does not touch
those that play. Three ways:

```console
$ nitropilot settings                                   # show them
$ nitropilot settings set play.mode realtime            # change one
$ curl -s -X PATCH -H "Authorization: Bearer $(nitropilot token)" \\
       -H 'Content-Type: application/json' -d '{"play": {"mode": "realtime"}}' \\
       localhost:6487/api/v1/settings
```

The third way is the file `settings.json` in the configuration folder, which holds what differs from
the defaults: after editing it send the daemon SIGHUP (on a terminal that ends it instead), or run
`nitropilot settings reload`. A file with a mistake in it changes nothing, and the log says which
key it is. What `nitropilot serve` was given on its command line wins over the file for as long as
it runs. `null` sets a default back, where null is no value itself.
"""


def page() -> str:
    """The whole page."""
    defaults = flat(Settings())
    parts = [HEAD]
    for section, kind in sections().items():
        parts.append(f"\n## {section}\n\n{kind.__doc__}\n\n")
        parts.append("| setting | takes | default | what it does |\n| --- | --- | --- | --- |\n")
        for name, field in kind.model_fields.items():
            key = f"{section}.{name}"
            default = json.dumps(defaults[key])
            parts.append(f"| `{key}` | {allowed(key)} | `{default}` | {field.description} |\n")
    return "".join(parts)


def main() -> int:
    """Write the page, or check it."""
    if "--check" in sys.argv[1:]:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not fresh:
            sys.stderr.write(
                f"{PAGE} is old: run python -m nitropilot.server.store.settings_reference\n"
            )
        return 0 if fresh else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
