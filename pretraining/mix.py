"""Mix the two generators that ``pretraining.deepfill`` wrote, one faithful and one sharp.

    python -m pretraining.mix FOLDER OUT.safetensors [--share 0.5]

Source: network interpolation, Wang et al., "ESRGAN", ECCV Workshops 2018, section 3.4,
https://arxiv.org/abs/1809.00219.
"""

import argparse
import json
from pathlib import Path

import safetensors.torch


def main() -> None:
    """Write ``(1 - share) * l1 + share * gan`` as float16, its layout within."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the adversarial weights")
    args = parser.parse_args()
    plain, sharp = (
        safetensors.torch.load_file(args.folder / f"{name}.safetensors") for name in ("l1", "gan")
    )
    mixed = {
        name: ((1 - args.share) * plain[name].float() + args.share * sharp[name].float()).half()
        for name in sorted(plain)
    }
    told = json.loads((args.folder / "gan.json").read_text())
    layout = json.dumps(told["layout"], sort_keys=True, separators=(",", ":"))
    safetensors.torch.save_file(mixed, args.out, {"layout": layout})


if __name__ == "__main__":
    main()
