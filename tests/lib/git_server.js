#!/usr/bin/env node
// A git server on loopback: git's own http-backend behind a small HTTP server. Prints "listening on
// http://127.0.0.1:PORT" and, for each request, a line on standard error.
//
//   node git_server.js FOLDER [KEY CERTIFICATE]
//
// With a key and a certificate there is a second server and a second line, "listening on
// https://localhost:PORT".
//
// /NAME.git is the repository FOLDER/NAME.git. /private/… wants a password, /moved/… sends to /…
// of the same server, /elsewhere/… to another name of it, /silent/… never answers.
'use strict';
const fs = require('fs');
const http = require('http');
const https = require('https');
const path = require('path');
const { execFileSync, spawn } = require('child_process');

const root = path.resolve(process.argv[2]);
const backend = path.join(execFileSync('git', ['--exec-path']).toString().trim(), 'git-http-backend');

function serve(request, response, url) {
  const child = spawn(backend, [], {
    env: {
      PATH: process.env.PATH,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] || '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] || '',
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let head = Buffer.alloc(0), begun = false;

  request.pipe(child.stdin);
  child.stdin.on('error', () => {});
  child.stdout.on('data', (data) => {
    if (begun) { response.write(data); return; }
    head = Buffer.concat([head, data]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    begun = true;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name, value] = line.split(': ');
      if (name === 'Status') response.statusCode = parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
  });
  child.stdout.on('end', () => response.end());
}

function answer(request, response) {
  const url = new URL(request.url, 'http://127.0.0.1');

  console.error(request.method, request.url);
  if (url.pathname.startsWith('/private/')) {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' });
    response.end();
  } else if (url.pathname.startsWith('/moved/')) {
    response.writeHead(301, { location: request.url.slice('/moved'.length) });
    response.end();
  } else if (url.pathname.startsWith('/elsewhere/')) {
    const to = `http://localhost:${server.address().port}`;

    response.writeHead(301, { location: to + request.url.slice('/elsewhere'.length) });
    response.end();
  } else if (!url.pathname.startsWith('/silent/')) {
    serve(request, response, url);
  }
}

const server = http.createServer(answer);
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
  if (process.argv.length < 5) return;
  const [key, cert] = process.argv.slice(3).map((file) => fs.readFileSync(file));
  const secure = https.createServer({ key, cert }, answer);

  secure.listen(0, '127.0.0.1', () => {
    console.log(`listening on https://localhost:${secure.address().port}`);
  });
});
