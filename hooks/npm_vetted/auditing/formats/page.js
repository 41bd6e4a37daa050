"use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const key = (row, at) => {
    const cell = row.cells[at];
    const value = cell.dataset.value ?? cell.textContent.trim();
    return cell.classList.contains("number") ? Number(value || -1) : value.toLowerCase();
  };
  Array.from(table.tHead.rows[0].cells).forEach((head, at) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const keys = new Map(rows.map((row) => [row, key(row, at)]));
      const order = (a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0);
      rows.sort(down ? (a, b) => order(b, a) : order);
      body.append(...rows);
    });
  });
  const controls = document.getElementById(table.dataset.sortable);
  if (!controls) continue;
  controls.hidden = false;
  const text = controls.querySelector("input");
  const status = controls.querySelector("select");
  const shown = controls.querySelector("output");
  const words = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const filter = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows) {
      const fits = wanted.every((word) => words.get(row).includes(word)) &&
        (!status || !status.value || row.dataset.status === status.value);
      row.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };
  text.addEventListener("input", filter);
  if (status) status.addEventListener("change", filter);
  filter();
}
