"""URLs of stores and sources: no password in settings, no address of this machine's surroundings.

Settings are copied: into Prefect's parameters, MLflow's parameters, profiles and shell histories. A password
comes from the environment, which is copied nowhere.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, unquote, urlsplit

MASK = "***"
SECRET_OPTION = (
    r"(?:password|passwd|pwd|sslpassword|token|access_token|api_?key|secret|sig|signature|credential)"
)
LOGIN = re.compile(r"(?<=://)[^/?#\s@:'\"]*(?::[^\s'\"]*)?@")
"""What stands before the host of a URL; a password may hold `/`, `?`, `#` and `@`."""
OPTION = re.compile(rf"([?&]{SECRET_OPTION}=)[^&\s'\"]+", re.IGNORECASE)
PASSWORD_PATTERN = (
    r"://[^/?#\s@:]*:[^\s]*@"  # of a database or a server
    r"|https?://[^/?#\s@]+@"  # a name alone is a token
    rf"|[?&]{SECRET_OPTION}=[^&\s]"
)
PASSWORD = re.compile(PASSWORD_PATTERN, re.IGNORECASE)
WITHOUT_PASSWORD = rf"^(?![\s\S]*(?:{PASSWORD_PATTERN}))"
"""Pattern of the texts without a password in a URL, as JSON Schema and forms in a browser read it."""
METADATA_HOSTS = {"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"}
"""Names under which clouds hand out the credentials of a machine."""
LINK_LOCAL = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    ipaddress.ip_network("fd00:ec2::/32"),  # the same service by IPv6
    ipaddress.ip_network("100.100.100.200/32"),
)


def has_password(text: str) -> bool:
    """Return whether a text holds a URL with a password or a token."""
    return bool(PASSWORD.search(text))


def masked(text: str) -> str:
    """Return a text with `***` for the login and the secret options of every URL in it."""
    return OPTION.sub(rf"\1{MASK}", LOGIN.sub(f"{MASK}@", text))


def url_fault(url: str, schemes: frozenset[str] | None = None, *, resolve: bool = False) -> str:
    """Return why a URL must not be used, without repeating it, or nothing where it may.

    Args:
        url: with or without a login.
        schemes: that may be used, a driver after `+` left out; none: all but `file`.
        resolve: also look the host's name up, which may lead to a forbidden address.
    """
    parts = _split(url)
    if parts is None:
        return "it is no URL: write `/`, `?`, `#`, `@`, `:` and `%` of a password as %2F %3F %23 %40 %3A %25"
    scheme = parts.scheme.partition("+")[0]
    if scheme in {"", "file"}:
        return "it is a file or a path, not the URL of a service or a database"
    if schemes is not None and scheme not in schemes:
        return f"its scheme {scheme} is not one of {', '.join(sorted(schemes))}"
    hosts = {parts.hostname or "", *_named_in(parts.query)}
    if resolve:
        hosts |= {address for host in hosts for address in _addresses(host)}
    if any(map(is_link_local, hosts)):
        return "its host is a link-local address, where clouds hand out the credentials of a machine"
    return ""


def is_link_local(host: str) -> bool:
    """Return whether a host is a link-local address in any notation, or a name of a cloud's metadata."""
    if host.lower().rstrip(".") in METADATA_HOSTS:
        return True
    address = _address(host)
    return address is not None and any(address in network for network in LINK_LOCAL)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises where the port is no number
    except ValueError:
        return None
    return None if parts.netloc.count("@") > 1 else parts


def _named_in(query: str) -> set[str]:
    """Return what may be a host in the options of a URL, which some drivers read before the URL's own."""
    words = {word.strip("[]{}() ") for word in re.split(r"[=;,&@/\s]", unquote(query))}
    return words | {word.rpartition(":")[0] for word in words if word.count(":") == 1}


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host is; `0xA9FEA9FE`, `2852039166` and `::ffff:169.254.1.1` are IPv4."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        pass
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address


def _addresses(host: str) -> set[str]:
    """Return the addresses of a name, none where nobody knows it."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)} if host else set()
    except (OSError, UnicodeError):
        return set()
