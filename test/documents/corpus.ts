// A small house's documents, in German and English, and questions with the passage that answers each.

export const corpus: Readonly<Record<string, string>> = {
  "mietvertrag.md": `# Mietvertrag

## § 3 Kündigung

Der Vertrag kann von beiden Seiten mit einer Frist von drei Monaten zum Ende eines Kalendermonats gekündigt
werden. Die Kündigung bedarf der Schriftform; eine E-Mail genügt nicht.

## § 4 Betriebskosten

Die Kosten für Heizung und Warmwasser werden nach Verbrauch abgerechnet. Die Abrechnung kommt bis Ende Juni. Eine
Nachzahlung ist binnen dreißig Tagen fällig. Wasserzähler liest Herr Müller in der Goethestraße 7 ab.

## § 5 Tiere

Kleintiere sind erlaubt. Hunde und Katzen brauchen die Zustimmung des Vermieters, die er nur aus wichtigem Grund
verweigern darf.`,
  "hausordnung.txt": `Zwischen 22 und 6 Uhr ist Nachtruhe. Musik ist auf Zimmerlautstärke zu stellen.

Fahrräder stehen im Keller, nicht im Treppenhaus. Der Kellerschlüssel hängt beim Hausmeister.

Die Mülltonnen werden montags geleert. Sperrmüll wird vorher bei der Stadt angemeldet.`,
  "guides/dishwasher.md": `# Dishwasher

## Error codes

E24 means that the drain is blocked: clean the filter, then straighten the hose. E15 means that water stands in
the base; close the tap and call the service.

## Care

Run an empty cycle with cleaner once a month. Refill the salt when the lamp is on.

## Warranty

The manufacturer repairs defects for two years from the date of purchase. Keep the receipt.`,
  "guides/router.txt": `The wireless network is called "attic". The password is written on the underside of the router.

When the connection is lost, unplug the router for ten seconds. Guests use the network "visitors", which has no
access to printers.`,
};

/** Question, path of the document, and words of the passage. */
export const questions: readonly (readonly [question: string, path: string, says: string])[] = [
  ["Wie lang ist die Kündigungsfrist?", "mietvertrag.md", "drei Monaten"],
  ["Kuendigungsfristen", "mietvertrag.md", "drei Monaten"],
  ["Darf ich meinen Vertrag per E-Mail kündigen?", "mietvertrag.md", "eine E-Mail genügt nicht"],
  ["Wann kommt die Heizkostenabrechnung?", "mietvertrag.md", "bis Ende Juni"],
  ["Wer wohnt in der Goethestrasse?", "mietvertrag.md", "Goethestraße 7"],
  ["Mueller", "mietvertrag.md", "Herr Müller"],
  ["Darf ich einen Hund halten?", "mietvertrag.md", "Hunde und Katzen"],
  ["Ab wann muss es nachts ruhig sein? Nachtruhe", "hausordnung.txt", "Zwischen 22 und 6 Uhr"],
  ["Wohin mit dem Fahrrad?", "hausordnung.txt", "im Keller"],
  ["Schlüssel", "hausordnung.txt", "Kellerschlüssel"],
  ["Wann wird die Tonne geleert?", "hausordnung.txt", "montags"],
  ["What does error E24 mean?", "guides/dishwasher.md", "drain is blocked"],
  ["how often should I clean the dishwasher", "guides/dishwasher.md", "once a month"],
  ["Is a defect repaired after one year?", "guides/dishwasher.md", "two years"],
  ["What is the wifi password of the network?", "guides/router.txt", "underside"],
  ["lost connections", "guides/router.txt", "unplug the router"],
];
