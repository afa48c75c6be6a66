// An appointment as a file that calendars read (RFC 5545). Times are in UTC, so that no calendar has to know
// the rules of a zone.

export interface Entry {
  id: string;
  startsAt: string;
  endsAt: string;
  title: string;
  place: string;
  note: string;
}

export function icsOf(entry: Entry, now = new Date()): string {
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//appointments//web//EN",
    "BEGIN:VEVENT",
    `UID:${entry.id}`,
    `DTSTAMP:${stamp(now)}`,
    `DTSTART:${stamp(new Date(entry.startsAt))}`,
    `DTEND:${stamp(new Date(entry.endsAt))}`,
    `SUMMARY:${escaped(entry.title)}`,
    `LOCATION:${escaped(entry.place)}`,
    `DESCRIPTION:${escaped(entry.note)}`,
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return lines.flatMap(folded).join("\r\n") + "\r\n";
}

export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/calendar;charset=utf-8" }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

function stamp(instant: Date): string {
  return instant.toISOString().replace(/[-:]|\.\d+/g, "");
}

function escaped(text: string): string {
  return text.replace(/[\\;,]/g, (sign) => `\\${sign}`).replace(/\r?\n/g, "\\n");
}

/** A line in pieces of at most 75 bytes, none of which cuts a character. */
function folded(line: string): string[] {
  const pieces = [""];
  const size = (text: string) => new TextEncoder().encode(text).length;
  for (const character of line) {
    if (size(pieces.at(-1)! + character) > 75) pieces.push(" ");
    pieces[pieces.length - 1] += character;
  }
  return pieces;
}
