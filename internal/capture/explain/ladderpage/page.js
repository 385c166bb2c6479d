'use strict';
const report = JSON.parse(document.getElementById('report').textContent);
const svgSpace = 'http://www.w3.org/2000/svg';

// element returns a new element; its children are elements or texts. Texts are never parsed as markup.
function element(name, attributes = {}, ...children) {
  const svg = ['svg', 'g', 'line', 'path', 'text', 'rect', 'title'].includes(name);
  const e = svg ? document.createElementNS(svgSpace, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  e.append(...children.filter((c) => c !== '' && c !== undefined && c !== null));
  return e;
}

const outcomes = {
  established: 'Established', failed: 'Failed', incomplete: 'Not established, as far as the capture says',
  probe: 'Only asked which concentrators answer',
};
const seconds = (s) => s.toFixed(3) + ' s';
const names = (s) => (s.roles_unknown ? ['peer A', 'peer B'] : ['host', 'AC']);
const firstProblem = (s) => s.problems.find((p) => p.severity === 'error');
const side = (s, value) => ({ host: names(s)[0], ac: names(s)[1] })[value] || value;

function title(s) {
  return 'Session ' + s.number + (s.session_id ? ' · ' + s.session_id : '') + (s.vlan ? ' · VLAN ' + s.vlan : '');
}

function station(s) {
  return (s.address || 'not in the capture') + (s.vendor ? ' (' + s.vendor + ')' : '') + (s.name ? ' "' + s.name + '"' : '');
}

function headline(s) {
  let text = outcomes[s.outcome];
  if (s.setup_seconds !== undefined && s.outcome === 'established') text += ' after ' + seconds(s.setup_seconds);
  if (s.end) text += '; ended by ' + side(s, s.end.by) + ' after ' + seconds(s.end.seconds) + ' (' + s.end.how + (s.end.text ? ': ' + s.end.text : '') + ')';
  return text;
}

function problemCard(p, label) {
  return element('section', { class: 'card ' + p.severity },
    element('strong', {}, label + ': '), p.text,
    element('p', { class: 'faint' }, 'Packet ' + p.frame + ', after ' + seconds(p.seconds) + ' · ' + p.rfc + ' · ' + p.code),
    element('p', {}, p.advice));
}

function agreedRows(s) {
  const a = s.agreed, [host, ac] = names(s), rows = [];
  const pair = (v) => [v.host && host + ' ' + v.host, v.ac && ac + ' ' + v.ac].filter(Boolean).join(', ');
  if (a.ppp_max_payload) rows.push(['PPP-Max-Payload', String(a.ppp_max_payload)]);
  if (a.mru) rows.push(['MRU', pair(a.mru)]);
  if (a.magic) rows.push(['Magic-Number', pair(a.magic)]);
  for (const auth of a.authentication || []) {
    rows.push(['Authentication', side(s, auth.by) + ' by ' + auth.protocol + (auth.user ? ' as "' + auth.user + '"' : '') + ': ' +
      (auth.result === 'none' ? 'without a result' : auth.result) + (auth.message ? ' ("' + auth.message + '")' : '')]);
  }
  if (a.ipv4) rows.push(['IPv4', pair(a.ipv4)]);
  if (a.dns) rows.push(['DNS', a.dns.join(', ')]);
  if (a.wins) rows.push(['WINS', a.wins.join(', ')]);
  if (a.ipv6) rows.push(['IPv6', pair(a.ipv6)]);
  const t = s.traffic;
  if (t.packets.host + t.packets.ac > 0) {
    rows.push(['Data', host + ' ' + t.packets.host + ' packets (' + t.octets.host + ' octets), ' + ac + ' ' + t.packets.ac + ' packets (' + t.octets.ac + ' octets)']);
  }
  return rows;
}

const table = (rows) => element('table', {}, ...rows.map(([k, v]) => element('tr', {}, element('th', { scope: 'row' }, k), element('td', {}, v))));

// The ladder: times, the line of the host, that of the AC, and what each packet says.
const rowHeight = 30, top0 = 46, hostX = 110, acX = 430, wordsX = 452, width = 1250;

function what(e) {
  return (e.protocol && e.protocol !== 'PPPoE' ? e.protocol + ' ' : '') + e.what + (e.retransmission ? ' (again)' : '');
}

function cut(text, length) {
  const all = Array.from(text || '');
  return all.length > length ? all.slice(0, length - 1).join('') + '…' : text || '';
}

function severity(s, e) {
  const found = s.problems.filter((p) => (e.problems || []).includes(p.code) && p.frame === e.frame);
  return found.some((p) => p.severity === 'error') ? 'error' : found.length ? 'warning' : '';
}

function arrow(e, y) {
  const right = e.from === 'host';
  if (e.from !== 'host' && e.from !== 'ac' || e.what === 'traffic') {
    return [element('line', { class: 'other', x1: hostX + 4, x2: acX - 4, y1: y, y2: y, 'stroke-width': 1 })];
  }
  const end = right ? acX - 4 : hostX + 4, back = right ? -9 : 9;
  return [
    element('line', { class: e.from, x1: right ? hostX + 4 : acX - 4, x2: end, y1: y, y2: y, 'stroke-width': 1.5 }),
    element('path', { class: e.from, d: `M${end} ${y}l${back} -4v8z` }),
  ];
}

function eventRow(s, e, i, show) {
  const y = top0 + i * rowHeight + 20, bad = severity(s, e);
  const label = seconds(e.seconds) + ', ' + (side(s, e.from) || 'capture') + ', ' + what(e) + (e.text ? ': ' + e.text : '');
  const g = element('g', { class: 'event ' + bad, role: 'button', tabindex: i === 0 ? 0 : -1, 'aria-label': label, 'data-index': i },
    element('title', {}, label),
    element('rect', { class: 'hit', x: 1, y: y - 20, width: width - 2, height: rowHeight - 1, rx: 3 }),
    element('text', { class: 'time', x: 72, y: y - 2, 'text-anchor': 'end' }, e.seconds.toFixed(3)),
    ...arrow(e, y),
    element('text', { class: 'label', x: (hostX + acX) / 2, y: y - 5 }, cut(e.what === 'traffic' ? '…' : what(e), 44)),
    element('text', { class: 'words', x: wordsX, y: y + 2 }, cut((e.text || '') + (e.comments ? '  # ' + e.comments.join(' ') : ''), 120)));
  if (bad) g.append(element('text', { class: 'mark', x: 80, y: y + 1 }, bad === 'error' ? '✖' : '!'));
  g.addEventListener('click', () => { g.focus(); show(i); });
  return g;
}

function ladder(s, show) {
  const height = top0 + s.events.length * rowHeight + 16, [host, ac] = names(s);
  const svg = element('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'group', 'aria-label': 'Packets of the session: arrow keys move, Enter shows details' },
    element('line', { class: 'life', x1: hostX, x2: hostX, y1: 30, y2: height }),
    element('line', { class: 'life', x1: acX, x2: acX, y1: 30, y2: height }),
    element('text', { class: 'head', x: hostX, y: 20, 'text-anchor': 'middle' }, host),
    element('text', { class: 'head', x: acX, y: 20, 'text-anchor': 'middle' }, ac));
  const rows = s.events.map((e, i) => eventRow(s, e, i, show));
  svg.append(...rows);
  svg.addEventListener('keydown', (k) => move(k, rows, show));
  return svg;
}

// move handles the keys of the ladder: one packet is in the tab order, arrow keys change which.
function move(key, rows, show) {
  const at = rows.indexOf(document.activeElement);
  if (at < 0) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1, PageDown: at + 10, PageUp: at - 10 }[key.key];
  if (to !== undefined) {
    const next = Math.max(0, Math.min(rows.length - 1, to));
    rows[at].setAttribute('tabindex', -1);
    rows[next].setAttribute('tabindex', 0);
    rows[next].focus();
  } else if (key.key === 'Enter' || key.key === ' ') {
    show(at);
  } else if (key.key === 'Escape') {
    show(-1);
  } else {
    return;
  }
  key.preventDefault();
}

