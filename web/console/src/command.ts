// The command line that does what a dialog is about to do: to learn from, to script, to keep.
export function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function curl(origin: string, method: string, path: string, body: unknown): string {
  const lines = [
    `curl -X ${method} ${quoted(origin + path)}`,
    '-H "Authorization: Bearer $TOKEN"',
    "-H 'Content-Type: application/json'",
    `-d ${quoted(JSON.stringify(body))}`,
  ];
  return lines.join(' \\\n  ');
}
