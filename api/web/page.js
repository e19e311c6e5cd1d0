// The page: what the service builds and has built, from its own API (openapi.json), and nothing else. What it
// shows may come from hostile packages, so all of it is set as text; the service's Content-Security-Policy
// allows no script but this file.

const view = document.getElementById('view');
const MARKS = { succeeded: '✓', failed: '✗', running: '…', queued: '·', cancelled: '–' };
const REFRESH_MS = 5000;
const SOON_MS = 1000;

// ---- the document ----

// h('td', {class: 'why'}, 'text', node): an element. Strings become text.
function h(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') node.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
  return node;
}

function table(heads, rows) {
  return h('div', { class: 'wide' }, h('table', null,
    h('thead', null, h('tr', null, heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', null, rows)));
}

function facts(pairs) {
  return h('dl', null, pairs.filter(([, value]) => value !== null && value !== '')
    .map(([name, value]) => [h('dt', null, name), h('dd', null, value)]));
}

function state(name) {
  return h('span', { class: 'state ' + name }, (MARKS[name] || '') + ' ' + name);
}

function time(text) {
  if (!text) return '';
  return h('time', { datetime: text, title: text }, new Date(text).toLocaleString());
}

function called(build) {
  return build.package ? build.package + '@' + (build.version || '?') : (build.origin || 'a source without a name yet');
}

function packageLink(name, text) {
  return h('a', { href: '#/packages/' + encodeURIComponent(name) }, text);
}

// ---- the service ----

class Problem extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// A token that was asked for lives as long as the tab.
async function ask(path, signal) {
  const token = sessionStorage.getItem('token');
  const answer = await fetch(path, { signal, headers: token ? { Authorization: 'Bearer ' + token } : {} });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, problem.code, problem.detail || 'the service answered ' + answer.status);
}
const get = async (path, signal) => (await ask(path, signal)).json();

// The pieces of a text that goes on.
async function* pieces(path, signal) {
  const reader = (await ask(path, signal)).body.pipeThrough(new TextDecoderStream()).getReader();
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
}

// Server-sent events, read with fetch, since EventSource brings no token.
async function* events(path, signal) {
  let text = '';
  for await (const piece of pieces(path, signal)) {
    const blocks = (text + piece).split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const field = (name) => block.split('\n').filter((line) => line.startsWith(name + ': '))
        .map((line) => line.slice(name.length + 2)).join('\n');
      if (field('data')) yield { kind: field('event'), data: JSON.parse(field('data')) };
    }
  }
}

// ---- builds ----

function outcome(build) {
  const done = build.jobs.filter((job) => job.state === 'succeeded').length;
  return done + ' of ' + build.jobs.length;
}

function buildRow(build) {
  return h('tr', null,
    h('th', { scope: 'row' }, h('a', { href: '#/builds/' + build.id }, build.id)),
    h('td', null, build.package ? packageLink(build.package, called(build)) : called(build)),
    h('td', null, state(build.state)),
    h('td', null, outcome(build)),
    h('td', null, time(build.created)));
}

// What the list was drawn from: it is not drawn again, under a reader's hands, as long as nothing has changed.
let shown = '';

async function showBuilds(signal, cursor) {
  const page = await get('v1/builds?limit=50' + (cursor ? '&cursor=' + encodeURIComponent(cursor) : ''), signal);
  const now = JSON.stringify(page);
  if (now === shown) return cursor ? 0 : REFRESH_MS;
  shown = now;
  view.replaceChildren(
    h('h1', null, 'Builds'),
    page.builds.length === 0
      ? h('p', null, 'Nothing was asked for yet: ', h('code', null, 'prebuildctl build sqlite3@6.0.1 --target linux-x64'))
      : table(['Build', 'Package', 'State', 'Built', 'Asked for'], page.builds.map(buildRow)),
    page.cursor ? h('p', null, h('a', { href: '#/builds?' + page.cursor }, 'Older builds')) : '');
  return cursor ? 0 : REFRESH_MS;
}

function what(job) {
  if (job.error) return job.error.message;
  if (job.state === 'running' && job.steps > 0) {
    return [h('progress', { max: job.steps, value: job.step, 'aria-label': 'steps done' }),
      ' step ' + job.step + ' of ' + job.steps];
  }
  if (job.state === 'running') return job.stage || '';
  if (job.hint) return job.hint;
  if (job.artifact && job.artifact.load_tested === false) return 'not load-tested';
  return '';
}

function jobRow(job) {
  return h('tr', null,
    h('th', { scope: 'row' }, job.target || 'source'),
    h('td', null, job.abi || ''),
    h('td', null, state(job.state)),
    h('td', { class: 'why' }, what(job)),
    h('td', null, h('a', { href: '#/jobs/' + job.id }, 'log')),
    h('td', null, job.artifact
      ? h('a', { href: '#/artifacts/' + job.artifact.sha256 }, 'report') : ''));
}

function drawBuild(build) {
  view.replaceChildren(
    h('h1', null, called(build)),
    facts([['Build', build.id], ['State', state(build.state)], ['Origin', build.origin || ''],
      ['Asked for', time(build.created)], ['Finished', time(build.finished)],
      ['Package', build.package ? packageLink(build.package, 'all versions and targets') : '']]),
    table(['Target', 'ABI', 'State', '', 'Log', 'Audit'], build.jobs.map(jobRow)));
}

async function showBuild(signal, id) {
  const path = 'v1/builds/' + encodeURIComponent(id);
  let build = await get(path, signal);
  drawBuild(build);
  if (build.finished) return 0;
  try {
    for await (const event of events(path + '/events', signal)) {
      const job = build.jobs.find((one) => one.id === event.data.job);
      if (event.kind === 'progress' && job) Object.assign(job, event.data);
      // A job that has changed may have a name or an artifact by now.
      else if (event.kind === 'job' || event.kind === 'build') build = await get(path, signal);
      else continue;
      drawBuild(build);
    }
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem) || error.status !== 503) throw error;
    return REFRESH_MS; // as many follow as may
  }
  return SOON_MS;
}

