#!/usr/bin/env node
// An upstream on loopback: files as a release page has them. Prints "listening on http://127.0.0.1:PORT"
// and, for each request, "METHOD URL" on standard error.
//
//   node upstream.js FOLDER
//
// /PATH is the file FOLDER/PATH. Behind these it is different:
//   /moved/PATH     redirects to /PATH, as release pages do
//   /circle/PATH    redirects to itself
//   /local/PATH     redirects to a file: URL of it
//   /silent/PATH    is never answered
//   /broken/PATH    answers 503
//   /hidden/PATH    answers 403, as S3 does for what is not there
//   /half/PATH      ends in the middle of the body
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const root = path.resolve(process.argv[2]);

function file(response, name, half) {
  if (!fs.existsSync(name)) {
    response.writeHead(404, { 'content-length': 9 });
    response.end('not here\n');
    return;
  }
  const bytes = fs.readFileSync(name);
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
  if (half) response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  else response.end(bytes);
}

http.createServer((request, response) => {
  console.error(`${request.method} ${request.url}`);
  const [, way, rest] = request.url.match(/^\/(moved|circle|local|silent|broken|hidden|half)(\/.*)$/) ||
    [null, '', request.url];
  const name = path.join(root, path.normalize(decodeURIComponent(rest)));
  const redirect = (location) => response.writeHead(302, { location, 'content-length': 0 }).end();
  switch (way) {
    case 'moved': return redirect(rest);
    case 'circle': return redirect(request.url);
    case 'local': return redirect(`file://${name}`);
    case 'silent': return undefined;
    case 'broken': return response.writeHead(503, { 'content-length': 0 }).end();
    case 'hidden': return response.writeHead(403, { 'content-length': 0 }).end();
    default: return file(response, name, way === 'half');
  }
}).listen(0, '127.0.0.1', function () {
  console.log(`listening on http://127.0.0.1:${this.address().port}`);
});
