"""Health check of the web container: leaves with 0 when /healthz/ answers 200."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
connection.request("GET", "/healthz/")
answer = connection.getresponse()
print(answer.status, answer.read().decode())
sys.exit(answer.status != 200)
