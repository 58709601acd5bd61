"""Ask the advisory databases about every pinned version: ``make pins``.

pip-audit by itself ends well if no database can be reached, with "No known vulnerabilities found",
or with a traceback. Here a package that nobody could be asked about is a failure, in one line.
"""

import json
import subprocess
import sys

SAID = "{asked} of {all} pinned versions were asked about, {known} have known weaknesses"
NONE = "no answer about {silent} of {all} pinned versions ({why}); ask again with the internet"


def main(program, constraints):
    """Print what is known of each version; exit with 1 unless all were asked about and are well."""
    words = [program, "--requirement", constraints, "--no-deps", "--disable-pip"]
    words += ["--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(words, capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        sys.exit(f"pins: pip-audit gave no answer ({last(done.stderr)}); it needs the internet")
    silent = [one for one in packages if "skip_reason" in one]
    weak = [one for one in packages if one.get("vulns")]
    for one in weak:
        for known in one["vulns"]:
            mended = ", ".join(known["fix_versions"]) or "no version yet"
            print(f"{one['name']} {one['version']}: {known['id']}, mended in {mended}")  # noqa: T201
    if silent:
        why = silent[0]["skip_reason"]
        sys.exit(f"pins: {NONE.format(silent=len(silent), all=len(packages), why=why)}")
    print("pins: " + SAID.format(asked=len(packages), all=len(packages), known=len(weak)))  # noqa: T201
    sys.exit(bool(weak))


def last(text):
    """Return the last line that says anything, shortened."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else "nothing was said"


if __name__ == "__main__":
    main(*sys.argv[1:])
