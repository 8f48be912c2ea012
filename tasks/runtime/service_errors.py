"""What the services of a Prefect API could not do, read from the log that the API writes.

A service that fails (the scheduler, for instance) is started again some seconds later and answers nobody:
the API stays green, and only its log has the traceback.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# "03:00:05.123 | ERROR   | docket.dependencies - message" of Prefect, "ERROR:    message" of uvicorn
RECORD = re.compile(
    r"^(?:[\d:.]+ \| (?P<level>[A-Z]+) *\| (?P<logger>[\w.]+) - |(?P<uvicorn>[A-Z]+): +)(?P<message>.*)"
)
SERVICE_CALL = re.compile(r"(\w+)\(.*\)\{")  # "↩ [    49ms] schedule_deployments(){schedule_deployments}"
SHUTDOWN = (
    "timeout graceful shutdown exceeded"  # of a connection that was open when the command ended its API
)
EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:: .+)?$")  # the last line of a traceback

OWN_CLASS = re.compile(r"^(?:conf|flows|infra|tasks)\.[\w.]+: ")  # an error of ours says all in its message


@dataclass(frozen=True)
class ServiceError:
    """A service that failed, and why."""

    service: str
    cause: str


def read_errors(lines: Iterable[str]) -> Iterator[ServiceError]:
    """Yield the errors of a log in their order, but those of an orderly end."""
    return (error for error in _records(lines) if error.service and SHUTDOWN not in error.cause)


def describe(errors: Sequence[ServiceError], log: Path) -> Iterator[str]:
    """Yield one line for each service that failed: how often, why at last, and where to read more."""
    causes = {error.service: error.cause for error in errors}
    for service, count in Counter(error.service for error in errors).items():
        times = "" if count == 1 else f" {count} times"
        yield f"Prefect's service {service} failed{times} ({causes[service]}); see {log}"


def last_error(lines: Iterable[str]) -> str:
    """Return the last exception of a log, else the last line, of a server that did not come up."""
    said = [line.strip() for line in lines if line.strip()]
    exceptions = [line for line in said if ": " in line and EXCEPTION.match(line) and not RECORD.match(line)]
    return OWN_CLASS.sub("", (exceptions or said or [""])[-1])


def _records(lines: Iterable[str]) -> Iterator[ServiceError]:
    """Yield the records of a log; one below an error names no service."""
    service, cause = "", ""
    for line in lines:
        record = RECORD.match(line)
        if record:
            yield ServiceError(service, cause)
            service, cause = _service(record), record["message"].strip()
        elif service and EXCEPTION.match(line):
            cause = line.strip()
    yield ServiceError(service, cause)


def _service(record: re.Match[str]) -> str:
    """Return the service that wrote an error, or nothing for a record below an error."""
    if (record["level"] or record["uvicorn"]) not in {"ERROR", "CRITICAL"}:
        return ""
    call = SERVICE_CALL.search(record["message"])
    if call:
        return call[1]
    logger = record["logger"] or "uvicorn"
    return "web server" if logger.startswith("uvicorn") else logger.rpartition(".")[2]
