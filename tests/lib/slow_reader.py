"""slow_reader.py HOST PORT PATH: gets it, with a receive buffer that is small, beginning to read after a while; prints the body."""
import socket
import sys
import time

host, port, path = sys.argv[1:]
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
s.connect((host, int(port)))
s.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
time.sleep(2)
answer = b""
while piece := s.recv(65536):
    answer += piece
sys.stdout.buffer.write(answer.split(b"\r\n\r\n", 1)[1])