async function showJob(signal, id) {
  const path = 'v1/jobs/' + encodeURIComponent(id);
  const job = await get(path, signal);
  const log = h('pre', { tabindex: 0, 'aria-label': 'log' });
  view.replaceChildren(
    h('h1', null, called(job) + (job.target ? ' for ' + job.target : '')),
    facts([['Job', job.id], ['State', state(job.state)], ['ABI', job.abi || ''], ['Attempt', String(job.attempt)],
      ['Key', job.key ? h('code', null, job.key) : ''], ['Error', job.error ? job.error.message : ''],
      ['Started', time(job.started)], ['Finished', time(job.finished)]]),
    h('h2', null, 'Log'), log);
  for await (const piece of pieces(path + '/log' + (job.finished ? '' : '?follow=1'), signal)) {
    const atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 4;
    log.append(piece);
    if (atEnd) log.scrollTop = log.scrollHeight;
  }
  if (log.textContent === '') log.append('Nothing was logged.');
  return job.finished ? 0 : SOON_MS; // for what it is now
}

async function showArtifact(signal, sha256) {
  const path = 'v1/artifacts/' + encodeURIComponent(sha256);
  const [artifact, report] = await Promise.all([get(path, signal), get(path + '/report', signal)]);
  view.replaceChildren(
    h('h1', null, called(artifact) + ' for ' + artifact.target),
    facts([['SHA-256', h('code', null, artifact.sha256)], ['ABI', artifact.abi], ['File', artifact.file],
      ['Bytes', String(artifact.size)], ['Published', time(artifact.created)],
      ['Loaded in', loaded(report) || 'nothing'], ['Origin', artifact.origin || ''],
      ['Package', packageLink(artifact.package, 'all versions and targets')]]),
    h('h2', null, 'Audit report'),
    h('pre', { tabindex: 0, 'aria-label': 'audit report' }, JSON.stringify(report, null, 2)));
  return 0;
}

// ---- packages ----

async function showPackages(signal) {
  const page = await get('v1/builds?limit=200', signal);
  const names = [...new Set(page.builds.map((build) => build.package).filter(Boolean))].sort();
  const input = h('input', { name: 'package', required: '', placeholder: 'sqlite3', autocomplete: 'off', spellcheck: 'false' });
  view.replaceChildren(
    h('h1', null, 'Packages'),
    h('form', {
      submit(event) {
        event.preventDefault();
        location.hash = '#/packages/' + encodeURIComponent(input.value.trim());
      },
    }, h('label', null, 'Package', input), h('button', null, 'Show')),
    names.length === 0 ? '' : h('h2', null, 'Asked for lately'),
    h('ul', null, names.map((name) => h('li', null, packageLink(name, name)))));
  return 0;
}

function loaded(cell) {
  if (!cell.load) return '';
  if (!cell.load.ran) return 'not load-tested';
  return cell.load.runtime + (cell.load.emulator ? ' (' + cell.load.emulator + ')' : '');
}

function cellOf(cell) {
  if (!cell) return h('td', { class: 'soft' }, '');
  const to = cell.artifact ? '#/artifacts/' + cell.artifact.sha256 : cell.job ? '#/jobs/' + cell.job : null;
  return h('td', { class: 'why' },
    to ? h('a', { href: to, class: cell.state }, state(cell.state)) : state(cell.state),
    cell.reason ? h('div', { class: 'soft' }, cell.reason.message) : '',
    loaded(cell) ? h('div', { class: 'soft' }, loaded(cell)) : '');
}

