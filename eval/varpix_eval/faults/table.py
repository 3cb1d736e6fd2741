"""docs/faults.md: a row for each answer."""

from __future__ import annotations

from .judgement import Answer

TITLE = (
    "# Faults and answers\n\nWritten by `scripts/eval faults --write`: faults planted in copies of testdata/, and what varpix answers.\n\n"
)
HEAD = "| id | fault | exit code | what is said, or found | what is left |\n|---|---|---|---|---|\n"
LONGEST = 260  # characters of an answer


def row(answer: Answer) -> str:
    said = answer.said.replace("|", "\\|")
    said = said if len(said) <= LONGEST else said[: LONGEST - 3] + "..."
    return f"| {answer.fault.id} | {answer.fault.what} | {answer.code} | {said} | {', '.join(answer.left) or 'nothing'} |\n"


def table(answers: list[Answer]) -> str:
    return TITLE + HEAD + "".join(map(row, answers))
