// Plain text on its way to the page. If this fails, readers see other characters than the model wrote, or markup runs.

import { describe, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { escapeText, PlainStream } from "../../../views/markdown/plain.ts";
import { seeded } from "../../seeded.ts";

const shown = (html: string): string =>
  parseHTML(`<!doctype html><html><body><div>${html}</div></body></html>`).document.querySelector("div")
    ?.textContent ?? "";

const alphabet = [
  "a",
  "Ü",
  "🦜",
  "👩‍👩‍👧",
  "\n",
  "\r",
  "\r\n",
  " ",
  "\t",
  "<",
  ">",
  "&",
  '"',
  "'",
  "&amp;",
  "<b>",
  "</div>",
  "\u2028",
  "e\u0301",
  "x".repeat(300),
  "🦜".repeat(300),
];

describe("escapeText", () => {
  test("markup stays text", () => {
    expect(escapeText(`<script>alert("x")</script> & '`)).toBe(
      "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#x27;",
    );
  });
  test("what HTML cannot carry becomes the replacement character", () => {
    expect(escapeText("a\0b\ud800c")).toBe("a\ufffdb\ufffdc");
  });
  test("a carriage return survives the HTML parser", () => {
    expect(escapeText("a\r\nb")).toBe("a&#13;\nb");
  });
});

describe("PlainStream", () => {
  test("whatever the cuts, finished parts and tail are the text, and a page that joins later has the same split", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const stream = new PlainStream();
      let text = "";
      let page = "";
      for (let i = 0; i < 40; i++) {
        const piece = Array.from({ length: random.below(6) }, () => random.pick(alphabet)).join("");
        text += piece;
        const { finished, tail } = stream.push(piece);
        page += finished;
        expect(shown(page + tail)).toBe(text);
        expect(PlainStream.parts(text)).toEqual({ finished: page, tail });
        expect(new PlainStream(text).push("!")).toEqual(new PlainStreamTwin(text).push("!"));
      }
    }
  });

  test("the tail, which is sent again at each flush, stays short in an endless line", () => {
    const stream = new PlainStream();
    let longest = 0;
    for (let i = 0; i < 1000; i++) longest = Math.max(longest, stream.push("wort ").tail.length);
    expect(longest).toBeLessThan(600);
  });

  test("no surrogate pair is cut", () => {
    const stream = new PlainStream("x");
    for (let i = 0; i < 600; i++) {
      const { finished, tail } = stream.push("🦜");
      expect((finished + tail).isWellFormed() && !(finished + tail).includes("\ufffd")).toBe(true);
    }
  });
});

/** A stream that has come as far piece by piece, one code unit at a time. */
class PlainStreamTwin {
  readonly #stream = new PlainStream();
  constructor(text: string) {
    for (const character of text) this.#stream.push(character);
  }
  push(piece: string) {
    return this.#stream.push(piece);
  }
}
