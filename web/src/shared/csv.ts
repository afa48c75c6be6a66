// Tables as files for spreadsheets: RFC 4180, and nothing in them that a spreadsheet would carry out.

// A cell that begins so is a formula to a spreadsheet, whoever wrote it. Spreadsheets look behind blanks,
// and take wide letters for narrow ones.
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/u;

export function csvOf(rows: readonly (readonly string[])[]): string {
  // By the mark at its beginning spreadsheets know that the file is UTF-8.
  return `\uFEFF${rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("")}`;
}

function cell(value: string): string {
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n']|^\s|\s$/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Has the browser keep a file. */
export function saveFile(name: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
