// What is found about sentences in passages: where sentences end, what their numbers mean, whether quotations are
// word for word. If this fails, an invented number passes for one of the documents.

import { describe, expect, test } from "bun:test";
import { figureIndex, figuresIn, isFigureIn } from "../../src/domain/figures.ts";
import { Check } from "../../src/domain/grounding.ts";
import { languageOf } from "../../src/domain/language.ts";
import { areQuoted, quotable } from "../../src/domain/quotations.ts";
import { citationSign, sentenceEnds } from "../../src/domain/sentences.ts";
import { seeded } from "../seeded.ts";

describe("a sentence ends where another one begins; a citation behind a full stop is part of it", () => {
  /** Sentences are separated by `|`, citations are `#`. */
  const cases = [
    "Eins ist da. |Zwei ist da! |Drei?",
    "Das gilt z. B. am 3. März. |Es ist so, d.h. immer.",
    "Nach Nr. 5 und Abs. 2 ist Dr. Müller gefragt. |Er kommt.",
    "Das kostet ca. 5 Mio. Euro. |Es lohnt sich.",
    "Es waren 3.500 Leute. |Davon 1,5 Prozent.",
    "Im Jahr 2024. |Dann nicht mehr.",
    "Am Sa. 5 Uhr in der Hauptstr. 5 bei Meier & Co. KG. |Am 5. Jan. 2024 nicht.",
    "Ludwig XIV. war König. |Er baute.",
    "A. Merkel sprach. |Dann sie.",
    "This holds, e.g. on the 3rd. |Mr. Smith agrees.",
    "It costs $3.50. |Then it was 12. |The next one follows.",
    "See fig. 3 and no. 4. |The answer is no. |Really.",
    "Eins. [#] |Zwei #. |Drei#",
    "Eins. ## |Zwei.#, # |Drei.",
    "„Kommt herein. Setzt euch.“ sagte er. |Dann ging er.",
    "Er sagt „Ja.“ |Sie geht.",
    "Halt! rief er. |Dann nicht.",
    "Warte … dann weiter. |Und … |Nun gut.",
    "これは文です。|次の文です。",
    "ohne Punkt",
    "3. März und 4. April",
  ];
  for (const marked of cases)
    test(marked, () => {
      const parts = marked.replaceAll("[#]", citationSign).replaceAll("#", citationSign).split("|");
      const text = parts.join("");
      const ends = sentenceEnds(text, true);
      const found = [0, ...ends].map((from, i) => text.slice(from, ends[i]).trim());
      expect(found).toEqual(parts.map((part) => part.trim()));
    });

  test("what is open at the end of a text that grows ends nothing, and nothing is taken back", () => {
    for (const marked of cases) {
      const text = marked.replaceAll("|", "").replaceAll("#", citationSign);
      const all = sentenceEnds(text, true);
      let before: readonly number[] = [];
      for (let end = 0; end <= text.length; end++) {
        const ends = sentenceEnds(text.slice(0, end), false);
        expect({ marked, end, ends: ends.slice(0, before.length) }).toEqual({
          marked,
          end,
          ends: [...before],
        });
        before = ends;
      }
      expect(before.every((end) => all.includes(end))).toBe(true);
    }
  });
});

