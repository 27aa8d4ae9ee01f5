"""A policy behind a server, as the hybrid corpus asks one: what it says of a row goes by the row's number."""

from __future__ import annotations

import json

from fault_server import Act, Call, answer, error


def policy(call: Call) -> Act:
    """Says what gold says of rows whose number is even, something else of odd ones, and nonsense of every seventh."""
    sentence = next(line for line in call.prompt.splitlines() if " sailed to " in line)
    number = int(sentence.split()[0].removeprefix("Mara"))
    if number % 7 == 6:
        return answer("I cannot say.")
    if number == 9:
        return error(400, "this text cannot be processed")
    names = [("person", f"Mara{number}"), ("city", f"Oslo{number}")][: number % 3]
    if number % 2:
        names = [("ship", f"Oslo{number}")]
    said = " ".join(f'"{name}" is a {label}.' for label, name in names) or "Nothing here is of these types."
    entities = {label: [name] for label, name in names}
    return answer(json.dumps({"entities": entities}), reasoning=f"I look at the sentence. {said}")
