"use strict";
// What depends on prices, drawn and said again when the reader changes one. Everything
// else in the page stands as it was written. The rules are those of the Go package
// report; a test in a browser compares the two.
(() => {
  const doc = JSON.parse(document.getElementById("data").textContent);
  const names = [];
  for (const t of doc.traces) for (const s of t.styles) if (!names.includes(s.name)) names.push(s.name);
  for (const r of doc.sweep || []) for (const s of r.styles) if (!names.includes(s.name)) names.push(s.name);
  const ink = (name) => "s" + names.indexOf(name);
  const labelOf = (name) => {
    for (const t of doc.traces) for (const s of t.styles) if (s.name === name) return s.label;
    return name.charAt(0).toUpperCase() + name.slice(1);
  };
  const title = (name) => name.charAt(0).toUpperCase() + name.slice(1);

  // Numbers as words.go writes them.
  const thousands = (text) => text.replace(/\B(?=(\d{3})+$)/g, ",");
  const number = (x) => significant(x, 3);
  function significant(x, figures) {
    if (!(Math.abs(x) >= 1e-12)) return "0";
    const digits = Math.max(0, figures - 1 - Math.floor(Math.log10(Math.abs(x))));
    const p = Math.pow(10, digits);
    const text = (Math.floor(x * p + 0.5) / p).toFixed(digits);
    return digits > 0 ? text.replace(/\.?0+$/, "") : thousands(text);
  }
  const sign = doc.prices.currency === "USD" ? "$" : doc.prices.currency + " ";
  function money(x) {
    const cents = Math.floor(x * 100 + 0.5);
    return sign + (x >= 1 && cents < 100000 ? (cents / 100).toFixed(2) : number(x));
  }
  const percent = (share) => significant(share * 100, Math.abs(share) < 0.1 ? 2 : 3) + "\u00a0%";
  function seconds(s) {
    if (s < 1 && s !== 0) return number(s * 1000) + "\u00a0ms";
    if (s < 600) return number(s) + "\u00a0s";
    if (s < 7200) return number(s / 60) + "\u00a0min";
    return number(s / 3600) + "\u00a0h";
  }
  const fill = (word, values) => doc.words[word].replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // prices.go
  function cost(u, p) {
    const gb = u.held.memory_bytes / 1073741824, gpus = u.held.gpus || 0, c = {};
    if (u.tariff === "requests") {
      const kept = u.kept || 0;
      c.work = gb * ((u.work - kept) * p.lambda + kept * p.lambda_kept_work) / 1e6;
      c.idle = gb * u.idle * p.lambda_kept / 1e6;
      c.start = gb * u.start * p.lambda / 1e6;
      c.requests = u.requests * p.lambda_call / 1e6;
    } else {
      const second = (u.held.cpu * p.core + gb * p.memory + gpus * p.gpu) / 3600;
      c.work = u.work * second;
      c.idle = u.idle * second;
      c.start = u.start * second;
      c.requests = u.requests * p.call / 1e6;
    }
    c.total = c.work + c.idle + c.start + c.requests;
    c.per_million = u.requests > 0 ? c.total / u.requests * 1e6 : 0;
    c.wasted = c.total > 0 ? Math.min(1, (c.idle + c.start) / c.total) : 0;
    return c;
  }

  // breakeven.go
  const perMillion = (rate, s, p) => cost(rate.styles[s].usage, p).per_million;
  function cheapest(p) {
    const all = [], sweep = doc.sweep || [];
    const gap = (rate, a, b) => Math.log(Math.max(1e-12, perMillion(rate, b, p))) - Math.log(Math.max(1e-12, perMillion(rate, a, p)));
    sweep.forEach((rate, i) => {
      let best = 0;
      rate.styles.forEach((_, s) => { if (perMillion(rate, s, p) < perMillion(rate, best, p)) best = s; });
      const name = rate.styles[best].name;
      if (i === 0) { all.push({ style: name, from: rate.per_second, to: rate.per_second }); return; }
      const last = all[all.length - 1];
      if (name !== last.style) {
        const was = rate.styles.findIndex((s) => s.name === last.style);
        const before = gap(sweep[i - 1], was, best), span = before - gap(rate, was, best);
        const share = span > 0 && isFinite(span) ? before / span : 1;
        const x0 = Math.log(sweep[i - 1].per_second);
        last.to = Math.exp(x0 + share * (Math.log(rate.per_second) - x0));
        all.push({ style: name, from: last.to });
      }
      all[all.length - 1].to = rate.per_second;
    });
    return all;
  }

  // verdict.go
  const p99 = (s) => s.result.latency.p99;
  function least(list, of) {
    let best = 0;
    list.forEach((x, i) => { if (of(x) < of(list[best])) best = i; });
    return best;
  }
  function tell(costs, stretches) {
    const said = { verdict: [], losses: [] };
    if (stretches.length === 0) {
      const t = doc.traces[0], c = least(costs[0], (x) => x.per_million);
      said.headline = fill("single", { trace: t.name, style: t.styles[c].label, cost: money(costs[0][c].per_million) });
    } else if (stretches.length === 1) {
      const s = stretches[0];
      said.headline = fill("always", { style: labelOf(s.style), from: number(s.from), to: number(s.to) });
    } else {
      said.headline = stretches.map((s, i) => fill(i === 0 ? "first" : i === stretches.length - 1 ? "last" : "middle",
        { style: labelOf(s.style), rate: number(s.to) })).join(", ");
    }
    doc.traces.forEach((t, n) => {
      const c = costs[n], cheap = least(c, (x) => x.per_million), fast = least(t.styles, p99);
      let next = -1;
      c.forEach((x, i) => { if (i !== cheap && (next < 0 || x.per_million < c[next].per_million)) next = i; });
      const first = t.styles[0].result;
      let text = fill("cost", { trace: title(t.name), style: t.styles[cheap].label, cost: money(c[cheap].per_million),
        rate: number((first.requests + (first.refused || 0)) / first.for) });
      if (next < 0) {
        said.verdict.push(text + fill("alone", { p99: seconds(p99(t.styles[cheap])) }));
      } else {
        if (c[next].per_million > c[cheap].per_million) {
          text += fill("less", { share: percent(1 - c[cheap].per_million / c[next].per_million), other: t.styles[next].label });
        }
        text += p99(t.styles[cheap]) === p99(t.styles[fast])
          ? fill("both", { p99: seconds(p99(t.styles[cheap])) })
          : fill("fast", { style: t.styles[fast].label, p99: seconds(p99(t.styles[fast])), cheap: t.styles[cheap].label, other: seconds(p99(t.styles[cheap])) });
        said.verdict.push(text);
      }
      const ours = t.styles.findIndex((s) => s.name === doc.subject);
      if (ours < 0) return;
      t.styles.forEach((s, i) => {
        if (i === ours) return;
        const me = t.styles[ours], mine = c[ours].per_million, theirs = c[i].per_million;
        const dearer = mine > theirs && number(mine) !== number(theirs);
        const slower = p99(me) > p99(s) && seconds(p99(me)) !== seconds(p99(s));
        const word = dearer && slower ? "worse" : dearer ? "dearer" : slower ? "slower" : "";
        if (word) {
          said.losses.push(fill(word, { trace: title(t.name), style: me.label, other: s.label,
            share: theirs > 0 ? percent(mine / theirs - 1) : "infinitely", p99: seconds(p99(me)), less: seconds(p99(s)) }));
        }
      });
    });
    const subject = doc.traces.some((t) => t.styles.length > 1 && t.styles.some((s) => s.name === doc.subject));
    if (said.losses.length === 0 && subject) said.losses.push(fill("nowhere", { style: labelOf(doc.subject) }));
    return said;
  }

  // Figures. Texts come from the document, and go into the page as texts only.
  function element(name, attributes, text) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    if (text !== undefined) e.textContent = text;
    return e;
  }
  function clear(svg, desc) {
    while (svg.lastChild && svg.lastChild.tagName !== "desc") svg.removeChild(svg.lastChild);
    svg.lastChild.textContent = desc;
  }
  function write(svg, k, x, y, text, more) {
    if (text === "") return;
    svg.append(element("text", { class: "f-" + k, x: x, y: y, "font-size": 11, ...more }, text));
  }
  const bold = { "font-weight": 600 };

  // figure_cost.go
  function drawCost(svg, t, costs) {
    const trace = doc.traces[t], width = 316;
    const most = Math.max(1e-12, ...costs.map((c) => c.per_million));
    clear(svg, "");
    write(svg, "body", 0, 13, "Cost of a million requests, " + trace.name, { "font-size": 12.5, ...bold });
    let y = 40, desc = "";
    trace.styles.forEach((style, s) => {
      const c = costs[s], words = [];
      write(svg, ink(style.name), 0, y, style.label, bold);
      let at = 0;
      for (const [name, k, faint, part] of [["work", ink(style.name), 0.95, c.work], ["idle", ink(style.name), 0.35, c.idle],
        ["starts", "body", 0.8, c.start], ["requests", "muted", 0.55, c.requests]]) {
        const share = c.total > 0 ? part / c.total : 0;
        if (share === 0) continue;
        const wide = share * c.per_million / most * width;
        svg.append(element("path", { class: "f-" + k, opacity: faint, d: `M${at} ${y + 6}h${wide}v14h${-wide}Z` }));
        at += wide;
        words.push(name + " " + percent(share));
      }
      write(svg, "body", at + 6, y + 17, money(c.per_million), bold);
      write(svg, "muted", 0, y + 33, words.join(", "));
      desc += `${style.label}: ${money(c.per_million)}, of it ${words.join(", ")}. `;
      y += 56;
    });
    svg.querySelector("desc").textContent = desc;
  }

  // figure_breakeven.go
  function drawBreakEven(svg, p, stretches, headline) {
    const sweep = doc.sweep, left = 44, right = 288, low = 232, high = 30;
    const all = sweep.flatMap((r) => r.styles.map((_, s) => perMillion(r, s, p))).filter((v) => v > 0);
    const [min, max] = all.length ? [Math.min(...all), Math.max(...all)] : [1, 1];
    const from = Math.floor(Math.log10(min) + 1e-9), to = Math.max(from + 1, Math.ceil(Math.log10(max) - 1e-9));
    const x0 = Math.log10(sweep[0].per_second), x1 = Math.log10(sweep[sweep.length - 1].per_second);
    const x = (v) => left + Math.min(1, Math.max(0, (Math.log10(v) - x0) / (x1 - x0))) * (right - left);
    const y = (v) => low + (Math.log10(Math.max(v, Math.pow(10, from))) - from) / (to - from) * (high - low);
    const line = (k, width, points, more) => svg.append(element("path", { class: "k-" + k, fill: "none", "stroke-width": width,
      "stroke-linejoin": "round", "stroke-linecap": "round", d: "M" + points.map((q) => q[0].toFixed(1) + " " + q[1].toFixed(1)).join("L"), ...more }));
    clear(svg, headline);
    write(svg, "body", 0, 13, "Cost of a million requests, by rate", { "font-size": 12.5, ...bold });
    for (let e = from; e <= to; e += Math.ceil((to - from) / 5)) {
      const v = Math.pow(10, e);
      line("grid", 1, [[left, y(v)], [right, y(v)]]);
      write(svg, "muted", left - 6, y(v) + 4, sign + number(v), { "text-anchor": "end" });
    }
    const lowest = Math.floor(x0 + 1e-9), highest = Math.max(lowest + 1, Math.ceil(x1 - 1e-9));
    for (let e = lowest; e <= highest; e += Math.ceil((highest - lowest) / 5)) {
      if (e < x0 - 1e-9 || e > x1 + 1e-9) continue;
      const v = Math.pow(10, e);
      line("grid", 1, [[x(v), low], [x(v), high]]);
      write(svg, "muted", x(v), low + 15, number(v), { "text-anchor": "middle" });
    }
    write(svg, "muted", (left + right) / 2, low + 31, "requests a second", { "text-anchor": "middle" });
    stretches.slice(1).forEach((s) => {
      line("muted", 1, [[x(s.from), low], [x(s.from), high]], { "stroke-dasharray": 3 });
      write(svg, "body", x(s.from), high - 4, number(s.from) + " /s", { "text-anchor": "middle", ...bold });
    });
    const ends = sweep[0].styles.map((style, s) => {
      const points = sweep.map((r) => [x(r.per_second), y(perMillion(r, s, p))]);
      line(ink(style.name), 2, points);
      return { y: points[points.length - 1][1], name: style.name };
    }).sort((a, b) => a.y - b.y);
    ends.forEach((e, i) => { e.y = Math.max(e.y, i > 0 ? ends[i - 1].y + 13.5 : 36); });
    for (let i = ends.length - 1; i >= 0; i--) {
      ends[i].y = Math.min(ends[i].y, i < ends.length - 1 ? ends[i + 1].y - 13.5 : low);
      write(svg, ink(ends[i].name), right + 8, ends[i].y + 4, labelOf(ends[i].name), bold);
    }
  }

  const list = (id, lines) => {
    const ul = document.getElementById(id);
    if (ul) ul.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  };

  const form = document.getElementById("prices");
  function recompute() {
    const p = {};
    for (const input of form.querySelectorAll("input")) {
      if (!input.checkValidity() || input.value === "") { // keep what stands until it is a price
        document.getElementById("said").value = "That is no price.";
        return;
      }
      p[input.name] = Number(input.value);
    }
    const costs = doc.traces.map((t) => t.styles.map((s) => cost(s.usage, p)));
    const stretches = cheapest(p);
    const said = tell(costs, stretches);
    doc.derived = { headline: said.headline, verdict: said.verdict, losses: said.losses, costs: costs };
    if (stretches.length > 0) doc.derived.cheapest = stretches;
    for (const key in p) if (doc.prices[key].amount !== p[key]) doc.prices[key] = { amount: p[key], source: "the reader", dated: "" };
    document.getElementById("headline").textContent = said.headline;
    list("verdict", said.verdict);
    list("losses", said.losses);
    for (const e of document.querySelectorAll('data[data-path^="derived."]')) {
      const value = e.dataset.path.split(".").reduce((o, key) => o[key], doc);
      e.value = String(value);
      e.textContent = e.dataset.path.endsWith(".wasted") ? percent(value) : money(value);
    }
    for (const e of document.querySelectorAll("[data-sweep]")) {
      const [r, s] = e.dataset.sweep.split(".").map(Number);
      e.textContent = money(perMillion(doc.sweep[r], s, p));
    }
    for (const e of document.querySelectorAll("[data-cost]")) drawCost(e.querySelector("svg"), Number(e.dataset.cost), costs[e.dataset.cost]);
    const chart = document.querySelector("#break svg");
    if (chart) drawBreakEven(chart, p, stretches, said.headline);
    document.getElementById("said").value = "Reckoned anew.";
  }
  form.addEventListener("input", recompute);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(recompute)); // once the fields have their values

  function save(name, type, text) {
    const url = URL.createObjectURL(new Blob([text], { type: type }));
    Object.assign(document.createElement("a"), { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
  function csv() {
    const quote = (v) => /[",\n]/.test(v) ? '"' + String(v).replaceAll('"', '""') + '"' : String(v);
    const rows = [doc.columns];
    doc.traces.forEach((t, n) => t.styles.forEach((s, i) => {
      const all = { ...s, trace: t.name, cost: doc.derived.costs[n][i], currency: doc.prices.currency };
      rows.push(doc.columns.map((path) => path.split(".").reduce((o, key) => o === undefined ? undefined : o[key], all) ?? 0));
    }));
    return rows.map((row) => row.map(quote).join(",") + "\n").join("");
  }
  document.getElementById("json").addEventListener("click", () => save("report.json", "application/json", JSON.stringify(doc, null, 2) + "\n"));
  document.getElementById("csv").addEventListener("click", () => save("report.csv", "text/csv", csv()));
})();
