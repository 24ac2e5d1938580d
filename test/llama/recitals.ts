// The texts that the demo model recites, each under the word in a question that asks for it.
// Tests read them here, so they know every byte that must reach the browser.

import { dangers } from "../views/markdown/dangers.ts";

export interface Recital {
  /** The word that asks for it; the first recital whose word stands in the last message is chosen. */
  readonly word: string;
  /** Words that must stand in the system message as well. These recitals are looked at first. */
  readonly given?: string;
  /** The text, or its exact tokens where the cuts matter. Bytes `<0xNN>` stand for byte tokens. */
  readonly text: string | readonly string[];
  /** Thought before the answer. */
  readonly reasoning?: string;
  /** Goes on from its end to its second half for ever. */
  readonly endless?: true;
}

const greeting = `Good evening. I am Parrot, a very small model that recites a few texts by heart, so that you can see this room work before you bring a real one.

Ask me for a story, a poem in German ("Deutsch"), an emoji, something endless, or to think first. Whatever else you say, I shall say this again.

When you have seen enough, stop me and start again with a model of your own: make run MODEL=/path/to/model.gguf`;

const german = `Guten Abend! Ich bin ein sehr kleines Modell und sage nur auf, was ich auswendig weiß.

Über allen Gipfeln
Ist Ruh,
In allen Wipfeln
Spürest du
Kaum einen Hauch;
Die Vögelein schweigen im Walde.
Warte nur, balde
Ruhest du auch.`;

const story = `The lighthouse keeper had one visitor a year, and this was the evening.

She set two chairs by the lamp, although only one of them would be used, and put the kettle on. Far below, the sea turned its pages.

"You are late," she said, when the door finally opened.

"The tide kept me," said the fog, and sat down.`;

const rounds = `And so on it goes. The lamp turns and the water answers; the water turns and the lamp has nothing to add. A gull crosses the beam and is, for the length of one breath, made of silver.

Below, on the rocks, the tide is at work on a letter. It has been writing since before there were rocks, and it strikes out every line. The keeper reads what is left of it anyway, because somebody should, and because the nights are long up here and the lamp wants company.

"Dear shore," it begins, or seems to begin, "I meant to come sooner." Then comes the part with the foam, which nobody has ever made out, and a postscript about shells. By four o'clock the ink has dried to salt.

Morning puts a hand on the railing. Boats go out like sentences that know their verb. The keeper drinks cold tea, winds the clock, wipes the great glass eye from left to right, and writes into the book: wind from the west, visibility good, one letter received, not yet answered.

At noon a boy brings bread up the hundred and eleven steps and asks, as on any other day, whether the sea is bigger than yesterday. A little, says the keeper, who has measured it. They look out for a while. Nothing happens, splendidly.

Dusk again: matches, wick, brass, prayer. `;

/** Everything that Markdown has, as models write it. */
const markdown = `## How a lamp is wired

A lamp has **three parts**: a *source*, a \`switch\` and a [bulb](https://example.org/bulb). It costs $5 to $10.

1. Turn the power off.
2. Strip the wire:
   - brown is live,
   - blue is *neutral*.
3. Close the circuit.

| Part | Ohm | Price |
| :--- | --: | :---: |
| bulb | 240 | 2,50 € |
| switch | 0.1 | 4 € |

\`\`\`python
def resistance(parts):
    """Sums them up."""
    return sum(part.ohm for part in parts)  # in ohm
\`\`\`

By Ohm's law $I = \\frac{U}{R}$, so

$$P = U \\cdot I = \\frac{U^2}{R}$$

> Never work on a *live* wire.

- [x] power off
- [ ] bulb in

![The finished lamp](https://example.org/lamp.png)

Good light!`;

const think =
  "The person asks me to think. I know nothing by thinking, yet I can show how it looks: first a thought, then the answer.";

/** Words of a long text: numbered lines that never repeat. */
function longText(lines: number, first = 1): string {
  const words = [
    "amber",
    "birch",
    "cloud",
    "delta",
    "ember",
    "fjord",
    "grove",
    "heron",
    "inlet",
    "juniper",
    "knoll",
    "larch",
    "maple",
    "north",
    "otter",
    "plume",
  ];
  const line = (i: number) =>
    `${i}. ${words[i % 16]} ${words[(i * 7 + 3) % 16]} ${(i * 2654435761) % 9973} ${words[(i * 5 + 1) % 16]} ${(i * 40503) % 7919}`;
  return Array.from({ length: lines }, (_, i) => line(i + first)).join("\n");
}

