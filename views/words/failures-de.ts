// The sentence for each failure, in German.

import type { Sampling } from "../../src/domain/persona.ts";
import type { FailureSentences } from "./catalogue.ts";
import { houseDe } from "./house-de.ts";
import { after, shortNumber, size } from "./numbers.ts";

/** Names of the sampling settings, as the form and its failures show them. */
export const samplingDe: Readonly<Record<keyof Sampling, string>> = {
  temperature: "Temperatur",
  topP: "Top-p",
  maxTokens: "Maximale Antwortlänge, in Token",
};

const number = (value: unknown) => shortNumber(Number(value), "de");
const sizeIn = (bytes: unknown) => size(Number(bytes), "de");
const whole = (value: unknown) => Number(value).toLocaleString("de");

export const failuresDe: FailureSentences = {
  upstream_absent: ({ url }) =>
    `Unter ${url} antwortet kein llama-server. Starte ihn und versuch es dann nochmal.`,
  upstream_loading: () => "llama-server lädt noch sein Modell. Versuch es gleich nochmal.",
  upstream_unauthorized: () =>
    "llama-server verlangt einen API-Schlüssel oder einen anderen. Starte parlor mit --llama-api-key.",
  upstream_refused: ({ status, detail }) =>
    `llama-server hat die Anfrage abgelehnt (${status})${detail ? `: ${detail}` : "."}`,
  upstream_error: ({ status, detail }) =>
    `llama-server meldet einen Fehler (${status})${detail ? `: ${detail}` : "."} ` +
    "Versuch es nochmal; tritt der Fehler wieder auf, hilft ein Blick in llama-servers Protokoll.",
  upstream_cut: () =>
    "Die Verbindung zu llama-server ist mitten in der Antwort abgerissen. " +
    "Der bisherige Text bleibt erhalten.",
  upstream_stalled: ({ seconds }) =>
    `llama-server hat ${seconds} Sekunden lang nichts gesendet, deshalb wartet parlor nicht länger. ` +
    "Der bisherige Text bleibt erhalten.",
  upstream_garbled: () =>
    "parlor konnte die Antwort von llama-server nicht verstehen. " +
    "Läuft unter dieser Adresse wirklich ein llama-server?",
  upstream_line_too_long: ({ limitBytes }) =>
    `llama-server hat eine Zeile von mehr als ${number(limitBytes)} Byte gesendet. ` +
    "Der bisherige Text bleibt erhalten.",
  answer_too_long: ({ limitChars }) =>
    `Die Antwort hat mehr als ${number(limitChars)} Zeichen; parlor hat sie beendet. ` +
    "Der bisherige Text bleibt erhalten.",
  no_reranker: () =>
    "Hier ordnet kein llama-server Texte nach einer Frage. Der Betreiber kann parlor mit --rerank-llama oder " +
    "--rerank-model starten.",
  model_missing: ({ model, models }) =>
    `Kein llama-server hat das Modell ${model}. ` +
    `Wähle ein anderes und versuch es dann nochmal${models ? `; verfügbar: ${models}.` : "."}`,
  model_failed: ({ model }) =>
    `llama-server konnte das Modell ${model} nicht laden. ` +
    "Wähle oben ein anderes; der Grund steht in llama-servers Protokoll.",
  context_overflow: ({ promptTokens, contextTokens, roomTokens = contextTokens }) =>
    `Deine Frage hat mit dem Text, der dazugehört, ${number(promptTokens)} Token; ` +
    `das Modell hat Platz für ${number(roomTokens)}. ` +
    "Kürze sie, schick sie in Teilen oder gib llama-server mehr Kontext (-c).",
  context_full: ({ promptTokens, contextTokens }) =>
    `Diese Unterhaltung hat ${number(promptTokens)} Token. ` +
    `Im Kontext des Modells von ${number(contextTokens)} Token ist kein Platz mehr für eine Antwort, ` +
    "und diese Persona lässt keine alten Nachrichten weg. Beginne einen neuen Chat, " +
    "lösche Nachrichten, die du nicht mehr brauchst, oder wähle oben eine andere Persona.",
  persona_missing: ({ persona, enforced }) =>
    `Die Persona ${persona} gibt es nicht mehr. ` +
    (enforced
      ? "Sie ist hier für alle festgelegt; ein Admin muss sie wiederherstellen oder eine andere wählen."
      : "Wähle oben eine andere und versuch es dann nochmal."),
  collection_missing: ({ name }) =>
    `Diese Persona antwortet aus der Sammlung ${name}, und die hast du nicht. Der Betreiber kann sie mit ` +
    "`parlor index` einlesen; oder wähle oben eine andere Persona.",
  collection_unknown: ({ name }) =>
    name === undefined
      ? "Diese Unterhaltung antwortet aus einer Sammlung, die es nicht mehr gibt. Wähle ihre Sammlungen neu aus."
      : `Es gibt keine Sammlung ${name}, in der du suchen kannst.`,
  persona_broken: ({ persona, enforced }) =>
    `Die Persona ${persona} ist nicht verwendbar: ` +
    "Ihre Datei hat einen Fehler, den parlors Protokoll nennt. " +
    (enforced
      ? "Sie ist hier für alle festgelegt; ein Admin muss sie in Ordnung bringen oder eine andere wählen."
      : "Wähle oben eine andere, oder versuch es nochmal, sobald der Fehler behoben ist."),
  persona_enforced: ({ persona }) =>
    `Die Persona ${persona} ist hier für alle festgelegt, und diese Anfrage würde sie umgehen. ` +
    "Nutze /ask, oder /chat ohne „raw“.",
  bad_setting: ({ name, least, most }) =>
    `${samplingDe[name as keyof Sampling]} muss eine ${name === "maxTokens" ? "ganze " : ""}Zahl ` +
    `von ${number(least)} bis ${number(most)} sein.`,
  store_damaged: () =>
    "Die Datenbankdatei von parlor ist beschädigt. " +
    "Wer parlor betreibt, findet im Protokoll ihren Namen und was zu tun ist.",
  store_unwritable: () =>
    "parlor kann nicht in seine Datenbank schreiben: Der Datenträger ist voll oder schreibgeschützt. " +
    "Dein Text bleibt erhalten; versuch es nochmal, sobald Platz ist.",
  message_empty: () => "Es gibt noch nichts zu senden.",
  message_too_long: ({ bytes, limitBytes }) =>
    `Diese Nachricht hat ${number(bytes)} Byte; erlaubt sind höchstens ${number(limitBytes)}. ` +
    "Kürze sie oder schick sie in Teilen.",
  conversation_busy: () =>
    "Hier wird noch eine Antwort geschrieben. Warte sie ab oder halte sie an; dein Text bleibt erhalten.",
  queue_full: ({ waiting, seconds }) =>
    `Es warten schon ${number(waiting)} andere. ` +
    `Versuch es ${after(seconds ?? 60)} nochmal; dein Text bleibt erhalten.`,
  too_many_waiting: ({ waiting }) =>
    `${number(waiting)} deiner Fragen stehen schon in der Warteschlange. ` +
    "Schick diese, wenn eine davon beantwortet ist; dein Text bleibt erhalten.",
  runs_limit: ({ limit, seconds }) =>
    `Du hast deine Grenze von ${number(limit)} ` +
    `${Number(limit) === 1 ? "Frage" : "Fragen"} pro Minute erreicht. ` +
    `Versuch es ${after(seconds)} nochmal; dein Text bleibt erhalten.`,
  tokens_limit: ({ tokens, limit, seconds }) =>
    `Du hast heute ${whole(tokens)} von ${whole(limit)} Token verbraucht. ` +
    `Die Zählung beginnt ${after(seconds)} neu; dein Text bleibt erhalten.`,
  file_empty: ({ name }) => `${name} ist leer.`,
  file_in_use: () => "Diese Datei gehört zu einer Nachricht. Lösche die Nachricht, um die Datei zu löschen.",
  files_full: ({ usedBytes, limitBytes, bytes }) =>
    `Diese Datei hat ${sizeIn(bytes)}, und deine Dateien belegen schon ${sizeIn(usedBytes)} von ` +
    `${sizeIn(limitBytes)}: Sie passt nicht mehr dazu. ` +
    "Lösche Unterhaltungen mit Dateien, die du nicht mehr brauchst.",
  too_many_files: ({ limit }) => `Eine Frage kann höchstens ${number(limit)} Dateien haben.`,
  picture_unsupported: () => "parlor kann dieses Bild nicht lesen. Es liest JPEG, PNG, GIF und WebP.",
  picture_too_large: ({ limitPixels }) =>
    `Dieses Bild ist zu groß: Erlaubt sind höchstens ${number(limitPixels)} Pixel.`,
  no_vision: () =>
    "Dieses Modell sieht keine Bilder. Entferne das Bild oder wähle ein Modell, das Bilder sieht; " +
    "dein Text bleibt erhalten.",
  no_hearing: () =>
    "Dieses Modell hört keine Aufnahmen. Entferne die Aufnahme oder wähle ein Modell, das hört; " +
    "dein Text bleibt erhalten.",
  not_found: () => "Das gibt es nicht oder nicht mehr.",
  conversation_removed: () =>
    "Diese Unterhaltung wurde gelöscht. " +
    "Mach das rückgängig oder beginne einen neuen Chat; dein Text bleibt erhalten.",
  bad_frame: () =>
    "parlor konnte diese Nachricht nicht verstehen. Lade die Seite neu und versuch es nochmal.",
  bad_request: ({ detail }) => `parlor konnte diese Anfrage nicht verstehen${detail ? `: ${detail}` : "."}`,
  import_busy: () => "Es läuft schon ein Import. Versuch es nochmal, wenn er fertig ist.",
  import_slow: ({ seconds }) =>
    `Das Lesen der Datei hat länger als ${number(seconds)} s gedauert. ` +
    "Alles, was bis dahin gelesen wurde, ist importiert.",
  file_unsupported: () =>
    "parlor kann diese Datei nicht lesen: Sie ist weder Text noch ein Dokument, das parlor kennt " +
    "(PDF, docx, pptx, xlsx, odt, odp, ods, EPUB, HTML).",
  file_unreadable: () =>
    "Diese Datei lässt sich nicht lesen: Sie ist beschädigt oder mit einem Passwort geschützt.",
  file_locked: () =>
    "Diese Datei ist mit einem Passwort geschützt. Entferne den Schutz und versuch es nochmal.",
  file_too_large: ({ limitBytes, limitPages, limitChars }) =>
    "Diese Datei ist zu groß: Erlaubt sind höchstens " +
    (limitPages
      ? `${number(limitPages)} Seiten.`
      : limitChars
        ? `${number(limitChars)} Zeichen Text.`
        : `${number(limitBytes)} Byte entpackter Inhalt.`),
  file_heavy: ({ limitBytes }) =>
    "Diese Datei wurde nicht gelesen: " +
    `Das hätte mehr als ${number(limitBytes)} Byte Arbeitsspeicher gebraucht.`,
  file_slow: ({ seconds }) => `Diese Datei wurde nicht gelesen: Es dauerte länger als ${number(seconds)} s.`,
  collection_full: ({ limitDocuments }) =>
    `Eine Sammlung darf ${number(limitDocuments)} Dokumente enthalten. Teile diese auf mehrere auf.`,
  collection_read_only: ({ name }) =>
    `Die Sammlung ${name} wird aus einem Ordner gelesen. Ändere die Dateien dort; parlor zieht nach.`,
  too_many_collections: ({ limit }) => `Du kannst höchstens ${number(limit)} Sammlungen haben.`,
  too_large: ({ limitBytes }) => `Das ist größer als die erlaubten ${number(limitBytes)} Byte.`,
  unsupported_encoding: ({ coding }) =>
    `parlor unterstützt das Content-Encoding ${coding} nicht. ` +
    "Schick den Inhalt unkomprimiert oder mit gzip, deflate, br oder zstd.",
  bodies_full: () =>
    "parlor verarbeitet gerade zu viele große Anfragen. Versuch es in ein paar Sekunden nochmal.",
  body_slow: ({ seconds }) =>
    `Der Rest der Anfrage kam nicht innerhalb von ${number(seconds)} Sekunden an. Schick sie nochmal.`,
  no_such_address: ({ path, known }) => `Unter ${path} gibt es nichts. Programme können nutzen: ${known}.`,
  wrong_method: ({ path, method }) => `${path} erwartet ${method}.`,
  too_many_sockets: ({ limit }) =>
    `Von dieser Adresse sind schon ${number(limit)} Verbindungen offen. Schließe ein paar Tabs.`,
  foreign_origin: ({ origin, host }) =>
    `Seiten von ${origin} dürfen nicht mit parlor sprechen, das als ${host} angesprochen wurde. ` +
    `Ist ${origin} parlor selbst hinter einem Proxy, dann lass den Proxy Namen und Port weitergeben ` +
    "(nginx: proxy_set_header Host $http_host). " +
    `Um eine andere Seite zu erlauben, starte parlor mit --allow-origin ${origin}.`,
  unknown_host: ({ host }) =>
    `parlor ist unter dem Namen ${host} nicht bekannt. ` +
    `Um ihn zu erlauben, starte parlor mit --allow-origin http://${host}.`,
  not_signed_in: () => "Du bist nicht angemeldet. Melde dich an und lade diese Seite dann neu.",
  bad_key: () =>
    "Dieser Schlüssel ist unbekannt oder wurde widerrufen. " +
    "Wem er gehört, der kann auf der Kontoseite einen neuen anlegen.",
  key_scope: ({ scope }) =>
    `Diesem Schlüssel fehlt der Bereich ${scope}. Lege auf der Kontoseite einen an, der ihn hat.`,
  not_admin: () => "Das darf nur ein Admin.",
  wrong_password: () => "Name oder Passwort ist falsch.",
  too_many_attempts: ({ seconds }) => `Zu viele Versuche. Versuch es ${after(seconds)} nochmal.`,
  proxy_untrusted: ({ address }) =>
    `Ein Benutzername kam von ${address}; das ist kein vertrauenswürdiger Proxy. ` +
    `Wenn er es sein soll, starte parlor mit --trusted-proxy ${address}.`,
  person_removed: () => "Dieses Konto wurde entfernt. Wende dich an den Betreiber von parlor.",
  name_taken: ({ name }) => `Der Name ${name} ist schon vergeben. Wähle einen anderen.`,
  bad_name: () => "Ein Name hat 1 bis 64 Zeichen.",
  bad_password: ({ least }) =>
    `Ein Passwort hat mindestens ${number(least)} Zeichen und höchstens 1.024 Byte.`,
  bad_address: ({ address }) =>
    `${address || "Das"} ist keine gültige Adresse. Eine Adresse sieht aus wie http://192.168.0.5:8080.`,
  bad_limit: ({ name, least, most }) =>
    `${houseDe.limitNames[name as keyof typeof houseDe.limitNames]}: ` +
    `Gib eine Zahl von ${number(least)} bis ${whole(most)} ein, oder lass das Feld leer für keine Grenze.`,
  last_admin: () => "Es muss mindestens einen Admin geben. Mach zuerst jemand anderen zum Admin.",
  provider_failed: () =>
    "parlor kann mit der Antwort des Anmeldedienstes nichts anfangen. " +
    "Wer parlor betreibt, findet den Grund im Protokoll.",
  provider_down: () => "Der Anmeldedienst antwortet gerade nicht. Versuch es in ein paar Minuten nochmal.",
  provider_denied: () =>
    "Der Anmeldedienst hat dich nicht hereingelassen, oder du hast abgebrochen. " +
    "Versuch es nochmal, oder frag den Betreiber des Dienstes, ob dein Konto parlor nutzen darf.",
  provider_lost: () =>
    "Diese Anmeldung begann in einem anderen Browser, wurde schon benutzt " +
    "oder dauerte länger als zehn Minuten. Fang noch einmal an.",
  read_only: () => "Über einen geteilten Link kannst du lesen, nicht schreiben.",
  stopped: () => "Der Betreiber von parlor hat diese Anfrage angehalten.",
  shutting_down: () =>
    "parlor wird gerade beendet oder neu gestartet. Versuch es gleich nochmal; dein Text bleibt erhalten.",
  no_leader: () =>
    "parlor wechselt gerade zu einem anderen seiner Prozesse. " +
    "Versuch es gleich nochmal; dein Text bleibt erhalten.",
  internal: () =>
    "In parlor ist etwas schiefgegangen. " +
    "Versuch es nochmal; tritt der Fehler wieder auf, hilft ein Blick in parlors Protokoll.",
};
