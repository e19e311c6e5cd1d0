#!/usr/bin/env node
// idle.js URL N: N clients, one after the other, that have got an answer, keep their connection, and ask for nothing
// more. Prints "idle N" when all have; on SIGTERM how many are still connected, and ends.
'use strict';
const net = require('net');
const { once } = require('events');

const url = new URL(process.argv[2]), wanted = Number(process.argv[3]);
let connected = 0;

async function connect() {
  // From an address of their own: the service limits the connections of one.
  const socket = net.connect({ port: url.port, host: url.hostname, localAddress: '127.0.0.2' });
  socket.write(`HEAD ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  if (!answer.toString().startsWith('HTTP/1.1 200')) throw new Error(answer.toString().split('\r\n')[0]);
  connected++;
  socket.on('close', () => connected--);
  socket.on('error', () => {});
}

process.on('SIGTERM', () => {
  console.log(`still ${connected}`);
  process.exit(0);
});
(async () => {
  while (connected < wanted) await connect();
  console.log(`idle ${connected}`);
})();
