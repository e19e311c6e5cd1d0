'use strict';

/* Who a process is, in a way that another can check later: { boot, space, pid, start }. */

const fs = require('node:fs');
const os = require('node:os');

function read(file) {
	try {
		return fs.readFileSync(file, 'utf8').trim();
	} catch {
		return '';
	}
}

/** When a process was started, in ticks since boot; '' where the system does not tell. */
function startOf(pid) {
	const stat = read(`/proc/${pid}/stat`);

	/* The name, which may hold anything, ends with the last parenthesis; the start is field 22. */
	return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] || '';
}

/** Numbers of processes mean something only here: containers on one machine have each their own. */
function spaceOf() {
	try {
		return fs.readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
	} catch {
		return '';
	}
}

function me() {
	const host = Buffer.from(os.hostname()).toString('hex').slice(0, 32);
	const boot = read('/proc/sys/kernel/random/boot_id').replace(/-/g, '') || host;

	return { boot, space: spaceOf() || '0', pid: process.pid, start: startOf(process.pid) || '0' };
}

function exists(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (e) {
		return e.code === 'EPERM';
	}
}

/** "alive" and "dead" are certain; "unknown" is a process of another boot, machine or container. */
function stateOf(owner) {
	const self = me();

	if (owner.boot !== self.boot || owner.space !== self.space)
		return 'unknown';
	if (!exists(owner.pid))
		return 'dead';
	return (startOf(owner.pid) || '0') === owner.start ? 'alive' : 'dead';
}

module.exports = { me, stateOf };