/** Every recital. The last one, with the empty word, answers all other questions. */
export const recitals: Readonly<Record<string, Recital>> = {
  emoji: {
    word: "emoji",
    text: [
      "A parrot: ",
      "<0xF0>",
      "<0x9F>",
      "<0xA6>",
      "<0x9C>",
      " and a ",
      "family 👩‍👩‍👧",
      ", e",
      "\u0301",
      ". ",
      "Done",
      " ✓",
    ],
  },
  html: {
    word: "html",
    text: `<script>alert("parrot")</script> & &amp; &lt;b&gt; <img src=x onerror=alert(1)> </span></article> <hx-partial id=thread>gone</hx-partial> <!-- --> ]]> <head><title>stolen</title></head> {{x}} \${y}`,
  },
  json: {
    word: "json",
    text: [
      "true",
      "123",
      "null",
      `{"content":"x"}`,
      "[DONE]",
      `{"target":"body","content":"<b>y</b>","swap":"outerHTML"}`,
      "false",
      "-0.5e3",
      `"quoted"`,
    ],
  },
  spaces: {
    word: "spaces",
    text: [
      "   ",
      "three spaces first",
      ",\n",
      "\n\n",
      "\t",
      "tabbed",
      "  \n",
      "    indented",
      "\r\n",
      " ",
      "lone",
      "\u00a0",
      "nbsp",
      " \t ",
      "end  ",
      "\n \n",
    ],
  },
  separators: {
    word: "separators",
    text: [
      "a",
      "\u2028",
      "b",
      "\u2029",
      "c",
      "\u200b",
      "d",
      "\ufeff",
      "e",
      "\u202e",
      "f",
      "\u202c",
      "g",
      "\u0000".replace("\u0000", "\ufffd"),
      "h",
    ],
  },
  long: { word: "long", text: longText(600) },
  medium: { word: "medium", text: longText(150, 1001) },
  endless: { word: "endless", text: rounds, endless: true },
  markdown: { word: "lamp", text: markdown },
  dangers: { word: "harm", text: dangers.join("\n\n") },
  think: { word: "think", text: "There: that was a thought, and this is an answer.", reasoning: think },
  story: { word: "story", text: story },
  german: { word: "Deutsch", text: german },
  // of the adviser that has passages: a mill and a price that are not in them, then one that is
  adviserInvented: {
    word: "neu",
    given: "Produkte aus den Textstellen",
    text: "Die Nordhaus K9 ist eine Kaffeemühle mit Akku und Waage. Die Nordhaus K2 kostet 59,00 € [1].",
  },
  adviserGrinder: {
    word: "Kegelmahlwerk",
    given: "Produkte aus den Textstellen",
    text: "Ich empfehle dir die Nordhaus K2 für 89,00 €: Sie hat ein Kegelmahlwerk und fasst 250 g Bohnen.",
  },
  adviceGrinder: {
    word: "Kaffeemühle",
    given: "Nordhaus K2;Kaffeemühle;89,00 €",
    text: "Ich empfehle dir die Nordhaus K2 für 89,00 €: Sie hat ein Kegelmahlwerk und fasst 250 g Bohnen.",
  },
  adviceNone: {
    word: "",
    given: "Du bist ein Kaufberater",
    text: "Das steht nicht in meiner Liste. Sie kennt nur, was darin steht.",
  },
  alwaysGerman: {
    word: "",
    given: "Always answer in German",
    text: "Sehr gern, und zwar auf Deutsch: Ich bin ein Papagei und plappere nach.",
  },
  cited: {
    word: "Kündigungsfrist",
    text: "Der Vertrag kann mit einer Frist von drei Monaten zum Ende eines Monats gekündigt werden [1]. Die Miete kostet 840 Euro [2].",
  },
  // other words for what is there, a wrong number, another subject, other words without a source
  paraphrased: {
    word: "sinngemäß",
    text: "Der PKW und das Rad sind im Haus [1]. Der PKW und das Rad kosten 99 Euro [1]. Der Doktor hat Urlaub und Strom [1]. Fahrzeug und Rad sind im Haus.",
  },
  // a wrong number, a source that is not there, a sentence without a source
  miscited: {
    word: "Kaution",
    text: "Die Miete kostet 950 Euro [2]. Die Kaution wird verzinst [9]. Das ist fast überall so.",
  },
  // a quotation that is there, one that is not, a number in brackets that is no source; the brackets are cut apart
  quoted: {
    word: "wörtlich",
    text: [
      "Im Vertrag steht: „Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind“ ",
      "[",
      "3",
      "]",
      ". „Katzen sind willkommen“ ",
      "[3",
      "].",
      " In `liste[1]` ist keine Quelle.",
    ],
  },
  // no number: the first two stand in one document each, the third has a wrong number
  uncited: {
    word: "Hausmeister",
    text:
      "Die Miete kostet 840 Euro im Monat. Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind. " +
      "Die Frist der Kündigung ist vierzehn Monate und 5 Tage. Gern geschehen!",
  },
  // a wrong number at the beginning of an answer that does not end
  unfounded: {
    word: "Dauerlauf",
    text: `Die Miete kostet 950 Euro [1].\n\n${Array.from({ length: 200 }, (_, i) => `Runde ${i + 1} folgt.`).join("\n\n")}`,
    endless: true,
  },
  title: { word: "Give this conversation a title", text: `"A Small Bird at the Window."` },
  hallo: {
    word: "Hallo",
    text: "Hallo! Schön, dass du da bist. Sag „Deutsch“, und ich sage ein Gedicht auf.",
  },
  twenty: { word: "twenty", text: Array.from({ length: 20 }, (_, i) => ` t${i + 1}`) },
  greeting: { word: "", text: greeting },
};

/** Up to this many messages in a conversation, the word "count" is answered with their number. */
export const countsUpTo = 24;
export const countText = (messages: number): string => `${messages} messages were sent to me.`;

/** With up to this many pictures in a conversation, one in the last message or the word "pictures" is answered with their number. */
export const picturesUpTo = 8;
export const pictureText = (pictures: number): string =>
  pictures === 1 ? "I was shown one picture." : `I was shown ${pictures} pictures.`;

/** What is said to go on with an answer whose end is no piece of a recital. */
export const continuationText = " (here it goes on)";

/** The text of a recital as a reader must see it in the end: llama-server drops white space before the first word. */
export function textOf(name: keyof typeof recitals): string {
  const { text } = recitals[name] as Recital;
  if (typeof text === "string") return text.trimStart();
  const bytes = text.flatMap((piece) => {
    const byte = /^<0x([0-9A-F]{2})>$/.exec(piece)?.[1];
    return byte ? [Number.parseInt(byte, 16)] : [...new TextEncoder().encode(piece)];
  });
  return new TextDecoder().decode(new Uint8Array(bytes)).trimStart();
}