function matrixOf(version) {
  const abis = [...new Set(version.cells.map((cell) => cell.abi))].sort();
  const targets = [...new Set(version.cells.map((cell) => cell.target))].sort();
  return [h('h2', null, version.version),
    table(['Target', ...abis.map((abi) => abi || 'not known yet')], targets.map((target) => h('tr', null,
      h('th', { scope: 'row' }, target),
      abis.map((abi) => cellOf(version.cells.find((cell) => cell.target === target && cell.abi === abi))))))];
}

async function showPackage(signal, name) {
  let cursor = null;
  view.replaceChildren(h('h1', null, name));
  do {
    const page = await get('v1/matrix?package=' + encodeURIComponent(name) +
      (cursor ? '&cursor=' + encodeURIComponent(cursor) : ''), signal);
    view.append(...page.versions.flatMap(matrixOf));
    cursor = page.cursor;
  } while (cursor);
  return 0;
}

// ---- targets ----

async function showTargets(signal) {
  const page = await get('v1/targets', signal);
  view.replaceChildren(h('h1', null, 'Targets'),
    table(['Target', 'In Node', 'A binary needs at most', 'Built here', ''], page.targets.map((target) => h('tr', null,
      h('th', { scope: 'row' }, target.target), h('td', null, target.node), h('td', null, target.libc + ' ' + target.floor),
      h('td', null, target.buildable ? h('span', { class: 'succeeded' }, '✓ yes') : h('span', { class: 'soft' }, 'no')),
      h('td', { class: 'why soft' }, target.note || '')))));
  return 0;
}

// ---- the frame ----

const views = [
  [/^#\/builds\/(b\d+)$/, showBuild],
  [/^#\/jobs\/(j\d+)$/, showJob],
  [/^#\/artifacts\/([0-9a-f]{64})$/, showArtifact],
  [/^#\/packages\/(.+)$/, showPackage],
  [/^#\/packages$/, showPackages],
  [/^#\/targets$/, showTargets],
  [/^(?:#\/?|#\/builds(?:\?(\d+))?)?$/, showBuilds],
];

function askForToken() {
  const input = h('input', { type: 'password', required: '', autocomplete: 'off' });
  view.replaceChildren(h('h1', null, 'This service asks for a token'),
    h('form', {
      submit(event) {
        event.preventDefault();
        // Nothing else can be sent in a header.
        if (/^[!-~]+$/.test(input.value.trim())) sessionStorage.setItem('token', input.value.trim());
        show();
      },
    }, h('label', null, 'Token', input), h('button', null, 'Go on')),
    h('p', { class: 'soft' }, 'Any token of the service may read. This tab keeps it until it is closed.'));
}

function tellProblem(error) {
  shown = '';
  if (error.status === 401) {
    askForToken();
    return;
  }
  view.replaceChildren(
    h('p', { class: 'problem', role: 'alert' }, error instanceof Problem ? error.message : 'The service cannot be reached.'),
    h('p', null, h('button', { click: show }, 'Try again')));
}

let current = new AbortController();
let timer = 0;

async function show() {
  current.abort();
  clearTimeout(timer);
  timer = 0;
  current = new AbortController();
  const { signal } = current;
  const [pattern, run] = views.find(([one]) => one.test(location.hash)) || views[views.length - 1];
  const found = location.hash.match(pattern);
  if (run !== showBuilds) shown = '';
  for (const link of document.querySelectorAll('nav a')) {
    const here = location.hash.startsWith(link.hash) || (link.hash === '#/builds' && run === showBuilds);
    if (here) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  try {
    const again = await run(signal, found && found[1] ? decodeURIComponent(found[1]) : '');
    if (again > 0 && !signal.aborted) timer = setTimeout(() => (document.hidden ? 0 : show()), again);
  } catch (error) {
    if (!signal.aborted) tellProblem(error);
  }
  showService();
}

async function showService() {
  const place = document.getElementById('service');
  try {
    const [health, ready] = await Promise.all([get('healthz'), get('readyz')]);
    const counts = ['running', 'queued', 'waiting'].filter((name) => ready.jobs[name] > 0)
      .map((name) => ready.jobs[name] + ' ' + name);
    place.textContent = 'version ' + health.version + ' · ' + (counts.length > 0 ? counts.join(', ') : 'idle');
  } catch (error) {
    place.textContent = error instanceof Problem ? 'not ready: ' + error.message : 'not reachable';
  }
}

addEventListener('hashchange', () => {
  show();
  view.focus();
});
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && timer) show();
});
show();
