'use strict';

/*
 * The parameters in a statement's text. node:sqlite cannot be asked for them, and binds by position only
 * those without a name; sqlite3 binds all of them by position, by number and by name.
 */

/* As SQLite's tokenizer: an identifier goes on over letters, digits, "_", "$" and all beyond ASCII. */
const SKIPPED = /\s+|--[^\n]*|\/\*[^]*?(?:\*\/|$)/y;
const QUOTED = /'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?/y;
const WORD = /[\w$\u0080-\uffff]+/y;
const VARIABLE = /\?\d*|[$@:#](?:[\w$\u0080-\uffff]|::)+(?:\([^\s)]*\))?/y;

/**
 * Parses the first statement of SQL.
 * Returns { empty, names }: names[i] is the name of parameter i (from 1), null if it has none.
 */
function variablesOf(sql) {
	const names = [null];
	let empty = true;
	let at = 0;

	const take = (pattern) => {
		pattern.lastIndex = at;
		const found = pattern.exec(sql);
		if (found === null)
			return null;
		at = pattern.lastIndex;
		return found[0];
	};

	while (at < sql.length) {
		if (take(SKIPPED) !== null)
			continue;
		if (sql[at] === ';') {
			if (!empty)
				break;
			at++;
			continue;
		}
		empty = false;
		const variable = take(VARIABLE);
		if (variable !== null)
			number(names, variable);
		else if (take(WORD) === null && take(QUOTED) === null)
			at++;
	}
	return { empty, names };
}

/* What SQLite takes at most; a greater number is its error, and must not be the length of an array. */
const MAX_NUMBER = 32766;

/** Gives a parameter its number, as SQLite's sqlite3ExprAssignVarNumber. */
function number(names, variable) {
	if (variable === '?') {
		names.push(null);
		return;
	}
	if (variable[0] !== '?') {
		if (!names.includes(variable))
			names.push(variable);
		return;
	}
	const n = Number(variable.slice(1));
	if (n < 1 || n > MAX_NUMBER)
		return;
	while (names.length <= n)
		names.push(null);
	if (names[n] === null)
		names[n] = variable;
}

module.exports = { variablesOf };
