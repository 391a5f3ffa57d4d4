// A row of a table and its lines in the complete text light up together, under the pointer and by keyboard.
for (const linked of document.querySelectorAll(".linked")) {
  const rows = [...linked.querySelectorAll(".linked-row")];
  const lines = [...linked.querySelectorAll(".linked-line")];
  const numbers = (row) => [...row.classList].map((name) => /^line-(\d+)$/.exec(name)?.[1]).filter(Boolean).map(Number);

  /** Light up these rows, and the lines of all of them. */
  const light = (chosen) => {
    const lit = new Set(chosen.flatMap(numbers));
    for (const row of rows) row.classList.toggle("is-lit", chosen.includes(row));
    lines.forEach((line, i) => line.classList.toggle("is-lit", lit.has(i)));
    const first = lines[Math.min(...lit)];
    if (!first) return;
    const text = first.closest("pre");
    const { top, bottom } = text.getBoundingClientRect();
    const place = first.getBoundingClientRect();
    if (place.top < top || place.bottom > bottom) text.scrollTop += place.top - top - text.clientHeight / 3;
  };

  for (const row of rows) {
    row.tabIndex = 0;
    row.addEventListener("pointerenter", () => light([row]));
    row.addEventListener("focus", () => light([row]));
    row.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const next = step && rows[rows.indexOf(row) + step];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
  }
  lines.forEach((line, i) => {
    const own = rows.filter((row) => numbers(row).includes(i));
    if (own.length) line.addEventListener("pointerenter", () => light(own));
  });
}
