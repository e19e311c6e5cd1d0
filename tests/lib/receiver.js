#!/usr/bin/env node
// A receiver of webhooks on loopback, for tests.
//
//   node receiver.js SECRET LOG PORT STATUS…
//
// Answers requests with these statuses, the last one for ever ("hang" answers never; a redirect goes to
// /elsewhere), and adds a line of JSON for each to LOG: url, headers, body, and whether the signature is
// right, by the code that docs/api.md gives to receivers. Prints "listening on http://127.0.0.1:PORT".
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const [secret, log, port, ...statuses] = process.argv.slice(2);
const docs = fs.readFileSync(path.join(__dirname, '../../docs/api.md'), 'utf8');
const verify = new Function('require', `${docs.match(/```js\n([^]*?)```/)[1]}\nreturn verify;`)(require);

const server = http.createServer((request, response) => {
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const body = Buffer.concat(pieces), status = statuses.length > 1 ? statuses.shift() : statuses[0];
    fs.appendFileSync(log, JSON.stringify({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: body.toString(),
      verified: verify(request.headers, body, secret),
      other: verify(request.headers, Buffer.concat([body, Buffer.from(' ')]), secret) ||
        verify(request.headers, body, secret + 'x'),
    }) + '\n');
    if (status === 'hang') return;
    response.writeHead(Number(status), status[0] === '3' ? { location: '/elsewhere' } : {});
    response.end('thanks');
  });
});
server.listen(Number(port), '127.0.0.1', () =>
  console.log(`listening on http://127.0.0.1:${server.address().port}`));
