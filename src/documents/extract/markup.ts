// A scanner for XML, and character references. It holds no tree and expands no entities of a document, so
// that its work and memory grow with the length of the text alone. Pure.

/** What the scanner found, in order. Names come without their namespace's prefix. */
export interface MarkupHandler {
  open(name: string, attributes: string): void;
  close(name: string): void;
  /** Text between two tags, with its character references decoded. */
  text(text: string): void;
}

/** Scans XML, well-formed or not. What is no tag, text or CDATA is skipped. */
export function scan(xml: string, handler: MarkupHandler): void {
  for (let at = 0; at < xml.length; ) {
    const tag = xml.indexOf("<", at);
    if (tag > at || tag < 0) handler.text(decodeReferences(xml.slice(at, tag < 0 ? undefined : tag)));
    if (tag < 0) return;
    if (xml.startsWith("<![CDATA[", tag)) {
      const end = xml.indexOf("]]>", tag);
      handler.text(xml.slice(tag + 9, end < 0 ? undefined : end));
      at = end < 0 ? xml.length : end + 3;
    } else if (xml.startsWith("<!--", tag)) at = after(xml, "-->", tag + 4);
    else if (xml.startsWith("<?", tag)) at = after(xml, "?>", tag);
    else {
      const end = tagEnd(xml, tag);
      if (xml[tag + 1] !== "!") report(xml.slice(tag + 1, end), handler);
      at = end + 1;
    }
  }
}

function after(xml: string, mark: string, from: number): number {
  const at = xml.indexOf(mark, from);
  return at < 0 ? xml.length : at + mark.length;
}

/** Where the tag's `>` is; one in quotes is a part of an attribute. */
function tagEnd(xml: string, tag: number): number {
  for (let at = tag + 1; at < xml.length; at++) {
    const sign = xml[at];
    if (sign === ">") return at;
    if (sign !== '"' && sign !== "'") continue;
    at = xml.indexOf(sign, at + 1);
    if (at < 0) return xml.length;
  }
  return xml.length;
}

function report(tag: string, handler: MarkupHandler): void {
  const [, slash, name, attributes = ""] = /^(\/?)(?:[\w.-]+:)?([\w.-]+)(.*)$/s.exec(tag) ?? [];
  if (name === undefined) return;
  if (!slash) handler.open(name, attributes);
  if (slash || attributes.endsWith("/")) handler.close(name);
}

/** One expression for each name of an attribute that was asked for. */
const expressions = new Map<string, RegExp>();

/** An attribute's value, by its name without prefix; null when it is missing. */
export function attribute(attributes: string, name: string): string | null {
  let expression = expressions.get(name);
  if (!expression) {
    expression = new RegExp(`(?:^|[\\s:])${name}\\s*=\\s*("[^"]*"|'[^']*')`);
    expressions.set(name, expression);
  }
  const [, quoted] = expression.exec(attributes) ?? [];
  return quoted === undefined ? null : decodeReferences(quoted.slice(1, -1));
}

const references = new Map<string, string>();

/** Text with `&…;` as the characters that HTML and XML know by these names and numbers. */
export function decodeReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([A-Za-z][A-Za-z\d]{1,31}));/g,
    (all, decimal?: string, hex?: string, name?: string) =>
      name === undefined
        ? character(decimal === undefined ? Number.parseInt(hex as string, 16) : Number(decimal))
        : named(all),
  );
}

function character(code: number): string {
  if (code >= 128 && code < 160) return new TextDecoder("windows-1252").decode(Uint8Array.of(code));
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : "\uFFFD";
}

/** Bun's Markdown parser knows all names of HTML. It escapes four characters in what it returns. */
function named(reference: string): string {
  const known = references.get(reference);
  if (known !== undefined) return known;
  const html = Bun.markdown.html(reference).replace(/^<p>|<\/p>\n?$/g, "");
  const escapes: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"' };
  const decoded = reference === "&apos;" ? "'" : (escapes[html] ?? (html.includes(";") ? reference : html));
  if (references.size < 5_000) references.set(reference, decoded);
  return decoded;
}
