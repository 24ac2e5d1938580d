// Questions that refer to the one before them. If this fails, "And for cellars?" is looked for without its subject,
// or a question that stands by itself is looked for with another one's words.

import { expect, test } from "bun:test";
import { isFollowUp, referredBy } from "../../src/documents/follow-up.ts";

test("a question refers to the one before by its form", () => {
  for (const question of [
    "Und für Keller?",
    "Und warum?",
    "Und die Kaution?",
    "Was ist mit Hunden?",
    "Wie ist es bei Regen?",
    "Im Winter?",
    "Für Garagen auch?",
    "Was kostet das?",
    "Ist das erlaubt?",
    "Wie hoch ist sie?",
    "Was gehört dazu?",
    "Wie lange gilt er?",
    "Wie hoch ist ihre Miete?",
    "Warum?",
    "And for cellars?",
    "What about the garage?",
    "How about dogs?",
    "For two months?",
    "How long is it?",
    "What is its price?",
    "Why is that?",
    "When do they expire?",
  ])
    expect({ question, refers: isFollowUp(question) }).toEqual({ question, refers: true });
});

test("a question that names its subject stands by itself", () => {
  for (const question of [
    "Wie lang ist die Kündigungsfrist?",
    "Gibt es einen Keller?",
    "Was ist die Elektrodynamik?",
    "Was kostet das Zimmer im Monat?",
    "In welchem Jahr starb Tesla?",
    "Wie finanzierte Tesla seine Arbeit?",
    "Was ist mit Normalkräften verbunden?",
    "Können Sie mir die Hausordnung zeigen?",
    "Mueller",
    "Und die Kaution, wenn ein Hund bei der Miete einzieht?",
    "What does error E24 mean?",
    "When did Victoria enact its constitution?",
    "Is there a rule that dogs stay outside?",
    "In which county is Jacksonville?",
  ])
    expect({ question, refers: isFollowUp(question) }).toEqual({ question, refers: false });
});

test("it refers to those before it, two at most; the first refers to none", () => {
  expect(referredBy(["Was kostet die Garage?", "Und für Keller?"])).toBe("Was kostet die Garage?");
  expect(referredBy(["Hunde?", "Was kostet die Garage?", "Und der Keller?", "Und im Jahr?"])).toBe(
    "Was kostet die Garage?\nUnd der Keller?",
  );
  expect(referredBy(["Was kostet die Garage?", "Wo ist der Keller?"])).toBe("");
  expect(referredBy(["Wo ist der Keller?", "and?", "and?", "why?"])).toBe("and?\nand?");
  expect(referredBy(["Und?"])).toBe("");
  expect(referredBy([])).toBe("");
});
