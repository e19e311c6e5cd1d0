'use strict';

/* Results of sqlite3's functions as JSON, so that those of two engines can be compared. */

function shapeOf(value) {
	if (value === undefined)
		return { undefined: true };
	if (value instanceof Error)
		return { error: value.message, code: value.code, errno: value.errno };
	if (Buffer.isBuffer(value))
		return { buffer: value.toString('hex') };
	if (ArrayBuffer.isView(value))
		return { view: value.constructor.name };
	if (typeof value === 'bigint')
		return { bigint: String(value) };
	if (typeof value === 'function')
		return { function: value.length };
	if (typeof value === 'number' && !(Number.isFinite(value) && !Object.is(value, -0)))
		return { number: Object.is(value, -0) ? '-0' : String(value) };
	if (Array.isArray(value))
		return value.map(shapeOf);
	if (value !== null && typeof value === 'object')
		return shapeOfObject(value);
	return value;
}

function shapeOfObject(value) {
	const prototype = Object.getPrototypeOf(value);
	const shape = Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shapeOf(v)]));

	return prototype === Object.prototype ? shape : { class: prototype && prototype.constructor.name, ...shape };
}

module.exports = { shapeOf };