describe("numbers are the same however they are written", () => {
  const cases: [sentence: string, passage: string, found: boolean][] = [
    ["Es sind 1.500 Euro.", "Die Miete ist 1500 Euro.", true],
    ["Es sind 1 500 Euro.", "Das ist der Preis: 1.500 €.", true],
    ["It is 1,500 dollars.", "The price is $1500.", true],
    ["It is 1.5 percent.", "Das ist der Anteil: 1,5 %.", true],
    ["Es ist die 1.500.", "It is 1.5 of the whole.", false],
    ["Es sind 3,5 Zimmer.", "It has 3.5 rooms.", true],
    ["Es sind 5 Zimmer.", "Es sind 15 Zimmer und 2,5 Bäder.", false],
    ["Es war am 12.03.2024.", "Es war am 12. März 2024.", true],
    ["It was on March 12, 2024.", "Es war am 12.03.2024.", true],
    ["Es war am 12.04.2024.", "Es war am 12. März 2024.", false],
    ["Es war am 12. April.", "Es war am 12. März 2024.", false],
    ["It was 2024-03-12.", "It was on 12 March 2024.", true],
    ["Es sind 3,5 Millionen.", "Es waren 3.500.000 Leute in der Stadt.", true],
    ["Es sind 3 Milliarden.", "Es sind 3 Millionen.", false],
    ["Es sind 3 Monate.", "Es sind drei Monate.", true],
    ["Es ist 1 Monat.", "Es ist ein Monat.", true],
    ["Es sind 3 Monate.", "Es sind 3 Wochen.", false],
    ["Es ist um 14:30 Uhr.", "Beginn ist um 14.30 Uhr.", true],
    ["Es ist um 14:45 Uhr.", "Beginn ist um 14.30 Uhr.", false],
    ["It is at 2:30 pm.", "Beginn ist um 14:30 Uhr.", true],
    ["It is at 2:30 pm.", "It is at 2:30 am.", false],
    ["It is at 17:00.", "It is at 5 p.m.", true],
    ["It is at 5 pm.", "It is at 5.", true],
    ["Es ist um 5 am Bahnhof.", "Es ist um 5 Uhr.", true],
    ["Es sind 80 m² und 5 m³.", "Die Fläche ist 80 Quadratmeter, es sind 5 Kubikmeter.", true],
    ["Es ist M3.", "Das ist im März.", false],
    ["Es ist A4.", "Das Format ist A5.", false],
    ["Es ist A4.", "Das Format ist A4.", true],
    ["Es sind 840 Euro.", "EUR 840,00 im Monat, das ist es.", true],
    ["It is the 18th century.", "It is about 18 centuries.", true],
  ];
  for (const [sentence, passage, found] of cases)
    test(`${sentence} – ${passage}`, () => {
      const figures = figuresIn(sentence, languageOf(sentence));
      expect(figures.length).toBeGreaterThan(0);
      const index = figureIndex(passage, languageOf(passage));
      expect(figures.every((figure) => isFigureIn(figure, [index]))).toBe(found);
    });
});

describe("quotations are looked up word for word", () => {
  const passage = quotable(
    "Ein Hund darf nur gehalten werden, wenn die Nach-\nbarn ein\u00adverstanden sind. Der Eﬀekt\nist “groß”. Es ist kein Monat.",
  );
  const cases: [text: string, found: boolean][] = [
    ["Da steht „ein Hund darf nur gehalten  werden, wenn die Nachbarn einverstanden sind“.", true],
    ['It says "der Effekt ist groß".', true],
    ["Da steht »Hund darf nicht gehalten werden«.", false],
    ["Da steht „ein Hund darf … einverstanden sind“.", true],
    ["Da steht „einverstanden sind … ein Hund darf“.", false],
    ["Da steht „ein Monat“.", false],
    ["Das ist ein „Effektchen“.", true],
    ["Nichts ist zitiert.", true],
    ["Offen ist „ein Hund und mehr.", true],
  ];
  for (const [text, found] of cases) test(text, () => expect(areQuoted(text, [passage]) ?? true).toBe(found));
});

const source = (n: number, text: string, headings: readonly string[] = []) => ({
  ...({ kind: "source", n, passage: `${n}`, document: `d${n}.md`, page: 1 } as const),
  ...{ headings, text },
});
const sources = [
  source(1, "Die Frist ist drei Monate zum Ende eines Monats.", ["Vertrag", "§ 3 Kündigung"]),
  source(2, "Die Miete kostet 840 Euro im Monat und ist am 3. Werktag fällig."),
  source(3, "The house was built in 1954 by John Miller. It has twelve rooms and a large garden."),
  source(4, "Die Garage kostet 60 Euro im Monat."),
];

