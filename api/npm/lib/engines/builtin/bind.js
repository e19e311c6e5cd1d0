'use strict';

/* Arguments to parameters: (1, 2), ([1, 2]), ({ $a: 1, 2: 'b' }). */

const { results } = require('./codes');
const { SKIP, toSqlite } = require('./values');

/** One object by name, unless it is itself a value. */
function isNamed(first) {
	const type = typeof first;

	return (type === 'object' || type === 'function') && first !== null && !(first instanceof RegExp) &&
		!(first instanceof Date) && !ArrayBuffer.isView(first);
}

/** Returns [[key, value], …], where a key is a position from 1 or a name with its prefix. */
function fieldsOf(args) {
	if (args.length === 0)
		return [];
	if (Array.isArray(args[0]))
		return Array.from(args[0], (value, i) => [i + 1, toSqlite(value)]);
	if (!isNamed(args[0]))
		return args.map((value, i) => [i + 1, toSqlite(value)]);
	const fields = [];
	/* Inherited properties count: the addon asks for them too. */
	for (const name in args[0]) {
		const position = Number(name);
		fields.push([(position | 0) === position ? position : name, toSqlite(args[0][name])]);
	}
	return fields;
}

/** What a statement's parameters are bound to, from one execution to the next. */
class Bindings {
	/** NAMES as variablesOf() has them; whether this node:sqlite counts "?5" among those without a name. */
	constructor(names, numbersArePositions) {
		this.names = names;
		this.byPosition = names.map((name) => name === null || (numbersArePositions && name[0] === '?'));
		this.values = new Array(names.length).fill(null);
	}

	/** Binds anew all parameters; returns SQLITE_RANGE if there is none of that name or position. */
	set(fields) {
		this.values.fill(null);
		for (const [key, value] of fields) {
			if (value === SKIP)
				continue;
			const i = typeof key === 'number' && key > 0 ? key : this.names.indexOf(String(key));
			if (i < 1 || i >= this.names.length)
				return results.RANGE;
			this.values[i] = value;
		}
		return results.OK;
	}

	/** As node:sqlite wants them: an object of those with names, then the others in their order. */
	arguments() {
		const named = {};
		const others = [];

		if (this.names.length === 1)
			return [];
		for (let i = 1; i < this.names.length; i++) {
			if (this.byPosition[i])
				others.push(this.values[i]);
			else
				named[this.names[i]] = this.values[i];
		}
		return [named, ...others];
	}
}

module.exports = { fieldsOf, Bindings };
