// parlor's words in German. See views/words.

import { after, shortNumber, type WaitWords, waitIn } from "./numbers.ts";
import type { Words } from "./words.ts";
import { houseDe } from "./words-house-de.ts";

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
  options: "Optionen",
  name: "Name",
  rename: "Umbenennen",
  pin: "Anheften",
  unpin: "Lösen",
  removed: "Die Unterhaltung ist gelöscht.",
  pruned: "Die Nachricht und alles danach ist gelöscht.",
  undo: "Rückgängig",
  exportAs: "Speichern als",
  exportAll: "Alle speichern",
  import: "Datei hereinholen",
  imported: (added, known) =>
    `${number(added)} ${added === 1 ? "Unterhaltung" : "Unterhaltungen"} hereingeholt${known > 0 ? `, ${number(known)} schon da` : ""}.`,
  message: "Nachricht",
  placeholder: "Frag etwas",
  send: "Senden",
  stop: "Stopp",
  stopping: "Hält an …",
  tryAgain: "Nochmal versuchen",
  continue: "Fortsetzen",
  regenerate: "Neu fragen",
  copy: "Kopieren",
  copied: "Kopiert",
  notCopied: "Nicht kopiert: bitte von Hand markieren",
  delete: "Löschen",
  edit: "Bearbeiten",
  askAnew: "So fragen",
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
  hint: "Eingabe sendet, Umschalt+Eingabe macht eine neue Zeile, Esc und ? zeigt Tasten",
  keys: "Tasten",
  keyDoes: {
    n: "Neuer Chat",
    "/": "Suchen",
    m: "Nachricht schreiben (Esc verlässt das Feld)",
    ".": "Antwort anhalten",
    j: "Nächste Unterhaltung",
    k: "Vorige Unterhaltung",
    e: "Letzte Frage bearbeiten",
    "?": "Diese Tasten zeigen",
  },
  emptyTitle: "Schön, dass du da bist.",
  emptyText: "Was du hier fragst, beantwortet das Sprachmodell auf diesem Rechner. Nichts verlässt das Haus.",
  emptyElsewhere: (hosts) =>
    `Was du hier fragst, geht an das Sprachmodell auf ${hosts} und wird dort beantwortet.`,
  connected: "Verbunden",
  reconnecting: "Nicht verbunden, neuer Versuch läuft",
  disconnected: "Nicht verbunden",
  upstreamLoading: "Das Modell startet",
  upstreamAbsent: "Noch kein Modell",
  answering: "Antwort kommt",
  answerEnd: {
    done: "Antwort vollständig",
    stopped: "Antwort angehalten",
    failed: "Die Antwort ist fehlgeschlagen",
    interrupted: "Antwort unterbrochen",
  },
  stopped: "Angehalten",
  interrupted: "Unterbrochen: parlor wurde beendet, während dies geschrieben wurde",
  slotBusy: "llama-server zeigte den Slot dieser Antwort noch als belegt, als parlor nicht länger wartete",
  lengthLimit: "An der Längengrenze beendet",
  waiting: ({ position, of, wait }) =>
    `${position}. von ${of} in der Schlange${wait ? ` – ${waitIn(wait, waitWords)}` : ""}`,
  leaveLine: "Schlange verlassen",
  allowance: ({ usage, limits: { tokensPerDay, runsPerMinute }, runsLeft }) => [
    ...(tokensPerDay === null ? [] : [`heute ${whole(usage.tokens)} von ${whole(tokensPerDay)} Token`]),
    ...(runsPerMinute === null || runsLeft === null || runsLeft > runsPerMinute / 2
      ? []
      : [`noch ${runsLeft} von ${runsPerMinute} Fragen in der Minute`]),
  ],
  house: houseDe,
  starting: "Einen Moment …",
  reading: (processed, total) => `Liest: ${number(processed)} von ${number(total)} Token`,
  waitingFor: (url) => `Wartet auf einen llama-server unter ${url}.`,
  tooLong: (limitBytes) =>
    `Diese Nachricht ist zu lang: höchstens ${number(limitBytes)} Byte lassen sich senden. Kürze sie oder schick sie in Teilen.`,
  howToStart: "So startest du einen:",
  goesOn:
    "Sobald er antwortet, steht es hier. Was bis dahin nicht beantwortet wurde, kannst du dann nochmal versuchen.",
  ownStarting: "llama-server startet.",
  ownFailed: "llama-server lässt sich nicht starten",
  startAdvice: {
    file: "Die Datei ist kein GGUF-Modell: Vielleicht wurde an ihrer Stelle eine Webseite oder ein Verweis gespeichert. Lade sie noch einmal herunter.",
    incomplete:
      "Die Datei ist unvollständig oder beschädigt: Vielleicht brach das Herunterladen ab. Lade sie noch einmal herunter und vergleiche ihre Größe mit der des Originals.",
    missing:
      "Eine Datei, die es braucht, ist nicht da, oder parlor darf sie nicht lesen. Prüfe --model, --llama-arg und die Rechte der Datei.",
    architecture:
      "Dieses llama-server kennt diese Art von Modell nicht. Nimm ein neueres llama-server (--llama-server PATH) oder ein anderes Modell.",
    memory:
      "Der Speicher reicht nicht. Nimm ein kleineres oder stärker quantisiertes Modell, einen kleineren Kontext (--llama-arg=-c --llama-arg=4096) oder weniger Schichten auf der GPU (-ngl).",
    argument: "Es kennt eine Option nicht, die ihm --llama-arg mitgibt. Berichtige oder entferne sie.",
    program:
      "Das Programm läuft auf diesem Rechner nicht: Eine Bibliothek fehlt, oder es ist für ein anderes System oder einen anderen Prozessor gebaut. Wähle ein anderes mit --llama-server PATH.",
    port: "Ein anderes Programm benutzt seinen Port. Beende es.",
    other:
      "Die Seite /admin zeigt alles, was es ausgegeben hat; von Hand mit denselben Optionen gestartet, verrät es vielleicht mehr.",
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
            `${number(promptTokens)} Token gelesen${cachedTokens ? `, davon ${number(cachedTokens)} aus dem Cache` : ""}`,
          ]),
      ...(firstTokenMs === undefined ? [] : [`erstes Token nach ${number(firstTokenMs / 1000)} s`]),
      ...(queueMs === undefined || queueMs < 10 ? [] : [`${number(queueMs / 1000)} s in der Schlange`]),
      ...(status !== "done" || finish === "length"
        ? []
        : [
            finish === "length"
              ? "an der Längengrenze beendet"
              : finish === "tool_calls"
                ? "verlangte ein Werkzeug"
                : "kam zu ihrem Ende",
          ]),
    ];
  },
  dropped: (messages) =>
    messages === 1
      ? "Die älteste Nachricht passte nicht mehr in den Kontext und blieb ungelesen"
      : `Die ${number(messages)} ältesten Nachrichten passten nicht mehr in den Kontext und blieben ungelesen`,
  contextFull: "mehr passt nur ohne das Älteste",
  contextUsed: (used, total) => `${number(used)} von ${number(total)} Token Kontext`,
  persona: "Persona",
  noPersona: "Ohne Persona",
  gone: (persona) => `${persona} (nicht mehr da)`,
  broken: (persona) => `${persona} (nicht verwendbar)`,
  ownSettings: "mit eigenen Einstellungen",
  settings: "Wer antwortet, und wie",
  sampling: { temperature: "Temperatur", topP: "Top-p", maxTokens: "Längste Antwort, in Token" },
  ofModel: "wie das Modell",
  ofPersona: (value) => `${String(value).replace(".", ",")} von der Persona`,
  apply: "Übernehmen",
  model: "Modell",
  whicheverModel: "was da ist",
  modelStatus: {
    loaded: "bereit",
    loading: "wird geladen",
    unloaded: "wird geladen, wenn es gefragt wird",
    failed: "konnte nicht geladen werden",
  },
  modelLoading: (model) => `Das Modell ${model} wird geladen.`,
  settled: "Gilt ab der nächsten Antwort.",
  fromFirst: "Gilt ab deiner ersten Frage.",
  enforced: "Hier antwortet allen dieselbe Persona.",
  whoAnswers: "Wer soll antworten?",
  starters: "Für den Anfang",
  temporary: "Temporärer Chat",
  temporaryText:
    "Ein temporärer Chat: Er wird nie auf die Platte geschrieben und vergessen, wenn eine Weile niemand hineingesehen hat.",
  failures: {
    upstream_absent: ({ url }) =>
      `Unter ${url} antwortet kein llama-server. Starte ihn und versuch es dann nochmal.`,
    upstream_loading: () => "llama-server lädt noch sein Modell. Versuch es gleich nochmal.",
    upstream_unauthorized: () =>
      "llama-server verlangt einen API-Schlüssel oder einen anderen. Starte parlor mit --llama-api-key.",
    upstream_refused: ({ status, detail }) =>
      `llama-server hat die Anfrage abgelehnt (${status})${detail ? `: ${detail}` : "."}`,
    upstream_error: ({ status, detail }) =>
      `llama-server meldet einen Fehler (${status})${detail ? `: ${detail}` : "."} Versuch es nochmal; bleibt es dabei, hilft ein Blick in sein Protokoll.`,
    upstream_cut: () =>
      "Die Verbindung zu llama-server ist mitten in der Antwort abgerissen. Was da war, bleibt.",
    upstream_stalled: ({ seconds }) =>
      `llama-server hat ${seconds} Sekunden lang nichts geschickt, deshalb wartet parlor nicht länger. Was da war, bleibt.`,
    upstream_garbled: () =>
      "Was llama-server geschickt hat, war nicht zu verstehen. Läuft unter dieser Adresse wirklich ein llama-server?",
    upstream_line_too_long: ({ limitBytes }) =>
      `llama-server hat eine Zeile von mehr als ${number(limitBytes)} Byte ohne Ende geschickt. Was da war, bleibt.`,
    answer_too_long: ({ limitChars }) =>
      `Die Antwort hat mehr als ${number(limitChars)} Zeichen; parlor hat sie beendet. Der Text bis hierher bleibt.`,
    model_missing: ({ model, models }) =>
      `Kein llama-server hat das Modell ${model}. Wähle ein anderes, dann versuch es noch mal${models ? `; da sind ${models}.` : "."}`,
    model_failed: ({ model }) =>
      `llama-server konnte das Modell ${model} nicht laden. Wähle oben ein anderes; was schiefging, steht in llama-servers Protokoll.`,
    context_overflow: ({ promptTokens, contextTokens, roomTokens = contextTokens }) =>
      `Deine Frage hat mit dem, was dazugehört, ${number(promptTokens)} Token; das Modell hat Platz für ${number(roomTokens)}. Kürze sie, schick sie in Teilen oder gib llama-server mehr Kontext (-c).`,
    context_full: ({ promptTokens, contextTokens }) =>
      `Diese Unterhaltung hat ${number(promptTokens)} Token; im Kontext des Modells von ${number(contextTokens)} ist kein Platz mehr für eine Antwort, und ihre Persona lässt nichts weg. Beginne einen neuen Chat, lösche Nachrichten, die nicht mehr nötig sind, oder wähle oben eine andere Persona.`,
    persona_missing: ({ persona, enforced }) =>
      `Die Persona ${persona} gibt es nicht mehr. ${enforced ? "Hier antwortet sie allen, darum muss ein Admin sie wiederherstellen oder eine andere wählen." : "Wähle oben eine andere und versuch es dann nochmal."}`,
    persona_broken: ({ persona, enforced }) =>
      `Die Persona ${persona} ist nicht verwendbar: Ihre Datei hat einen Fehler, der in parlors Protokoll steht. ${enforced ? "Hier antwortet sie allen, darum muss ein Admin sie in Ordnung bringen oder eine andere wählen." : "Wähle oben eine andere, oder versuch es nochmal, sobald das behoben ist."}`,
    persona_enforced: ({ persona }) =>
      `Hier antwortet allen die Persona ${persona}, und diese Anfrage ginge an ihr vorbei. Frag unter /ask oder unter /chat ohne „raw“.`,
    bad_setting: ({ name, least, most }) =>
      `${de.sampling[name as keyof typeof de.sampling]} muss eine ${name === "maxTokens" ? "ganze " : ""}Zahl von ${number(least)} bis ${number(most)} sein.`,
    store_damaged: () =>
      "Die Datei, in der parlor alles aufbewahrt, ist beschädigt. Wer parlor betreibt, findet ihren Namen und was zu tun ist im Protokoll.",
    store_unwritable: () =>
      "parlor kann seine Datei nicht schreiben: Der Datenträger ist voll oder schreibgeschützt. Dein Text bleibt stehen; versuch es nochmal, sobald Platz ist.",
    message_empty: () => "Noch steht nichts da, was sich senden ließe.",
    message_too_long: ({ bytes, limitBytes }) =>
      `Diese Nachricht hat ${number(bytes)} Byte; höchstens ${number(limitBytes)} lassen sich senden. Kürze sie oder schick sie in Teilen.`,
    conversation_busy: () =>
      "Hier wird noch eine Antwort geschrieben. Warte sie ab oder halte sie an; dein Text bleibt stehen.",
    queue_full: ({ waiting, seconds }) =>
      `Es warten schon ${number(waiting)} andere. Versuch es ${after(seconds ?? 60)} noch einmal; dein Text bleibt stehen.`,
    too_many_waiting: ({ waiting }) =>
      `${number(waiting)} deiner Fragen stehen schon in der Schlange. Schick diese, wenn eine davon beantwortet ist; dein Text bleibt stehen.`,
    runs_limit: ({ limit, seconds }) =>
      `Das waren ${number(limit)} Fragen in einer Minute, mehr darfst du nicht stellen. Versuch es ${after(seconds)} noch einmal; dein Text bleibt stehen.`,
    tokens_limit: ({ tokens, limit, seconds }) =>
      `Du hast heute ${whole(Number(tokens))} von ${whole(Number(limit))} Token verbraucht. Die Zählung beginnt ${after(seconds)} neu; dein Text bleibt stehen.`,
    not_found: () => "Das gibt es hier nicht (mehr).",
    conversation_removed: () =>
      "Diese Unterhaltung wurde gelöscht. Mach das rückgängig oder beginne einen neuen Chat; dein Text bleibt stehen.",
    bad_frame: () => "Diese Nachricht war nicht zu verstehen. Lade die Seite neu und versuch es nochmal.",
    bad_request: ({ detail }) => `Diese Anfrage war nicht zu verstehen${detail ? `: ${detail}` : "."}`,
    import_busy: () => "Es werden schon Dateien gelesen. Versuch es noch einmal, wenn das fertig ist.",
    import_slow: ({ seconds }) =>
      `Das Lesen der Datei hat länger als ${number(seconds)} s gedauert. Was bis dahin gelesen wurde, ist da.`,
    too_large: ({ limitBytes }) => `Das ist größer als ${number(limitBytes)} Byte.`,
    unsupported_encoding: ({ coding }) =>
      `parlor kennt das Content-Encoding ${coding} nicht. Schick den Inhalt, wie er ist, oder mit gzip, deflate, br oder zstd.`,
    bodies_full: () =>
      "Zu viele große Anfragen sind gerade gleichzeitig hier. Versuch es in ein paar Sekunden noch einmal.",
    body_slow: ({ seconds }) =>
      `Der Rest der Anfrage kam nicht innerhalb von ${number(seconds)} Sekunden. Schick sie noch einmal.`,
    no_such_address: ({ path, known }) => `Unter ${path} gibt es nichts. Programme fragen hier: ${known}.`,
    wrong_method: ({ path, method }) => `${path} wird mit ${method} gefragt.`,
    too_many_sockets: ({ limit }) =>
      `Von dieser Adresse sind schon ${number(limit)} Verbindungen offen. Schließe ein paar Tabs.`,
    foreign_origin: ({ origin, host }) =>
      `Seiten von ${origin} dürfen nicht mit parlor sprechen, das als ${host} angesprochen wurde. Ist ${origin} parlor selbst hinter einem Proxy, dann lass den Proxy Namen und Port ` +
      `weitergeben (nginx: proxy_set_header Host $http_host). Um eine andere Seite zu erlauben, starte parlor mit --allow-origin ${origin}.`,
    unknown_host: ({ host }) =>
      `Unter dem Namen ${host} kennt sich parlor nicht. Um ihn zu erlauben, starte parlor mit --allow-origin http://${host}.`,
    not_signed_in: () => "Du bist hier nicht (mehr) angemeldet. Melde dich an und lade diese Seite neu.",
    bad_key: () =>
      "Dieser Schlüssel ist hier nicht bekannt oder wurde widerrufen. Auf der Seite Konto gibt es einen neuen.",
    key_scope: ({ scope }) =>
      `Dieser Schlüssel öffnet das nicht: Ihm fehlt der Bereich ${scope}. Auf der Seite Konto lässt sich einer machen, der ihn hat.`,
    not_admin: () => "Das darf nur ein Admin.",
    wrong_password: () => "Dieser Name und dieses Passwort gehören nicht zusammen.",
    too_many_attempts: ({ seconds }) => `Zu viele Versuche. Versuch es ${after(seconds)} noch einmal.`,
    proxy_untrusted: ({ address }) =>
      `Ein Name kam von ${address}, und diesem Proxy glaubt parlor nicht. Wenn es das soll, starte es mit --trusted-proxy ${address}.`,
    person_removed: () => "Dieses Konto darf nicht mehr herein. Frag, wer dieses Haus führt.",
    name_taken: ({ name }) => `${name} heißt hier schon jemand. Wähle einen anderen Namen.`,
    bad_name: () => "Ein Name hat 1 bis 64 Zeichen.",
    bad_password: ({ least }) =>
      `Ein Passwort hat mindestens ${number(least)} Zeichen und höchstens 1.024 Bytes.`,
    bad_address: ({ address }) =>
      `${address || "Das"} ist keine Adresse. Sie sieht aus wie http://192.168.0.5:8080.`,
    bad_limit: ({ name, least, most }) =>
      `${houseDe.limitNames[name as keyof typeof houseDe.limitNames]}: eine Zahl von ${number(least)} bis ${whole(Number(most))}, oder nichts für keine Grenze.`,
    last_admin: () => "Das Haus braucht mindestens einen Admin. Mach zuerst jemand anderen dazu.",
    provider_failed: () =>
      "Mit der Antwort des Anmeldedienstes kann parlor nichts anfangen. Wer dieses Haus führt, findet den Grund in parlors Log.",
    provider_down: () =>
      "Der Anmeldedienst antwortet gerade nicht. Versuch es in ein paar Minuten noch einmal.",
    provider_denied: () =>
      "Der Anmeldedienst hat dich nicht hereingelassen, oder du hast abgebrochen. Versuch es noch einmal, oder frag, wer ihn betreibt, ob dein Konto parlor nutzen darf.",
    provider_lost: () =>
      "Diese Anmeldung begann in einem anderen Browser, wurde schon benutzt oder dauerte länger als zehn Minuten. Fang noch einmal an.",
    read_only: () => "Wer einem Link folgt, kann lesen, nicht schreiben.",
    stopped: () => "Wer dieses parlor betreibt, hat es angehalten.",
    shutting_down: () =>
      "parlor wird gerade beendet oder neu gestartet. Versuch es gleich nochmal; dein Text bleibt stehen.",
    internal: () =>
      "In parlor ist etwas schiefgegangen. Versuch es nochmal; bleibt es dabei, hilft ein Blick in das Protokoll.",
  },
};

function whole(n: number): string {
  return n.toLocaleString("de");
}
