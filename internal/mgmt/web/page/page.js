// The page of pppoe-server. It shows what /api answers. All text becomes text nodes: it comes from clients.
"use strict";
(() => {
	const rowsPerPage = 50, maxEvents = 200, readInterval = 2000, historyInterval = 10000, maxPoints = 120;
	const $ = id => document.getElementById(id);

	// element returns a new element with a class, and with texts or elements in it.
	function element(name, kind, ...inside) {
		const e = document.createElement(name);
		if (kind) e.className = kind;
		e.append(...inside);
		return e;
	}

	function setText(e, text) { if (e.textContent !== text) e.textContent = text; }

	async function ask(path, options) {
		const answer = await fetch(path, options);
		if (answer.status === 401) location.assign("/login");
		if (!answer.ok) throw new Error((await answer.text()).trim());
		return answer.json();
	}

	const whole = new Intl.NumberFormat("en-US");
	function scaled(n) {
		let i = 0;
		for (; n >= 999.5 && i < 6; i++) n /= 1000;
		return (i > 0 && n < 9.95 ? n.toFixed(1) : n.toFixed(0)) + " " + ["", "k", "M", "G", "T", "P", "E"][i];
	}
	const bitRate = n => n === undefined ? "–" : scaled(n) + "bit/s";

	// --- theme: that of the system, or the reader's choice ---
	const themes = ["auto", "dark", "light"];
	function stored() { try { return localStorage.getItem("theme"); } catch { return null; } }
	function useTheme(name) {
		if (name === "auto") delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = name;
		$("theme").textContent = "Theme: " + name;
		try { localStorage.setItem("theme", name); } catch { /* private mode: not kept */ }
	}
	let theme = Math.max(0, themes.indexOf(stored()));
	useTheme(themes[theme]);
	$("theme").onclick = () => { theme = (theme + 1) % themes.length; useTheme(themes[theme]); };

	// --- charts ---
	// draw draws lines of numbers from left to right, all to the scale of the greatest number.
	function draw(svg, lines, greatest) {
		const width = 600, height = 100;
		svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
		svg.setAttribute("preserveAspectRatio", "none");
		svg.replaceChildren();
		lines.forEach((numbers, i) => {
			if (numbers.length < 2) return;
			const at = numbers.map((n, x) => `${(x * width / (numbers.length - 1)).toFixed(1)} ${(height - 3 - (height - 8) * n / (greatest || 1)).toFixed(1)}`);
			const path = (kind, d) => {
				const p = document.createElementNS("http://www.w3.org/2000/svg", "path");
				p.setAttribute("class", kind);
				p.setAttribute("d", d);
				svg.append(p);
			};
			if (i === 0) path("area", `M0 ${height}L${at.join("L")}L${width} ${height}Z`);
			path(i === 0 ? "one" : "two", `M${at.join("L")}`);
		});
	}
	const greatestOf = (...lines) => Math.max(0, ...lines.flat());
	const key = (kind, text) => element("span", "key " + kind, text);

	let span = "hour", historyTimer = 0;
	async function readHistory() {
		clearTimeout(historyTimer);
		try {
			if (!document.hidden) showHistory(await ask("/api/history?" + new URLSearchParams({ span, interface: $("traffic-of").value })));
		} catch { /* the connection's state says so */ }
		historyTimer = setTimeout(readHistory, historyInterval);
	}
	function showHistory(h) {
		const column = name => h.points.map(p => p[h.columns.indexOf(name)]);
		const online = column("online"), setUps = column("set_up"), failed = column("failed");
		const sum = numbers => numbers.reduce((a, b) => a + b, 0);
		const most = greatestOf(online), over = "the last " + span;
		const step = h.step < 60 ? `${h.step} s` : `${h.step / 60} min`;
		draw($("online-chart"), [online], most);
		$("online-text").replaceChildren(key("one", "Online"), `: ${whole.format(online.at(-1) ?? 0)}, at most ${whole.format(most)} in ${over}`);
		const down = h.traffic.points.map(p => p[2]), up = h.traffic.points.map(p => p[1]), highest = greatestOf(down, up);
		draw($("traffic-chart"), [down, up], highest);
		$("traffic-text").replaceChildren("Traffic: ", key("one", "down"), ` ${bitRate(down.at(-1))}, `, key("two", "up"), ` ${bitRate(up.at(-1))}; at most ${bitRate(highest)} in ${over}`);
		draw($("setups-chart"), [setUps, failed], greatestOf(setUps, failed));
		$("setups-text").replaceChildren(key("one", "Set-ups"), `: ${whole.format(sum(setUps))} in ${over}; `, key("two", "failures"),
			`: ${whole.format(sum(failed))}; at most ${whole.format(greatestOf(setUps, failed))} in ${step}`);
	}
	for (const name of ["hour", "day"]) $(name).onclick = () => {
		span = name;
		for (const other of ["hour", "day"]) $(other).setAttribute("aria-pressed", other === name);
		readHistory();
	};

	$("traffic-of").onchange = readHistory;
	function offerInterfaces(names) {
		const select = $("traffic-of");
		select.hidden = names.length < 2;
		if (select.options.length === names.length + 1) return;
		select.replaceChildren(select.options[0], ...names.map(name => new Option(name, name)));
	}

	// --- overview ---
	let before = null, mayControl = false;
	function fillTable(id, rows) {
		const body = $(id).tBodies[0];
		const same = body.rows.length === rows.length;
		if (!same) body.replaceChildren(...rows.map(cells => element("tr", "", ...cells.map(() => element("td")))));
		rows.forEach((cells, y) => cells.forEach((cell, x) => {
			const td = body.rows[y].cells[x];
			if (typeof cell === "object") {
				if (!td.firstChild) td.append(element("progress"), element("span"));
				td.firstChild.max = 1;
				td.firstChild.value = cell.use;
				td.firstChild.setAttribute("aria-label", cell.label);
				setText(td.lastChild, ` ${(100 * cell.use).toFixed(1)} %`);
				return;
			}
			setText(td, String(cell));
			td.classList.toggle("right", typeof cell === "number" || $(id).tHead.rows[0].cells[x].classList.contains("right"));
		}));
	}
	function showOverview(o) {
		const s = o.status, now = performance.now();
		mayControl = o.control;
		document.title = `${s.ac_name}: ${s.online} online`;
		setText($("name"), s.ac_name);
		setText($("state"), s.state);
		$("state").dataset.state = s.state;
		setText($("about"), `pppoe-server ${s.version}, process ${s.pid}, since ${new Date(s.since).toLocaleString()}`);
		$("logout").hidden = !o.login;
		const perSecond = name => before && before.since === s.since
			? (Math.max(0, o.stats[name] - before.stats[name]) * 1000 / (now - before.at)).toFixed(1) : "–";
		const failed = Object.values(o.stats.failed).reduce((a, b) => a + b, 0);
		const tiles = {
			"online": whole.format(s.online), "being set up": whole.format(s.half_open), "sessions at most": whole.format(s.max_sessions),
			"down": bitRate(o.traffic?.bits_down), "up": bitRate(o.traffic?.bits_up), "set-ups a second": perSecond("opened"), "came online": scaled(o.stats.opened).trim(), "failed": scaled(failed).trim(), "rejected logins": scaled(o.stats.auth_rejected).trim(),
		};
		const list = $("tiles");
		for (const name in tiles) {
			let dd = list.querySelector(`[data-name="${name}"]`);
			if (!dd) {
				dd = element("dd");
				dd.dataset.name = name;
				list.append(element("div", "", element("dt", "", name), dd));
			}
			setText(dd, tiles[name]);
		}
		before = { at: now, since: s.since, stats: o.stats };
		fillTable("interfaces", o.interfaces.map(i => [i.name, i.queue ? "served" : "not served", i.sessions === undefined ? "" : whole.format(i.sessions), bitRate(i.traffic?.bits_down), bitRate(i.traffic?.bits_up), i.queue ? whole.format(i.queue.discovery + i.queue.control) : ""]));
		offerInterfaces(o.interfaces.map(i => i.short));
		fillTable("pools", o.pools.map(p => [p.name, p.kind ? `${p.kind} /${p.length}` : p.family, p.range, `${whole.format(p.used)} of ${whole.format(p.size)}`,
			{ use: p.size ? p.used / p.size : 0, label: `Use of pool ${p.name}` }, whole.format(p.refused)]));
		const causes = (what, by) => Object.entries(by).sort((a, b) => b[1] - a[1]).map(([why, n]) => [what, why, whole.format(n)]);
		fillTable("causes", [...causes("failed", o.stats.failed), ...causes("ended", o.stats.ended), ...causes("dropped frames", o.stats.drops)]);
	}

	// --- sessions ---
	const view = { q: "", sort: "id", offset: 0 };
	const numeric = new Set(); // columns whose usual order is the largest first
	let reading = 0, readTimer = 0, matching = 0;
	function readAddress() {
		const from = new URLSearchParams(location.hash.slice(1));
		view.q = from.get("q") ?? "";
		view.sort = from.get("sort") ?? "id";
		view.offset = Number(from.get("offset") ?? 0) || 0;
		$("search").value = view.q;
	}
	function writeAddress() { history.replaceState(null, "", "#" + new URLSearchParams(view)); }
	async function readSessions() {
		clearTimeout(readTimer);
		const mine = ++reading, began = performance.now();
		try {
			if (!document.hidden) {
				const table = await ask("/api/sessions?" + new URLSearchParams({ ...view, limit: rowsPerPage }));
				if (mine !== reading) return; // a later one is on its way
				showSessions(table);
			}
		} catch (e) {
			if (mine !== reading) return;
			if (e.message.startsWith("sort:")) view.sort = "id";
		}
		readTimer = setTimeout(readSessions, Math.max(readInterval, 5 * (performance.now() - began)));
	}
	function showSessions(t) {
		matching = t.matching;
		if (t.offset >= matching && view.offset > 0) { // the last page has gone
			view.offset = Math.max(0, Math.floor((matching - 1) / rowsPerPage) * rowsPerPage);
			writeAddress();
			readSessions();
			return;
		}
		showHead(t.columns);
		const body = $("sessions").tBodies[0], focused = body.contains(document.activeElement) ? document.activeElement.closest("tr").dataset.id : "";
		while (body.rows.length > t.rows.length) body.lastChild.remove();
		while (body.rows.length < t.rows.length) body.append(newRow(t.columns));
		t.rows.forEach((row, y) => fillRow(body.rows[y], row, t.columns));
		if (focused) body.querySelector(`tr[data-id="${focused}"] button`)?.focus({ preventScroll: true });
		$("nothing").hidden = t.rows.length > 0;
		const shown = t.rows.length ? `${whole.format(t.offset + 1)}–${whole.format(t.offset + t.rows.length)} of ` : "";
		setText($("count"), view.q ? `${shown}${whole.format(matching)} matching, ${whole.format(t.sessions)} in all` : `${shown}${whole.format(matching)}`);
		$("first").disabled = $("previous").disabled = view.offset === 0;
		$("next").disabled = $("last").disabled = view.offset + rowsPerPage >= matching;
	}
	function showHead(columns) {
		const head = $("sessions").tHead.rows[0];
		if (!head.cells.length) for (const c of columns) {
			if (c.right) numeric.add(c.name);
			const th = element("th", (c.right ? "right " : "") + "rank" + (c.rank ?? 0)), button = element("button", "", c.title);
			th.scope = "col";
			th.dataset.name = c.name;
			button.type = "button";
			button.onclick = () => sortBy(c.name);
			th.append(button);
			head.append(th);
		}
		const reverse = view.sort.startsWith("-"), name = view.sort.replace("-", "");
		for (const th of head.cells) {
			if (th.dataset.name !== name) th.removeAttribute("aria-sort");
			else th.setAttribute("aria-sort", numeric.has(name) !== reverse ? "descending" : "ascending");
		}
	}
	function newRow(columns) {
		const tr = element("tr");
		columns.forEach((c, i) => {
			const td = element("td", (c.right ? "right " : "") + "rank" + (c.rank ?? 0));
			if (i === 0) {
				const button = element("button");
				button.type = "button";
				td.append(button);
			}
			tr.append(td);
		});
		tr.onclick = () => openDetails(tr.dataset.id);
		return tr;
	}
	function fillRow(tr, row, columns) {
		tr.dataset.id = row.id;
		tr.dataset.state = row.state;
		row.cells.forEach((text, i) => {
			const td = tr.cells[i];
			setText(i === 0 ? td.firstChild : td, text);
			if (i > 0 && td.title !== text) td.title = text;
		});
		const user = row.cells[columns.findIndex(c => c.name === "user")] || "a client that is not authenticated";
		tr.cells[0].firstChild.setAttribute("aria-label", `${row.id}: show the session of ${user}, ${row.state}`);
	}
	function change(what) {
		Object.assign(view, what);
		writeAddress();
		readSessions();
	}
	function sortBy(name) { change({ sort: view.sort === name ? "-" + name : name, offset: 0 }); }
	function turn(pages) { change({ offset: Math.max(0, Math.min(view.offset + pages * rowsPerPage, Math.floor((matching - 1) / rowsPerPage) * rowsPerPage)) }); }
	$("first").onclick = () => turn(-Infinity);
	$("previous").onclick = () => turn(-1);
	$("next").onclick = () => turn(1);
	$("last").onclick = () => turn(Infinity);
	let typing = 0;
	$("search").oninput = () => { clearTimeout(typing); typing = setTimeout(() => change({ q: $("search").value, offset: 0 }), 150); };

	// --- events ---
	const good = new Set(["online", "adopted", "session", "authenticated"]), bad = new Set(["auth-failed", "refused", "silent", "host-failed", "missed", "network-lost", "address-in-use"]);
	let waiting = [], paused = false;
	function eventItem(e) {
		const time = element("time", "", new Date(e.time).toLocaleTimeString());
		time.dateTime = e.time;
		const li = element("li", good.has(e.event) ? "good" : bad.has(e.event) ? "bad" : "", time, element("b", "", e.event));
		const add = (name, text) => { if (text) li.append(element("span", "", (name ? name + " " : "") + text)); };
		add("", e.user);
		add("", e.mac);
		add("on", e.line);
		add("id", e.id);
		add("ip", e.ipv4?.remote);
		add("ipv6", e.ipv6?.remote);
		add("by", e.method);
		add("of", e.protocol);
		add("circuit", e.circuit_id);
		add("cause", e.end?.reason);
		add("text", e.end?.text);
		add("text", e.text);
		if (e.missed) add("not reported:", whole.format(e.missed));
		return li;
	}
	// showPast shows the events that the server remembers, in place of those of the same time that are shown.
	function showPast(all) {
		const from = all.length ? Date.parse(all[0].time) : Infinity;
		for (const list of paused ? [$("its-events")] : [$("events"), $("its-events")])
			for (const li of [...list.children]) if (Date.parse(li.firstChild.dateTime) >= from) li.remove();
		waiting = all;
		showEvents();
	}
	function happened(e) {
		if (waiting.push(e) === 1) setTimeout(showEvents, 100);
		if (waiting.length > maxEvents) waiting.shift();
	}
	function showEvents() {
		const all = waiting;
		waiting = [];
		if (looking) prepend($("its-events"), all.filter(e => String(e.id) === looking));
		if (!paused) prepend($("events"), all);
		$("no-events").hidden = $("events").childElementCount > 0;
	}
	function prepend(list, all) {
		for (const e of all) list.prepend(eventItem(e));
		while (list.childElementCount > maxEvents) list.lastChild.remove();
	}
	$("pause").onclick = () => {
		paused = !paused;
		$("pause").setAttribute("aria-pressed", paused);
	};

	// --- the stream of the server ---
	let stream = null, again = 0, looking = "";
	function connect() {
		clearTimeout(again);
		stream?.close();
		const mine = stream = new EventSource("/api/events" + (looking ? "?id=" + looking : ""));
		mine.onopen = () => setText($("connection"), "");
		mine.onerror = () => {
			setText($("connection"), "No connection: trying again");
			if (mine.readyState !== EventSource.CLOSED || mine !== stream) return;
			ask("/api/overview").then(showOverview, () => { }); // leads to the login if that has ended
			again = setTimeout(connect, 5000);
		};
		mine.addEventListener("overview", m => showOverview(JSON.parse(m.data)));
		mine.addEventListener("session", m => showDetails(JSON.parse(m.data)));
		mine.addEventListener("past", m => showPast(JSON.parse(m.data)));
		mine.addEventListener("happened", m => happened(JSON.parse(m.data)));
	}

	// --- one session ---
	let rates = { up: [], down: [], rtt: [] };
	function openDetails(id) {
		looking = id;
		rates = { up: [], down: [], rtt: [] };
		for (const list of ["facts", "its-events", "rate-chart", "rtt-chart"]) $(list).replaceChildren();
		setText($("details-title"), "Session " + id);
		for (const text of ["details-state", "answer", "rtt-text"]) setText($(text), "");
		setText($("rate-text"), "Rates are measured …");
		$("control").hidden = true;
		askToDisconnect(false);
		if (!$("details").open) $("details").showModal();
		connect();
	}
	function showDetails(s) {
		if (String(s.id) !== looking) return;
		if (s.ended) {
			setText($("details-state"), "ended");
			$("details-state").dataset.state = "ended";
			$("control").hidden = true;
			return;
		}
		setText($("details-title"), `Session ${s.id}: ${s.title}`);
		setText($("details-state"), s.state);
		$("details-state").dataset.state = s.state;
		$("control").hidden = !mayControl;
		const facts = $("facts"), same = facts.childElementCount === 2 * s.details.length;
		if (!same) facts.replaceChildren(...s.details.flatMap(() => [element("dt"), element("dd")]));
		s.details.forEach(([name, text], i) => {
			setText(facts.children[2 * i], name);
			setText(facts.children[2 * i + 1], text);
		});
		if (s.bits_up !== undefined) showRates(s);
	}
	function showRates(s) {
		const add = (list, n) => { list.push(n); if (list.length > maxPoints) list.shift(); };
		add(rates.up, s.bits_up);
		add(rates.down, s.bits_down);
		add(rates.rtt, s.rtt_ms ?? 0);
		const most = greatestOf(rates.up, rates.down);
		draw($("rate-chart"), [rates.down, rates.up], most);
		$("rate-text").replaceChildren(key("one", "Down"), ` ${bitRate(s.bits_down)}, `, key("two", "up"), ` ${bitRate(s.bits_up)}, at most ${bitRate(most)}`);
		draw($("rtt-chart"), [rates.rtt], greatestOf(rates.rtt));
		$("rtt-text").replaceChildren(key("one", "Round-trip time"), s.rtt_ms ? `: ${s.rtt_ms.toFixed(2)} ms, at most ${greatestOf(rates.rtt).toFixed(2)} ms` : ": not measured");
	}
	$("details").onclose = () => {
		const id = looking;
		looking = "";
		connect();
		document.querySelector(`#sessions tr[data-id="${id}"] button`)?.focus();
	};
	$("details").onclick = e => {
		const box = $("details").getBoundingClientRect(); // outside of it is the backdrop
		if (e.target === $("details") && (e.clientX < box.left || e.clientX > box.right || e.clientY < box.top || e.clientY > box.bottom)) $("details").close();
	};
	$("close").onclick = () => $("details").close();
	function askToDisconnect(yes) {
		$("disconnect").hidden = yes;
		$("question").hidden = !yes;
	}
	$("disconnect").onclick = () => {
		setText($("question-text"), `End ${$("details-title").textContent}?`);
		askToDisconnect(true);
		$("no").focus();
	};
	$("no").onclick = () => { askToDisconnect(false); $("disconnect").focus(); };
	$("yes").onclick = async () => {
		const id = Number(looking);
		askToDisconnect(false);
		setText($("answer"), "Disconnecting …");
		try {
			const o = await ask("/api/overview");
			await ask("/api/disconnect", { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": o.csrf }, body: JSON.stringify({ id }) });
			setText($("answer"), `Session ${id} is disconnected.`);
		} catch (e) {
			setText($("answer"), "Not disconnected: " + e.message);
		}
		$("close").focus();
	};

	// --- keys ---
	document.addEventListener("keydown", e => {
		if (e.ctrlKey || e.metaKey || e.altKey || $("details").open) return;
		if (e.target === $("search")) {
			if (e.key === "Escape" && $("search").value) { $("search").value = ""; change({ q: "", offset: 0 }); }
			if (e.key === "ArrowDown") moveTo($("sessions").tBodies[0].rows[0], e);
			return;
		}
		const row = e.target.closest?.("#sessions tbody tr");
		if (e.key === "/") { e.preventDefault(); $("search").focus(); }
		else if (e.key === "n" && !$("next").disabled) turn(1);
		else if (e.key === "p" && !$("previous").disabled) turn(-1);
		else if (row && e.key === "ArrowDown") moveTo(row.nextElementSibling, e);
		else if (row && e.key === "ArrowUp") moveTo(row.previousElementSibling ?? $("search"), e);
	});
	function moveTo(row, e) {
		if (!row) return;
		e.preventDefault();
		(row.querySelector?.("button") ?? row).focus();
	}

	document.addEventListener("visibilitychange", () => { if (!document.hidden) { readSessions(); readHistory(); } });
	window.addEventListener("hashchange", () => { readAddress(); readSessions(); });
	readAddress();
	connect();
	readSessions();
	readHistory();
})();
