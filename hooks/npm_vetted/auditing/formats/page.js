"use strict";
const LIMIT = 500;
document.documentElement.classList.add("scripted");
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const controls = document.getElementById(table.dataset.sortable);
  let all = rows.length <= 2 * LIMIT;
  let words;
  const shows = (row) => {
    if (!controls) return true;
    const status = controls.querySelector("select");
    const wanted = controls.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (wanted.length && !words) words = new Map(rows.map((each) => [each, each.textContent.toLowerCase()]));
    return (!status || !status.value || row.dataset.status === status.value) &&
      wanted.every((word) => words.get(row).includes(word));
  };
  const refresh = () => {
    let count = 0;
    for (const row of rows) {
      const fits = shows(row);
      count += fits;
      row.hidden = !fits;
      // On paper every row that fits is there.
      row.classList.toggle("rest", fits && !all && count > LIMIT);
    }
    if (!controls) return;
    const shown = all ? count : Math.min(count, LIMIT);
    controls.querySelector("output").textContent =
      `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} match` +
      (shown < count ? `; the first ${shown} are shown` : "");
    controls.querySelector("button").hidden = shown === count;
  };
  const key = (row, at) => {
    const cell = row.cells[at];
    const value = cell.textContent.trim();
    return cell.classList.contains("number") ? parseFloat(value || -1) : value.toLowerCase();
  };
  heads.forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => [row, key(row, at)]));
      const order = (a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0);
      rows.sort(down ? (a, b) => order(b, a) : order);
      refresh();
      body.append(...rows);
    });
  });
  if (!controls) continue;
  controls.hidden = false;
  controls.addEventListener("input", refresh);
  controls.querySelector("button").addEventListener("click", () => { all = true; refresh(); });
  refresh();
}
