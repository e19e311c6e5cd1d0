#!/usr/bin/env node
// A small npm registry on loopback, for packages that are hostile on purpose: the real registry has
// none of them, and must not. What the tests can take from the real registry, they do.
//
//   node registry.js FOLDER
//
// Serves FOLDER/NAME/VERSION/ (a scoped NAME is FOLDER/@scope/name) as the package's files and
// prints "listening on http://127.0.0.1:PORT", and each request on standard error. A version is packed when it is first asked for;
// folders that appear later are found.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { execFileSync } = require('child_process');

const root = path.resolve(process.argv[2]);
const published = '2024-01-01T00:00:00.000Z';
const packed = new Map();

function pack(name, version) {
  const id = `${name}@${version}`;
  if (!packed.has(id)) {
    const tarball = execFileSync('tar', ['-C', path.join(root, name, version), '--sort=name',
      '--mtime=1985-10-26 08:15Z', '--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX',
      '--transform=s,^\\.,package,', '-cz', '.'], { maxBuffer: 64 << 20 });
    const integrity = 'sha512-' + crypto.createHash('sha512').update(tarball).digest('base64');
    packed.set(id, { tarball, integrity });
  }
  return packed.get(id);
}

function versionsOf(name) {
  const folder = path.join(root, name);
  return fs.existsSync(folder) ? fs.readdirSync(folder).filter((v) => /^\d/.test(v)) : [];
}

function packument(name, base) {
  const doc = { name, 'dist-tags': {}, versions: {}, time: { created: published } };
  for (const version of versionsOf(name)) {
    const manifest = JSON.parse(fs.readFileSync(path.join(root, name, version, 'package.json')));
    // As "npm publish" does: what npm would run for a binding.gyp without a script is written down.
    if (fs.existsSync(path.join(root, name, version, 'binding.gyp')) &&
        !(manifest.scripts && (manifest.scripts.install || manifest.scripts.preinstall))) {
      manifest.gypfile = true;
      manifest.scripts = { ...manifest.scripts, install: 'node-gyp rebuild' };
    }
    manifest.dist = {
      tarball: `${base}/${name}/-/${path.basename(name)}-${version}.tgz`,
      integrity: pack(name, version).integrity,
    };
    doc.versions[version] = manifest;
    doc.time[version] = published;
    doc['dist-tags'].latest = version;
  }
  return doc;
}

function answer(request, response) {
  console.error(`${request.method} ${request.headers.host} ${request.url}`);
  const name = '(?:@[a-z0-9-]+/)?[a-z0-9-]+';
  const at = decodeURIComponent(request.url.split('?')[0]).slice(1);
  const one = at.match(new RegExp(`^(${name})/(\\d[0-9.]*)$`));
  const file = at.match(new RegExp(`^(${name})/-/[a-z0-9-]+-(\\d[0-9.]*)\\.tgz$`));
  if (file && versionsOf(file[1]).includes(file[2])) {
    const { tarball } = pack(file[1], file[2]);
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': tarball.length });
    response.end(tarball);
  } else if (one && versionsOf(one[1]).includes(one[2])) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(packument(one[1], `http://${request.headers.host}`).versions[one[2]]));
  } else if (new RegExp(`^${name}$`).test(at) && versionsOf(at).length > 0) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(packument(at, `http://${request.headers.host}`)));
  } else {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error":"Not found"}');
  }
}

const server = http.createServer(answer);
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
