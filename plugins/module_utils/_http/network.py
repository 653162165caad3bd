# Copyright: Contributors to the spectrocloud.palette collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong below HTTP, in words: no answer, no connection, no trust."""

from __future__ import annotations

import re
import socket
import ssl
from http.client import InvalidURL
from typing import NamedTuple

try:
    import requests
    from urllib3.exceptions import (
        ConnectTimeoutError,
        HTTPError,
        LocationParseError,
        NewConnectionError,
    )
    from urllib3.exceptions import TimeoutError as WaitedTooLong
except ImportError:
    pass  # the client tells which library is missing

# OpenSSL's codes of a certificate's verification.
_EXPIRED, _NOT_YET_VALID, _WRONG_HOST, _WRONG_ADDRESS = 10, 9, 62, 64
_ERRNO = re.compile(r"\[Errno -?\d+\] ")
_USER_INFO = re.compile(r"[^\s/@]*@")  # user and password in the URL of a proxy
_UNTRUSTED = (18, 19, 20, 21)


class Words(NamedTuple):
    """How a user names what is set to reach a server, for messages.

    host: its address. ca: the CA that signed its certificate. proxy: what is in between.
    """

    host: str
    ca: str
    proxy: str = "the proxy in HTTPS_PROXY"


def root_cause(error: BaseException) -> BaseException:
    """Return the innermost error that an error wraps."""
    while True:
        inner = [e for e in (getattr(error, "reason", None), *error.args) if _is_error(e)]
        if not inner:
            return error
        error = inner[0]


def never_sent(error: Exception, cause: BaseException) -> bool:
    """Say whether a request cannot have reached the server."""
    if isinstance(error, requests.exceptions.ProxyError):
        return not may_have_passed(cause)
    if _unreadable_url(error, cause):
        return True
    if not isinstance(error, (requests.RequestException, HTTPError)):
        return True  # the CA certificates could not be read
    before = (NewConnectionError, ConnectTimeoutError, ssl.SSLCertVerificationError)
    return isinstance(cause, before)


def may_have_passed(cause: BaseException) -> bool:
    """Say whether a request may have got through the proxy that is said to be the trouble.

    urllib3 takes a connection that ends without an answer for the proxy's, whoever ended it.
    """
    return isinstance(cause, ConnectionError)


def network_problem(
    error: Exception, cause: BaseException, words: Words, request_timeout: float
) -> tuple[str, str]:
    """Return an error's reason for programs, and a text that says what to do next."""
    text = _plain(cause)
    if isinstance(error, requests.exceptions.ProxyError):
        return "unreachable", f"{text}; check {words.proxy}"
    if _unreadable_url(error, cause):
        return "unreachable", f"{text}; check {words.host}, and {words.proxy} if there is one"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return "tls_error", _distrust(cause, words)
    if isinstance(error, requests.exceptions.SSLError):
        return "tls_error", f"{text}; check that the server speaks TLS at this port"
    if not isinstance(error, (requests.RequestException, HTTPError)):
        unset = "where it is not given, REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE"
        return "tls_error", f"{text}; check {words.ca} or, {unset}"
    if isinstance(cause, (WaitedTooLong, socket.timeout)) and not _refused(cause):
        return "timeout", f"no answer within {request_timeout:g} s (request_timeout)"
    return "unreachable", f"{text}; check {words.host}, and that this machine can reach it"


def _unreadable_url(error: Exception, cause: BaseException) -> bool:
    unreadable = (LocationParseError, InvalidURL, UnicodeError)
    of_requests = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)
    return isinstance(error, of_requests) or isinstance(cause, unreadable)


def _distrust(cause: ssl.SSLCertVerificationError, words: Words) -> str:
    code, said = cause.verify_code, cause.verify_message
    if code in (_EXPIRED, _NOT_YET_VALID):
        return f"{said}; renew the server's certificate, or set the clock of this machine right"
    if code in (_WRONG_HOST, _WRONG_ADDRESS):
        return f"{said}; set {words.host} to a name that the server's certificate is for"
    if code in _UNTRUSTED:
        return f"{said}; set {words.ca} to the CA that signed the server's certificate"
    return f"{said}; check the server's certificate and {words.ca}"


def _is_error(value: object) -> bool:
    return isinstance(value, BaseException)


def _refused(cause: BaseException) -> bool:
    return isinstance(cause, NewConnectionError)


def _plain(cause: BaseException) -> str:
    """Return an error's text without the names of classes and addresses in memory."""
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    if isinstance(cause, UnicodeError):
        # Its own text may show a character of a password.
        return "a name or a login has characters that cannot be sent"
    text = str(cause) or type(cause).__name__
    # urllib3 writes "<…Connection(host=…) at 0x…>: text", or without the brackets.
    if isinstance(cause, HTTPError):
        text = text.partition("): ")[2] or text.partition(">: ")[2] or text
    return _USER_INFO.sub("", _ERRNO.sub("", text))
