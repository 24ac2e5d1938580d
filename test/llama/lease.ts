// A small document for tests of search and of sources: passages of a German tenancy agreement, and questions that
// each have their answer in one of them, most of them in other words or in English.

/** In the order of the document; recitals cite them as [1], [2] … */
export const lease = [
  "Der Mietvertrag kann mit einer Frist von drei Monaten zum Ende eines Monats gekündigt werden.",
  "Die Miete kostet 840 Euro und ist bis zum dritten Werktag zu zahlen.",
  "Ein Hund darf nur gehalten werden, wenn die Nachbarn einverstanden sind.",
  "Die Heizung läuft vom 1. Oktober bis zum 30. April.",
  "Das Auto parkt auf dem Hof, das Fahrrad steht im Keller.",
  "Wer in den Urlaub fährt, gibt seinen Schlüssel bei der Verwaltung ab.",
] as const;

/** Questions, each with the index of the passage that answers it. */
export const leaseQuestions: readonly (readonly [question: string, passage: number])[] = [
  ["Wie lange ist die Kündigungsfrist für die Wohnung?", 0],
  ["What notice do I need to cancel the contract?", 0],
  ["Wie hoch ist die Pacht?", 1],
  ["Are dogs allowed?", 2],
  ["Wann wird geheizt?", 3],
  ["Wo steht mein Wagen?", 4],
  ["Where can I put my bicycle?", 4],
  ["Was ist vor den Ferien zu tun?", 5],
];
