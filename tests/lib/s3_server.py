"""A real S3 service: OpenStack Swift with its s3api, all four servers in this process, on loopback.

    s3_server.py FOLDER PORT BUCKET...

Prints "listening on http://ADDR:PORT" when the buckets are there. Access key test:tester, secret testing,
region us-east-1; test:reader, reading, may do nothing. PORT 0 is a free one. What is stored is in FOLDER, also for
the next start.
"""
import array
import os
import signal
import sys

import eventlet

eventlet.monkey_patch()

folder, port, buckets = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
os.makedirs(folder + '/devices/d1', exist_ok=True)


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


import swift.common.utils  # noqa: E402 (what it reads at its import is here, not in /etc)

swift.common.utils.SWIFT_CONF_FILE = write('swift.conf', '''[swift-hash]
swift_hash_path_suffix = prebuildd
[storage-policy:0]
name = one
default = yes
''')
swift.common.utils.HASH_PATH_SUFFIX = b'prebuildd'

from eventlet import wsgi  # noqa: E402
from swift.common.http_protocol import SwiftHttpProtocol  # noqa: E402
from swift.common.ring import RingData  # noqa: E402
from swift.common.wsgi import loadapp, make_pre_authed_env  # noqa: E402

COMMON = '''[DEFAULT]
devices = %s/devices
swift_dir = %s
mount_check = false
fallocate_reserve = 0
log_level = ERROR
''' % (folder, folder)
STORAGE = COMMON + '''[pipeline:main]
pipeline = server
[app:server]
use = egg:swift#%s
'''
PROXY = COMMON + '''[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
allow_multipart_uploads = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
user_test_reader = reading
'''
RINGS = {'account': 'account', 'container': 'container', 'object': 'object'}

sockets = {name: eventlet.listen(('127.0.0.1', 0)) for name in RINGS}
sockets['proxy'] = eventlet.listen(('127.0.0.1', port))
for name, ring in RINGS.items():
    at = sockets[name].getsockname()[1]
    device = {'id': 0, 'zone': 0, 'region': 1, 'device': 'd1', 'ip': '127.0.0.1', 'port': at,
              'replication_ip': '127.0.0.1', 'replication_port': at, 'weight': 1.0}
    RingData([array.array('H', [0] * 4)], [device], 30).save('%s/%s.ring.gz' % (folder, ring))
apps = {name: loadapp(write(name + '.conf', STORAGE % name), global_conf={'log_name': name}) for name in RINGS}
apps['proxy'] = loadapp(write('proxy.conf', PROXY), global_conf={'log_name': 'proxy'})


class Cache:
    """In place of memcached, which only keeps what Swift could look up again."""

    def __init__(self):
        self.values = {}

    def get(self, key, **_):
        return self.values.get(key)

    def set(self, key, value, **_):
        self.values[key] = value

    def incr(self, key, delta=1, **_):
        self.values[key] = self.values.get(key, 0) + delta
        return self.values[key]

    def delete(self, key, **_):
        self.values.pop(key, None)


cache, proxy = Cache(), apps['proxy']
apps['proxy'] = lambda env, start: proxy({**env, 'swift.cache': cache}, start)
quiet = open(os.devnull, 'w')
for name, socket in sockets.items():
    eventlet.spawn(wsgi.server, socket, apps[name], quiet, protocol=SwiftHttpProtocol)

for path in ['/v1/AUTH_test'] + ['/v1/AUTH_test/' + b for b in buckets]:
    answered = []
    env = make_pre_authed_env({'SERVER_NAME': 'localhost', 'SERVER_PORT': '80', 'wsgi.input': sys.stdin.buffer,
                               'wsgi.url_scheme': 'http', 'SERVER_PROTOCOL': 'HTTP/1.1'},
                              'PUT', path)
    list(apps['proxy'](env, lambda status, headers, exc=None: answered.append(status)))
    if not answered[0].startswith('2'):
        sys.exit('%s: %s' % (path, answered[0]))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print('listening on http://127.0.0.1:%d' % sockets['proxy'].getsockname()[1], flush=True)
while True:
    eventlet.sleep(3600)
