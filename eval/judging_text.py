"""What `judge import` tells people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.merging import Agreement, Merged


def import_summary(
    merged: Merged, repeats: Sequence[str], counts: Mapping[str, Any], into: Path, *, dry_run: bool
) -> str:
    """Return the outcome of an import, a few lines."""
    lines = [_agreement(agreement) for agreement in merged.agreements]
    lines.append(f"{counts['judged']} verdicts read; {counts['not_judged_yet']} rows are not judged yet.")
    if merged.differing:
        names = ", ".join(own[0].id for own in merged.differing[:10])
        more = " …" if len(merged.differing) > 10 else ""
        lines.append(
            f"{len(merged.differing)} left out, for the judges differ: {names}{more}; "
            "write them with --differing SHEET, fill it, and import again with --settled SHEET."
        )
    lines += repeats
    would = "would be " if dry_run else ""
    lines.append(f"{into}: {counts['added']} {would}added, {counts['changed']} {would}changed.")
    return "\n".join(lines)


def _agreement(agreement: Agreement) -> str:
    who = f"{agreement.first} and {agreement.second}"
    if agreement.same is None:
        return f"{who}: no answer was judged by both (n = 0)."
    if agreement.kappa is None:
        kappa = "kappa is not defined (one verdict throughout)"
    else:
        bounds = f", 95 % interval {agreement.low:.2f} … {agreement.high:.2f}" if agreement.low is not None else ""
        kappa = f"kappa {agreement.kappa:.2f}{bounds}"
    return f"{who}: the same verdict on {agreement.same:.0%} of {agreement.n}; {kappa}."
