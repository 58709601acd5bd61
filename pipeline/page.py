"""One HTML page from templates: everything escaped, everything inside, nothing fetched.

Chart specifications travel as JSON data; Vega runs them with its expression interpreter, so the
page's Content-Security-Policy can refuse ``eval`` and every script but the two it names by hash.
"""

import base64
import gzip
import hashlib
import re
from functools import cache
from importlib import resources

import jinja2
import msgspec
from markupsafe import Markup

MARKUP = re.compile(r"([\\`*_\[\]|])")  # what Markdown reads within a line
BUNDLED = "window.vegaEmbed = vegaEmbed;"  # what the plotting library leaves in the window
SHEETS = ("figures", "print")  # styles of every page, after its own
# What a script or style element cannot hold without the HTML parser ending or misreading it
# (HTML standard, "Restrictions for contents of script elements").
UNSAFE = ("</script", "</style", "<!--", "\r", "\0")


@cache
def environment() -> jinja2.Environment:
    """Return the template environment: autoescape on, a missing name is an error."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["json"] = script_json
    return made


def source(name: str) -> str:
    """Return the text of a file below ``pipeline/templates``."""
    return environment().loader.get_source(environment(), name)[0]


def render(
    template: str | jinja2.Template,
    contexts: list[dict[str, object]],
    *,
    charts: bool = False,
    extras: tuple[str, ...] = (),
    data: dict[str, object] | None = None,
) -> str:
    """Return a whole page, in one language or in several between which its reader can switch.

    Args:
        template: one, or its name below ``pipeline/templates``; it extends ``layout.html``.
        contexts: what the template names, once a language, ``t`` among it; the first is shown
            first. Values are escaped as they are placed.
        charts: the page holds charts, so it needs the plotting library (0.9 MB).
        extras: names of styles and scripts of this page's own, without ``.css`` and ``.js``; a
            style may be missing. The scripts share one scope, in this order.
        data: what those scripts read, whatever the language.
    """
    names = ("page", *_styled(extras), *SHEETS)
    style = _inline("".join(source(f"{name}.css") for name in names))
    scripts = [vega()] if charts else []
    scripts.append(_inline(source("page.js")))
    if extras:
        parts = "".join(source(f"{name}.js") for name in extras)
        scripts.append(_inline(f'"use strict";\n{{\n{parts}}}\n'))
    shell = {"style": style, "scripts": scripts, "policy": policy([style], scripts), "data": data}
    layouts = [_layout(template, context, contexts) for context in contexts]
    return environment().get_template("base.html").render(**shell, layouts=layouts)


def _styled(extras: tuple[str, ...]) -> list[str]:
    known = set(environment().list_templates(extensions=["css"]))
    return [name for name in extras if f"{name}.css" in known]


def _layout(
    template: str | jinja2.Template,
    context: dict[str, object],
    contexts: list[dict[str, object]],
) -> dict[str, object]:
    """Return all of a page that is in one language: ``language``, ``title`` and ``html``."""
    made = environment().get_template(template)
    whole = context | {"languages": [each["t"] for each in contexts]}
    title = "".join(made.blocks["title"](made.new_context(whole)))
    return {
        "language": context["t"].language,
        "title": Markup(title),  # escaped by the template
        "html": Markup(made.render(**whole)),  # as above
    }


@cache
def plain() -> jinja2.Environment:
    """Return the environment for Markdown: every value is escaped as it is placed."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline"),
        autoescape=False,  # finalize escapes, by Markdown's rules and HTML's
        undefined=jinja2.StrictUndefined,
        finalize=markdown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def markdown(value: object) -> str:
    """Return text that Markdown shows as it is: no markup, no HTML, no end of a cell or line."""
    text = " ".join(str(value).split())
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return MARKUP.sub(r"\\\1", text)


@cache
def vega() -> Markup:
    """Return Vega, Vega-Lite and Vega-Embed as one script.

    The file is what vl-convert makes of ``BUNDLED``, which takes it over a second: ``make vega``.
    """
    packed = resources.files("pipeline").joinpath("vega/vega.js.gz").read_bytes()
    return _inline(gzip.decompress(packed).decode())


def policy(styles: list[str], scripts: list[str]) -> str:
    """Return a Content-Security-Policy that runs these inline texts and nothing else.

    Pictures may come from the page's own folder (``file:`` for browsers to which a file has no
    origin) and from data; network, frames, forms, plugins and ``eval`` are refused.
    """
    return "; ".join(
        [
            "default-src 'none'",
            "img-src 'self' file: data:",
            f"style-src {' '.join(map(_digest, styles))}",
            f"script-src {' '.join(map(_digest, scripts))}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def script_json(value: object) -> Markup:
    """Return JSON that is safe inside a script element: no ``<``, ``>``, ``&``, U+2028, U+2029."""
    text = msgspec.json.encode(value, order="deterministic").decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # escaped above


def _inline(text: str) -> Markup:
    found = [part for part in UNSAFE if part in text.lower()]
    if found:
        raise ValueError(f"an inline text holds {found}; the HTML parser would end or change it")
    return Markup(text)  # the project's own or the plotting library's text


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
    return f"'sha256-{digest}'"