function detailRows(s, e) {
  const rows = [['Packet', String(e.frame) + ', after ' + seconds(e.seconds)], ['From', side(s, e.from) || 'the capture file'], ['What', what(e)]];
  if (e.text) rows.push(['Says', e.text]);
  return rows;
}

function details(s, e) {
  const parts = [table(detailRows(s, e))];
  if (e.packet) parts.push(element('p', {}, element('code', {}, e.packet)));
  for (const c of e.comments || []) parts.push(element('p', {}, 'Comment: ' + c));
  for (const p of s.problems.filter((p) => (e.problems || []).includes(p.code))) parts.push(problemCard(p, p.severity === 'error' ? 'Problem' : 'Warning'));
  return parts;
}

function sessionView(s) {
  const panel = element('aside', { class: 'details', 'aria-live': 'polite', 'aria-label': 'Details of the packet', hidden: '' });
  let open = -1, drawing;
  const show = (i) => {
    open = i === open ? -1 : i;
    panel.hidden = open < 0;
    panel.replaceChildren(...(open < 0 ? [] : details(s, s.events[open])));
    for (const g of drawing.querySelectorAll('g.event')) g.classList.toggle('open', Number(g.dataset.index) === open);
  };
  drawing = ladder(s, show);
  const first = firstProblem(s), [host, ac] = names(s);
  const view = element('main', { id: 'session', tabindex: -1 }, element('h2', {}, title(s)), element('p', {}, headline(s)),
    table([[host, station(s.host)], [ac, station(s.ac)]]));
  if (first) view.append(problemCard(first, 'First problem'));
  for (const p of s.problems) if (p !== first) view.append(problemCard(p, p.severity === 'error' ? 'Then' : 'Warning'));
  for (const n of s.notes) view.append(element('p', { class: 'faint' }, n));
  const rows = agreedRows(s);
  if (rows.length) view.append(element('h3', {}, 'Agreed'), table(rows));
  view.append(element('h3', {}, 'Packets'));
  if (s.omitted_events) view.append(element('p', { class: 'faint' }, s.omitted_events + ' events before the last 40 are not kept.'));
  view.append(element('div', { class: 'ladder' }, drawing), panel);
  return view;
}

