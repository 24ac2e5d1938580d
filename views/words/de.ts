// The words of the chat page in German.

import { attachmentsDe } from "./attachments-de.ts";
import type { Words } from "./catalogue.ts";
import { failuresDe, samplingDe } from "./failures-de.ts";
import { groundingDe } from "./grounding.ts";
import { houseDe } from "./house-de.ts";
import { libraryDe } from "./library.ts";
import { shortNumber, type WaitWords, waitIn } from "./numbers.ts";
import { sourcesDe } from "./sources.ts";

const waitWords: WaitWords = {
  few: "ein paar Sekunden",
  upTo: (most) => `bis zu ${most}`,
  about: (most) => `etwa ${most}`,
  to: "bis",
};
const number = (value: unknown) => shortNumber(Number(value), "de");

export const de: Words = {
  lang: "de",
  zone: null,
  conversation: "Unterhaltung",
  conversations: "Unterhaltungen",
  newChat: "Neuer Chat",
  search: "Suchen",
  nothingFound: "Nichts gefunden",
  pinned: "Angeheftet",
  today: "Heute",
  yesterday: "Gestern",
  lastDays: (days) => `Letzte ${days} Tage`,
  options: "Optionen",
  name: "Name",
  rename: "Umbenennen",
  pin: "Anheften",
  unpin: "Lösen",
  removed: "Unterhaltung gelöscht.",
  pruned: "Nachricht gelöscht, mit allem danach.",
  undo: "Rückgängig",
  exportAs: "Exportieren als",
  exportAll: "Alle exportieren",
  import: "Datei importieren",
  imported: (added, known) =>
    `${number(added)} ${added === 1 ? "Unterhaltung" : "Unterhaltungen"} importiert` +
    `${known > 0 ? `, ${number(known)} schon vorhanden` : ""}.`,
  message: "Nachricht",
  placeholder: "Frag etwas",
  send: "Senden",
  attachments: attachmentsDe,
  library: libraryDe,
  stop: "Stopp",
  stopping: "Hält an …",
  tryAgain: "Nochmal versuchen",
  continue: "Fortsetzen",
  regenerate: "Neu generieren",
  copy: "Kopieren",
  copied: "Kopiert",
  notCopied: "Kopieren nicht möglich: bitte den Text markieren",
  delete: "Löschen",
  edit: "Bearbeiten",
  askAnew: "Frage stellen",
  cancel: "Abbrechen",
  previousBranch: "Vorige Fassung",
  nextBranch: "Nächste Fassung",
  earlier: "Frühere Nachrichten …",
  you: "Du",
  assistant: "Antwort",
  wrap: "Umbrechen",
  taskDone: "erledigt",
  taskOpen: "zu tun",
  thinking: (seconds) => (seconds === 0 ? "Denkt nach …" : `Denkt nach … ${seconds} s`),
  thought: (seconds) => (seconds ? `Nachgedacht: ${seconds} s` : "Gedanken"),
  toEnd: "Zum Ende",
  skip: "Zum Nachrichtenfeld",
  hint: "Eingabe sendet, Umschalt+Eingabe fügt eine neue Zeile ein, Esc und ? zeigt Tastenkürzel",
  keys: "Tastenkürzel",
  keyDoes: {
    n: "Neuer Chat",
    "/": "Suchen",
    m: "Nachricht schreiben (Esc verlässt das Feld)",
    ".": "Antwort anhalten",
    j: "Nächste Unterhaltung",
    k: "Vorige Unterhaltung",
    e: "Letzte Frage bearbeiten",
    "?": "Diese Tastenkürzel zeigen",
  },
  emptyTitle: "Schön, dass du da bist.",
  emptyText: "Deine Fragen beantwortet ein Sprachmodell in diesem Haus. Nichts verlässt das Haus.",
  emptyElsewhere: (hosts) =>
    `Deine Fragen gehen an das Sprachmodell auf ${hosts} und werden dort beantwortet.`,
  connected: "Verbunden",
  reconnecting: "Nicht verbunden, neuer Versuch läuft …",
  disconnected: "Nicht verbunden",
  upstreamLoading: "Das Modell startet",
  upstreamAbsent: "Noch kein Modell",
  answering: "Antwort kommt",
  answerEnd: {
    done: "Antwort vollständig",
    stopped: "Antwort angehalten",
    failed: "Antwort fehlgeschlagen",
    interrupted: "Antwort unterbrochen",
  },
  stopped: "Angehalten",
  interrupted: "Unterbrochen: parlor wurde beendet, während diese Antwort geschrieben wurde",
  slotBusy:
    "llama-server meldete den Slot dieser Antwort noch als belegt, als parlor nicht länger darauf wartete",
  lengthLimit: "An der Längengrenze beendet",
  waiting: ({ position, of, wait }) =>
    `${position}. von ${of} in der Warteschlange${wait ? ` – ${waitIn(wait, waitWords)}` : ""}`,
  leaveLine: "Warteschlange verlassen",
  allowance: ({ usage, limits: { tokensPerDay, runsPerMinute }, runsLeft }) => [
    ...(tokensPerDay === null ? [] : [`heute ${whole(usage.tokens)} von ${whole(tokensPerDay)} Token`]),
    ...(runsPerMinute === null || runsLeft === null || runsLeft > runsPerMinute / 2
      ? []
      : [`noch ${runsLeft} von ${runsPerMinute} Fragen in dieser Minute`]),
  ],
  house: houseDe,
  starting: "Einen Moment …",
  reading: (processed, total) => `Liest: ${number(processed)} von ${number(total)} Token`,
  modelAway: "Das Modell ist noch nicht da. Wer parlor hier betreibt, kann es starten.",
  modelComes: "Das Modell wird geladen. Das dauert einen Moment.",
  waitingFor: (url) => `Wartet auf einen llama-server unter ${url}.`,
  tooLong: (limitBytes) =>
    `Diese Nachricht ist zu lang: Erlaubt sind höchstens ${number(limitBytes)} Byte. ` +
    "Kürze sie oder schick sie in Teilen.",
  howToStart: "So startest du einen:",
  goesOn: "Sobald er antwortet, steht es hier. Unbeantwortete Fragen kannst du dann nochmal versuchen.",
  ownStarting: "llama-server startet.",
  ownFailed: "llama-server lässt sich nicht starten",
  startAdvice: {
    file:
      "Die Datei ist kein GGUF-Modell: " +
      "Vielleicht wurde an ihrer Stelle eine Webseite oder ein Verweis gespeichert. " +
      "Lade sie noch einmal herunter.",
    incomplete:
      "Die Datei ist unvollständig oder beschädigt: Vielleicht brach das Herunterladen ab. " +
      "Lade sie noch einmal herunter und vergleiche ihre Größe mit der des Originals.",
    missing:
      "Eine benötigte Datei fehlt, oder parlor darf sie nicht lesen. " +
      "Prüfe --model, --llama-arg und die Rechte der Datei.",
    architecture:
      "Dieser llama-server kennt diese Art von Modell nicht. " +
      "Nimm einen neueren llama-server (--llama-server PATH) oder ein anderes Modell.",
    memory:
      "Der Speicher reicht nicht. Nimm ein kleineres oder stärker quantisiertes Modell, " +
      "einen kleineren Kontext (--llama-arg=-c --llama-arg=4096) oder weniger Schichten auf der GPU (-ngl).",
    argument:
      "llama-server kennt eine Option nicht, die ihm --llama-arg mitgibt. Berichtige oder entferne sie.",
    program:
      "Das Programm läuft auf diesem Rechner nicht: Eine Bibliothek fehlt, " +
      "oder es ist für ein anderes System oder einen anderen Prozessor gebaut. " +
      "Wähle ein anderes mit --llama-server PATH.",
    port: "Ein anderes Programm benutzt seinen Port. Beende es.",
    other:
      "Die Seite /admin zeigt die ganze Ausgabe von llama-server; " +
      "von Hand mit denselben Optionen gestartet, verrät er vielleicht mehr.",
  },
  foreignLoading: "llama-server lädt sein Modell.",
  stats: ({ status, finish, stats }) => {
    const { promptTokens, cachedTokens, outputTokens, tokensPerSecond, firstTokenMs, queueMs, model } = stats;
    if (outputTokens === undefined) return [];
    const speed = tokensPerSecond === undefined ? "" : ` · ${number(tokensPerSecond)} Token/s`;
    return [
      `${number(outputTokens)} Token${speed}`,
      ...(model === undefined ? [] : [model]),
      ...(promptTokens === undefined
        ? []
        : [
            `${number(promptTokens)} Token Eingabe` +
              `${cachedTokens ? `, davon ${number(cachedTokens)} aus dem Cache` : ""}`,
          ]),
      ...(firstTokenMs === undefined ? [] : [`erstes Token nach ${number(firstTokenMs / 1000)} s`]),
      ...(queueMs === undefined || queueMs < 10 ? [] : [`${number(queueMs / 1000)} s in der Warteschlange`]),
      ...(status !== "done" || finish === "length"
        ? []
        : [finish === "tool_calls" ? "hat ein Werkzeug angefordert" : "vollständig"]),
    ];
  },
  source: sourcesDe,
  grounding: groundingDe,
  dropped: (messages) =>
    messages === 1
      ? "Die älteste Nachricht passte nicht mehr in den Kontext und wurde weggelassen"
      : `Die ${number(messages)} ältesten Nachrichten passten nicht mehr in den Kontext ` +
        "und wurden weggelassen",
  contextFull: "ältere Nachrichten werden weggelassen",
  contextUsed: (used, total) => `${number(used)} von ${number(total)} Token Kontext`,
  persona: "Persona",
  noPersona: "Ohne Persona",
  gone: (persona) => `${persona} (nicht mehr verfügbar)`,
  broken: (persona) => `${persona} (nicht verwendbar)`,
  ownSettings: "mit eigenen Einstellungen",
  settings: "Persona und Einstellungen",
  sampling: samplingDe,
  ofModel: "Vorgabe des Modells",
  ofPersona: (value) => `${String(value).replace(".", ",")} (von der Persona)`,
  apply: "Übernehmen",
  model: "Modell",
  whicheverModel: "beliebiges verfügbares",
  modelStatus: {
    loaded: "bereit",
    loading: "wird geladen",
    unloaded: "wird bei Bedarf geladen",
    failed: "konnte nicht geladen werden",
  },
  modelLoading: (model) => `Das Modell ${model} wird geladen.`,
  settled: "Gilt ab der nächsten Antwort.",
  fromFirst: "Gilt ab deiner ersten Frage.",
  enforced: "Hier antwortet allen dieselbe Persona.",
  whoAnswers: "Persona auswählen",
  starters: "Vorschläge",
  temporary: "Temporärer Chat",
  temporaryText:
    "Dieser Chat ist temporär: Er wird nie auf die Festplatte geschrieben " +
    "und gelöscht, wenn ihn eine Weile niemand angesehen hat.",
  failures: failuresDe,
};

function whole(n: number): string {
  return n.toLocaleString("de");
}
