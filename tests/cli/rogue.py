#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rogue.py [CERTIFICATE KEY] - a server that does what servers should not

Writes the port that it listens on at 127.0.0.1, and serves until it is ended;
with a certificate and its key by TLS. What it does is named by the first part
of the path; a document is what DOCUMENT says.
"""
import email.utils
import socket
import ssl
import sys
import threading
import time
import zlib

DOCUMENT = b'{"meshapply": 1}\n'
GIGABYTE = 1 << 30
asked = {}
lock = threading.Lock()


def count(path):
    """How often a path was asked for, this time included."""
    with lock:
        asked[path] = asked.get(path, 0) + 1
        return asked[path]


def answer(peer, status, body=b"", *headers):
    head = [f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}",
            "Connection: close", *headers]
    peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)


def stream(peer, block, *headers):
    """The same block for ever, or until nobody listens any more."""
    head = ["HTTP/1.1 200 -", "Connection: close",
            "Transfer-Encoding: chunked", *headers]
    peer.sendall("\r\n".join(head).encode() + b"\r\n\r\n")
    while True:
        peer.sendall(b"%x\r\n%s\r\n" % (len(block), block))


def bomb(peer):
    """64 MiB of zeros, in 64 KiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    body = b"".join(packer.compress(zeros) for _ in range(64))
    answer(peer, 200, body + packer.flush(), "Content-Encoding: gzip")


def redirect(peer, to, status=302):
    answer(peer, status, b"moved", f"Location: {to}")


def serve(peer, path, request):
    parts = path.lstrip("/").split("/", 2)
    what, rest = parts[0], "/" + "/".join(parts[1:])
    host = next((line.split(":", 1)[1].strip()
                 for line in request.split("\r\n")
                 if line.lower().startswith("host:")), "")
    if what == "good":
        answer(peer, 200, DOCUMENT)
    elif what == "status":
        answer(peer, int(parts[1]), b"no")
    elif what == "flaky":
        if count(path) < 3:
            answer(peer, 500, b"not now")
        else:
            answer(peer, 200, DOCUMENT)
    elif what == "dropped":
        if count(path) > 1:
            answer(peer, 200, DOCUMENT)
    elif what == "later":
        if count(path) > 1:
            answer(peer, 200, DOCUMENT)
        else:
            answer(peer, 429, b"wait", f"Retry-After: {parts[1]}")
    elif what == "date":
        if count(path) > 1:
            answer(peer, 200, DOCUMENT)
        else:
            when = email.utils.formatdate(time.time() + int(parts[1]),
                                          usegmt=True)
            answer(peer, 503, b"wait", f"Retry-After: {when}")
    elif what == "close":
        pass
    elif what == "garbage":
        peer.sendall(b"\0\1\2 what is this\r\n\r\n")
    elif what == "hang":
        time.sleep(60)
    elif what == "trickle":
        peer.sendall(b"HTTP/1.1 200 -\r\nContent-Length: 1000\r\n\r\n")
        while True:
            peer.sendall(b" ")
            time.sleep(0.2)
    elif what == "short":
        peer.sendall(b"HTTP/1.1 200 -\r\nContent-Length: 100\r\n\r\n" +
                     DOCUMENT)
    elif what == "empty":
        answer(peer, 200)
    elif what == "gigabyte":
        peer.sendall(b"HTTP/1.1 200 -\r\nContent-Length: %d\r\n\r\n" %
                     GIGABYTE)
        while True:
            peer.sendall(bytes(1 << 20))
    elif what == "endless":
        stream(peer, b" " * 65536)
    elif what == "refusal":
        peer.sendall(b"HTTP/1.1 404 -\r\nContent-Length: %d\r\n\r\n" %
                     GIGABYTE)
        while True:
            peer.sendall(bytes(1 << 20))
    elif what == "bomb":
        bomb(peer)
    elif what == "broken":
        answer(peer, 200, b"this is no gzip", "Content-Encoding: gzip")
    elif what == "twice":
        answer(peer, 200, DOCUMENT, "Content-Encoding: rot13")
    elif what == "to":
        redirect(peer, "/".join(parts[1:]).replace("PORT", host.split(":")[1]))
    elif what == "circle":
        redirect(peer, "/circle/2" if rest == "/1" else "/circle/1", 301)
    elif what == "far":
        redirect(peer, f"/far/{int(parts[1]) + 1}", 307)
    elif what == "near":
        left = int(parts[1])
        redirect(peer, f"/near/{left - 1}" if left else "/good", 308)
    elif what == "nowhere":
        answer(peer, 302, b"moved")
    elif what == "unasked":
        answer(peer, 304)
    elif what == "rude":
        answer(peer, 200, DOCUMENT, "ETag: \"a\tb\"",
               "Last-Modified: " + "x" * 9000)
    elif what == "echo":
        answer(peer, 200, request.encode("latin1"))
    else:
        answer(peer, 404, b"no such thing")


def relay(peer, request):
    """As a proxy: CONNECT 127.0.0.1:PORT, whatever host is named."""
    host, port = request.split(" ", 2)[1].rsplit(":", 1)
    with open("proxy.log", "a", encoding="latin1") as log:
        log.write(request)
    if host == "denied.test":
        answer(peer, 403)
        return
    with socket.create_connection(("127.0.0.1", int(port))) as other:
        peer.sendall(b"HTTP/1.1 200 -\r\n\r\n")
        back = threading.Thread(target=copy, args=(other, peer), daemon=True)
        back.start()
        copy(peer, other)
        back.join()


def copy(source, target):
    try:
        while True:
            block = source.recv(65536)
            if not block:
                break
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def talk(peer, context):
    try:
        peer.settimeout(60)
        if context:
            peer = context.wrap_socket(peer, server_side=True)
        request = b""
        while b"\r\n\r\n" not in request:
            more = peer.recv(65536)
            if not more:
                return
            request += more
        text = request.decode("latin1")
        if text.startswith("CONNECT "):
            relay(peer, text)
            return
        path = text.split(" ", 2)[1].split("?")[0]
        if path.endswith(".minisig") and not path.startswith("/echo"):
            answer(peer, 404)
        else:
            serve(peer, path, text)
        if context:
            peer.unwrap()
    except OSError:
        pass
    finally:
        peer.close()


def main():
    context = None
    if len(sys.argv) > 1:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(server.getsockname()[1], flush=True)
    while True:
        peer, _ = server.accept()
        threading.Thread(target=talk, args=(peer, context),
                         daemon=True).start()


main()
