#!/usr/bin/env node
// A slow line to a service on loopback, for tests.
//
//   node slow_proxy.js URL SECONDS
//
// Passes everything on as it is, but an upload's body in as many equal pieces as SECONDS, one a second.
// Prints "listening on http://127.0.0.1:PORT".
'use strict';
const http = require('http');

const [url, seconds] = process.argv.slice(2);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function pass(body, upstream, pieces) {
  const size = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length; at += size) {
    if (at > 0) await pause(1000);
    upstream.write(body.subarray(at, at + size));
  }
  upstream.end();
}

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const upstream = http.request(new URL(request.url, url), { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    pass(Buffer.concat(parts), upstream, request.url.includes('/upload?') ? Number(seconds) : 1);
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${server.address().port}`));