describe("verdicts", () => {
  const cases: [sentence: string, cites: number[], verdict: string][] = [
    ["Die Miete kostet 840 Euro.", [2], "supported"],
    ["Die Miete kostet 950 Euro.", [2], "unsupported"],
    ["Die Miete kostet 840 Euro.", [1], "unsupported"],
    ["Die Miete kostet 840 Euro.", [1, 2], "supported"],
    ["Die Kündigungsfrist beträgt 3 Monate.", [1], "supported"],
    ["Die Kündigungsfrist beträgt 3 Jahre.", [1], "unsupported"],
    ["Die Miete kostet 840 Euro im Monat.", [], "supported by 2"],
    ["Die Miete kostet 841 Euro im Monat.", [], "unsourced"],
    ["The house was built in 1954.", [], "supported by 3"],
    ["Das ist fast überall so.", [], "unsourced"],
    ["Ein Hund bellt im Garten.", [2], "unsupported"],
    ["Ja.", [2], "none"],
    ["Quellen: , ", [1, 2], "none"],
    ["Siehe dazu.", [2], "none"],
    ["Im Dokument ist kein Hund erlaubt.", [], "unsourced"],
    ["Ich hoffe, das hilft.", [], "none"],
    ["Hast du weitere Fragen?", [], "none"],
    ["Here is a short summary:", [], "none"],
    ["In den Textstellen steht nichts dazu.", [], "none"],
    ["The passages do not mention a swimming pool.", [], "none"],
    ["Laut Vertrag beträgt die Kündigungsfrist jeweils drei Monate zum Monatsende.", [1], "supported"],
    // another language: only numbers can be compared
    ["The rent is 840 euros and due to the landlord.", [2], "none"],
    ["The rent is 850 euros and due to the landlord.", [2], "unsupported"],
    ["It says that “Die Miete kostet 840 Euro” and nothing else about it.", [2], "supported"],
    ["房租是八百四十欧元。", [2], "none"],
  ];
  for (const [sentence, cites, verdict] of cases)
    test(`${sentence} [${cites}] is ${verdict}`, () => {
      const found = new Check(sources).of(sentence, cites);
      const by = found.kind === "supported" && found.by !== null ? ` by ${found.by}` : "";
      expect(found.kind + by).toBe(verdict);
    });
});

test("where two passages come equally near, parlor adds no number", () => {
  const same = [
    source(1, "Die Miete kostet 840 Euro im Monat."),
    source(2, "Die Miete kostet 840 Euro im Monat."),
  ];
  expect(new Check(same).of("Die Miete kostet 840 Euro.", [])).toEqual({ kind: "supported", by: null });
});

test("any text has a verdict, in bounded time", () => {
  const atoms = [
    "1.500",
    "12.03.2024",
    "„",
    "“",
    '"',
    "»",
    "«",
    ".",
    "!",
    "…",
    " ",
    "\n",
    "\u00ad",
    "\ud800",
    "\0",
    "ﬁ",
  ];
  const words = [
    "Miete",
    "840",
    "the",
    "und",
    citationSign,
    "€",
    "[1]",
    "z.",
    "B.",
    "½",
    "é",
    "家",
    "٣",
    "-",
    "’",
    "%",
  ];
  for (let seed = 0; seed < 500; seed++) {
    const { pick, below } = seeded(seed);
    const text = Array.from({ length: below(80) }, () => pick([...atoms, ...words])).join(pick(["", " "]));
    for (const end of sentenceEnds(text, below(2) === 0)) expect(end).toBeLessThanOrEqual(text.length);
    new Check([source(1, text)]).of(text, below(2) === 0 ? [1] : []);
  }
  const hostile = [
    "„",
    "“ ",
    "1. ",
    "a.b. ",
    "1.000 ",
    '" ',
    "a-",
    "Äö",
    "x".repeat(50),
    `${citationSign}.`,
    "…",
    "\n",
  ];
  for (const atom of hostile) {
    const text = atom.repeat(128_000 / atom.length);
    const startedAt = performance.now();
    sentenceEnds(text, true);
    sentenceEnds(text, false);
    new Check([source(1, text)]).of(text, [1]);
    expect({ atom, ms: performance.now() - startedAt < 3_000 }).toEqual({ atom, ms: true });
  }
});
