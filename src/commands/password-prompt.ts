// Asks for a password on the terminal.

/** Reads one line of standard input, on a terminal without echo; null if there is none. */
export async function readPassword(): Promise<string | null> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return (await Bun.stdin.text()).split(/\r?\n/, 1)[0] || null;
  stderr.write("Password: ");
  stdin.setRawMode(true);
  let typed = "";
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    const text = chunk.toString();
    if (text.includes("\u0003")) break; // Ctrl-C: without one
    if (text.includes("\u007f")) typed = [...typed].slice(0, -1).join("");
    else typed += text;
    if (/[\r\n]/.test(text)) break;
  }
  stdin.setRawMode(false);
  stdin.unref();
  stderr.write("\n");
  return typed.replace(/[\r\n].*/s, "").replaceAll("\u0003", "") || null;
}
