// What models write, as a reader expects to see it: addresses, emphasis in every script, formulas, tags, numbers. If this fails, an answer says
// something else on the page than the model wrote.

import { describe, expect, test } from "bun:test";
import { parseHTML } from "linkedom";
import { markdownHtml } from "../../../views/markdown/html.ts";
import { MarkdownStream } from "../../../views/markdown/stream.ts";
import { seeded } from "../../seeded.ts";

const bodyOf = (text: string): HTMLElement =>
  parseHTML(`<!doctype html><html><body>${markdownHtml(text)}</body></html>`).document.body;
const textOf = (text: string): string => (bodyOf(text).textContent ?? "").trim();
/** Where the links lead, as a browser has it. */
const linksOf = (text: string): string[] =>
  [...bodyOf(text).querySelectorAll("a")].map((a) => new URL(a.getAttribute("href") ?? "").href);
/** What is in elements of this name. */
const within = (name: string, text: string): string[] =>
  [...bodyOf(text).querySelectorAll(name)].map((element) => element.textContent ?? "");

/** The first tag of some HTML that pairs with none. */
function unpaired(html: string): string | null {
  const open: string[] = [];
  for (const [tag, close, name = ""] of html.matchAll(/<(\/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>/g)) {
    if (name === "br" || name === "hr" || name === "input") continue;
    if (close === "") open.push(name);
    else if (open.pop() !== name) return tag;
  }
  return open[0] ?? null;
}

describe("every tag pairs", () => {
  const atoms =
    "** * _ __ *** ~~ ~ ` ``` | # - > [ ] ( ) ![ ](x) < > \\ & $ $$ \\( \\) \\[ \\] 「 」 重 要 ： word a.b 1. 100. <kbd> </kbd> <sub> </sub> <u> </u> <B> </b> <del> </del> <br> <summary> </summary> <!-- --> <script> </div> </p> https://e.org/a www.x.y/z a@e.org $x^2$ \\boxed{1} \\begin{align} \\end{align} [r]"
      .split(" ")
      .concat([
        "\n",
        "\n",
        "\n\n",
        "\n> ",
        "\n- ",
        "\n  ",
        "    ",
        " ",
        " ",
        "\n| a | b |\n|--|--|\n",
        "\n<details>\n",
        "<details open>",
        "\n</details>\n",
        "\n```js\n",
        "[r]: http://y\n",
        "<details><summary>",
      ]);
  for (let part = 0; part < 10; part++) {
    test(`random texts ${part}, whole and in pieces: nothing reaches beyond its message`, () => {
      for (let seed = part * 300; seed < part * 300 + 300; seed++) {
        const { pick, below } = seeded(seed);
        const text = Array.from({ length: 3 + below(40) }, () => pick(atoms)).join("");
        expect({ text, unpaired: unpaired(markdownHtml(text)) }).toEqual({ text, unpaired: null });
        const stream = new MarkdownStream("", () => 0);
        for (let i = 0; i < text.length; i += 5) {
          for (const change of stream.push(text.slice(i, i + 5)))
            if ("html" in change && change.kind !== "finish" && change.kind !== "code")
              expect({ text, unpaired: unpaired(change.html) }).toEqual({ text, unpaired: null });
          expect({ text, unpaired: unpaired(stream.html) }).toEqual({ text, unpaired: null });
        }
      }
    });
  }

  for (const text of [
    "**https://e.org/a**",
    "~~https://e.org/a~~",
    "__a@e.org__",
    "***https://e.org/a***",
    "- **https://e.org/a**",
    "| a |\n|--|\n| **https://e.org/a** |",
  ])
    test(`${JSON.stringify(text)}: the mark ends where the address does`, () => {
      expect(unpaired(markdownHtml(text))).toBeNull();
      expect(textOf(text).replace(/\s+/g, "")).toMatch(/^a?(?:https:\/\/e\.org\/a|a@e\.org)$/);
      expect(linksOf(text)).toEqual([text.includes("@") ? "mailto:a@e.org" : "https://e.org/a"]);
    });
});

describe("an address is what an address bar takes", () => {
  const same =
    "http://localhost:8080/v1 https://en.wikipedia.org/wiki/Gear_(mechanics) https://www.bücherei.example/ü?q=öl https://e.org/a,b https://e.org/#/route https://e.org/a:b https://e.org/@user/x http://[::1]:8080/x http://127.0.0.1:1234 https://e.org?a=1&b=2#c https://e.org/a;b=c https://e.org/a%20b https://e.org/a_b_c https://e.org/_a_/ https://e.org/a*x*y/ https://e.org/a~b~c https://e.org/a[0]=1 https://e.org/l'eau HTTPS://E.ORG/a https://ja.wikipedia.org/wiki/日本 https://例え.jp/a https://user:pw@e.org/x https://e.org/$a$b https://사이트.한국/길 mailto:a@e.org".split(
      " ",
    );
  for (const address of same)
    for (const [before, behind] of [
      ["", ""],
      ["See ", "."],
      ["(", ")"],
      ['"', '"'],
      ["“", "”"],
      ["请看", "。好"],
      ["**", "**"],
      ["*", "*"],
      ["- ", ", and"],
      ["> ", "!"],
      ["<", ">"],
      ["'", "'"],
    ] as const)
      test(`${before}${address}${behind}`, () => {
        expect(linksOf(`${before}${address}${behind}`)).toEqual([new URL(address).href]);
        expect(textOf(`${before}${address}${behind}`)).toContain(address);
      });
  const others: readonly (readonly [string, readonly string[]])[] = [
    ["max.müller@example.com", ["mailto:max.m%C3%BCller@example.com"]],
    ["联系max@e.org吧", ["mailto:max@e.org"]],
    ["www.e.org/a", ["http://www.e.org/a"]],
    ["https://example.com查看", ["https://example.com/"]],
    ["http://localhost:3000查看", ["http://localhost:3000/"]],
    ["http://e.org,http://f.org", ["http://e.org/", "http://f.org/"]],
    ["https://e.org/a\\_b", ["https://e.org/a_b"]],
    ["https://e.org/?a=1&amp;b=2", ["https://e.org/?a=1&b=2"]],
    ["https://e.org/a...", ["https://e.org/a"]],
    ["[https://e.org](https://f.org)", ["https://f.org/"]],
    ["`https://e.org` https:// ftp://e.org javascript:alert(1) a@b xhttps://e.org @a", []],
    ["```\nhttps://e.org\n```\n\n    https://e.org a@e.org", []],
  ];
  test("is shown as Markdown would show it", () =>
    expect(textOf("https://e.org/a\\_b?a=1&amp;b=2")).toBe("https://e.org/a_b?a=1&b=2"));
  for (const [text, links] of others) test(text, () => expect(linksOf(text)).toEqual([...links]));
});

describe("emphasis in scripts that put no space between words", () => {
  const strong: readonly (readonly [string, readonly string[]])[] = [
    ["これは**「重要」**です。", ["「重要」"]],
    ["- **注意：**先保存", ["注意："]],
    ["这是**“重要”**的，**我想做的事。**所以", ["“重要”", "我想做的事。"]],
    ["문서를 **마크다운(Markdown)**을 쓴다", ["마크다운(Markdown)"]],
    ["**テスト**。テスト、**テスト？**テスト", ["テスト", "テスト？"]],
    ["| 名 |\n|--|\n| 是**（甲）**的 |", ["（甲）"]],
    ["`**「a」**b` and 2**3**4 and a ** b", ["3"]],
  ];
  for (const [text, found] of strong) test(text, () => expect(within("strong", text)).toEqual([...found]));
  test("two tildes strike, one says about", () => {
    expect(markdownHtml("18~22 度、40~55")).toBe("<p>18~22 度、40~55</p>\n");
    expect(textOf("~/bin and ~5, `a~b`, [x](http://e.org/~me)")).toBe("~/bin and ~5, a~b, x");
    expect(linksOf("[x](http://e.org/~me/~)")).toEqual(["http://e.org/~me/~"]);
    expect(within("del", "~~no~~ は~~「不」~~で ~a~")).toEqual(["no", "「不」"]);
    expect(within("code", "~~~\na ~ b\n~~~")).toEqual(["a ~ b\n"]);
  });
});

describe("formulas are set, or stand as they were written", () => {
  for (const text of [
    "> \\[\n> x^2\n> \\]",
    "> > - \\[\n> >   x\n> >   + y\n> >   \\]",
    "1. a\n   $$\n   x\n   $$",
    "$\\boxed{17}$",
    "so \\boxed{17}.",
    "$$x\\tag{3}$$",
    "$\\cancel{6}$",
    "\\begin{align}a&=b\\\\c&=d\\end{align}",
  ])
    test(JSON.stringify(text), () => {
      expect(bodyOf(text).querySelectorAll("math").length).toBe(1);
      expect(markdownHtml(text)).not.toContain("\\");
    });
  test("a box and what is cancelled have classes of ours", () => {
    expect(bodyOf("$\\boxed{17}$").querySelector(".boxed")?.textContent).toBe("17");
    expect(bodyOf("$\\cancel{6}$").querySelector(".cancel")?.textContent).toBe("6");
  });
  for (const text of ["$\\def\\a{b}\\a\\,\\{$", "\\(\\enclose{x}\\_\\)", "$$\\frac{$$"])
    test(`${text} stays as it was`, () => expect(textOf(text)).toBe(text));
  test("in code each line is what it was", () => {
    expect(within("pre", "    \\[\n    x\n    \\] $a$ <kbd> https://e.org\n")).toEqual([
      "\\[\nx\n\\] $a$ <kbd> https://e.org\n",
    ]);
    expect(within("pre", "> ~~~\n> \\[\n>  x\n> \\]\n> ~~~")).toEqual(["\\[\n x\n\\]\n"]);
    expect(within("code", "`\\(a\\)` ``<b>$x$</b>``")).toEqual(["\\(a\\)", "<b>$x$</b>"]);
  });
});

describe("tags that people write into Markdown", () => {
  test("those of the list are elements, paired and without attributes", () => {
    expect(
      markdownHtml("<kbd>Ctrl</kbd> H<sub>2</sub>O x<sup>2</sup> <u>u</u> <mark>**m**</mark> a<br/>b"),
    ).toBe(
      "<p><kbd>Ctrl</kbd> H<sub>2</sub>O x<sup>2</sup> <u>u</u> <mark><strong>m</strong></mark> a<br>b</p>\n",
    );
  });
  test("what folds stands around blocks", () => {
    const fold = bodyOf(
      "Look:\n<details>\n<summary>More **here**</summary>\n\n- a\n\n```js\nlet a;\n```\n\n</details>\n\nAfter",
    );
    expect(fold.querySelector("details > summary")?.innerHTML).toBe("More <strong>here</strong>");
    expect(fold.querySelector("details > ul > li")?.textContent).toBe("a");
    expect(fold.querySelector("details > .code pre")?.textContent).toBe("let a;\n");
    expect(fold.lastElementChild?.outerHTML).toBe("<p>After</p>");
  });
  test("comments are not shown, in one line or over several paragraphs; one without an end is text", () => {
    expect(textOf("a<!-- b\nc -->d")).toBe("ad");
    expect(textOf("<!-- a\n\n- b -->\n\nc")).toBe("c");
    expect(textOf("a <!-- b")).toBe("a <!-- b");
  });
  for (const text of [
    "<kbd>a",
    "a</kbd>",
    '<kbd class="x">a</kbd>',
    "<script>a</script>",
    "<div>a</div>",
    "<u>a **b</u> c**",
    "<b>a</b>",
    "<p>a</p>",
  ])
    test(`${text} is text`, () => expect(textOf(text)).toBe(text.replaceAll("**", "")));
  test("escaped they are text, too", () => expect(textOf("\\<kbd>a\\</kbd>")).toBe("<kbd>a</kbd>"));
});

describe("a footnote is shown", () => {
  for (const [before, note, behind] of [
    ["", "Wikipedia", ""],
    ["", 'https://e.org/a "T"', ""],
    ["> ", "Duden", ""],
    ["- ", "12", ""],
    ["1. ", "重要", ""],
    ["", "18~22", "\n[^2]: b"],
  ] as const)
    test(`${before}[^1]: ${note}`, () => {
      const text = `a[^1]\n\n${before}[^1]: ${note}${behind}`;
      expect(textOf(text)).toContain(`[^1]: ${note}`);
      expect(textOf(text)).toStartWith("a[^1]");
      const stream = new MarkdownStream();
      for (const character of text) stream.push(character);
      expect(stream.end(text).filter(({ kind }) => kind === "replace")).toEqual([]);
    });
  test("its address is a link, and its words are no target", () =>
    expect(linksOf("a[^1]\n\n[^1]: https://e.org/a")).toEqual(["https://e.org/a"]));
  test("in code it is what it was", () =>
    expect(within("code", "```\n[^1]: Wikipedia\n```\n\n    [^1]: a")).toEqual([
      "[^1]: Wikipedia\n",
      "[^1]: a\n",
    ]));
});

test("a dash behind an address is not part of it", () =>
  expect(["See https://e.org/a—it says", "https://e.org/a–", "https://e.org/b–c"].flatMap(linksOf)).toEqual([
    "https://e.org/a",
    "https://e.org/a",
    "https://e.org/b%E2%80%93c",
  ]));

test("lists, quotes and tables run as their own first letters do", () => {
  const body = bodyOf("Llama هو نموذج\n\n- مرحبا\n\n1. مرحبا\n\n> مرحبا\n\n| اسم |\n|--|\n| a |");
  expect(
    [..."ul ol blockquote table".split(" ")].map((name) => body.querySelector(name)?.getAttribute("dir")),
  ).toEqual(["auto", "auto", "auto", "auto"]);
});

test("a number has room for all of its digits, from the first item that has more", () => {
  expect([...bodyOf("100. a").querySelectorAll("li")].map((li) => li.className)).toEqual(["d3"]);
  expect([...bodyOf("999999999. a").querySelectorAll("li")].map((li) => li.className)).toEqual(["d9"]);
  const counted = [
    ...bodyOf(Array.from({ length: 101 }, (_, i) => `${i + 1}. a`).join("\n")).querySelectorAll("li"),
  ].map((li) => li.className);
  expect(counted.slice(97)).toEqual(["", "", "d3", ""]);
});

test("whatever stands in code comes out as it was, wherever the code stands, and no place of ours is left over", () => {
  const atoms =
    "\\[ \\] $ $$ \\( \\) $x$ **「a」** ~ ~~ <kbd> </kbd> <!-- --> <details> https://e.org/a www.x.y a@b.cd \\boxed{1} > - 重 a &amp; [r] [r]: ](x) {".split(
      " ",
    );
  const containers: readonly ((lines: string[]) => string)[] = [
    (lines) => ["```", ...lines, "```"].join("\n"),
    (lines) => ["~~~", ...lines, "~~~"].join("\n"),
    (lines) => lines.map((line) => `    ${line}`).join("\n"),
    (lines) => ["> ```", ...lines.map((line) => `> ${line}`), "> ```"].join("\n"),
    (lines) => ["1. a", "   ```", ...lines.map((line) => `   ${line}`), "   ```"].join("\n"),
    (lines) => ["> - a", ">   ~~~", ...lines.map((line) => `>   ${line}`), ">   ~~~"].join("\n"),
    (lines) => ["> a", ">", ...lines.map((line) => `>     ${line}`)].join("\n"),
  ];
  for (let seed = 0; seed < 2_000; seed++) {
    const { pick, below } = seeded(seed);
    const lines = Array.from(
      { length: 1 + below(5) },
      () => `x${Array.from({ length: 1 + below(5) }, () => pick(atoms)).join(pick(["", " "]))}`,
    );
    const before = pick(["", "a\n\n", "a $ b \\[ c https://e.org/ <kbd> ~ <!--\n\n"]);
    const text = before + (pick(containers) as (typeof containers)[number])(lines);
    const html = markdownHtml(text);
    expect(html).not.toMatch(/[\ufdd0\ufdd1\ufdd7-\ufdef]|%EF%B7/);
    expect({ text, code: within("pre", text) }).toEqual({ text, code: [`${lines.join("\n")}\n`] });
  }
});