function sessionButton(s, choose) {
  const p = firstProblem(s);
  const b = element('button', { type: 'button', class: s.outcome, 'data-number': s.number },
    element('strong', {}, title(s)), element('div', { class: 'faint' }, station(s.host)), element('div', {}, p ? p.text : outcomes[s.outcome]));
  b.addEventListener('click', () => choose(s));
  return element('li', {}, b);
}

function page() {
  const view = element('div', {});
  const list = element('ul', {});
  const choose = (s) => {
    view.replaceChildren(sessionView(s));
    for (const b of list.querySelectorAll('button')) b.setAttribute('aria-current', String(Number(b.dataset.number) === s.number));
  };
  const filter = element('input', { type: 'search', placeholder: 'Filter: address, user, problem …', 'aria-label': 'Filter the sessions' });
  const texts = new Map(report.sessions.map((s) => [s, JSON.stringify([title(s), s.host, s.ac, s.outcome, s.problems, s.agreed]).toLowerCase()]));
  const fill = () => {
    const wanted = filter.value.toLowerCase();
    list.replaceChildren(...report.sessions.filter((s) => texts.get(s).includes(wanted)).slice(0, 1000).map((s) => sessionButton(s, choose)));
  };
  filter.addEventListener('input', fill);
  fill();
  document.body.append(
    element('header', {}, element('h1', {}, report.file),
      element('p', { class: 'faint' }, report.format + ', ' + report.packets + ' packets, ' + report.pppoe_packets + ' of PPPoE' + (report.first ? ', from ' + report.first : '')),
      ...report.notes.map((n) => element('p', { class: 'card warning' }, n))),
    element('div', { class: 'layout' }, element('nav', { 'aria-label': 'Sessions' }, filter, list), view));
  const start = report.sessions.find(firstProblem) || report.sessions.find((s) => s.outcome === 'established') || report.sessions[0];
  if (start) choose(start);
}

page();
