#!/usr/bin/env node
// Follows a build with an EventSource, the client that browsers have, and prints a line of JSON an event:
// {"id","event","data"}. Ends when the server says that it need not come back.
//
//   node follow.js URL
'use strict';
const { createRequire } = require('module');
const { EventSource } = createRequire(process.env.TEST_MODULES + '/')('eventsource');

const source = new EventSource(process.argv[2]);
for (const kind of ['job', 'progress', 'log', 'build'])
  source.addEventListener(kind, (e) =>
    console.log(JSON.stringify({ id: Number(e.lastEventId), event: kind, data: JSON.parse(e.data) })));
source.addEventListener('open', () => console.error('open'));
source.addEventListener('error', (e) => {
  console.error(`error ${e.code ?? ''} ${e.message ?? ''}`);
  if (source.readyState === EventSource.CLOSED) process.exit(e.code === 204 ? 0 : 1);
});
