// Words that tell nothing of a question's subject, in German and English.

const german =
  "aber als am an auch auf aus bei beim bis da damit dann das dass dein deine dem den denn der des die dies " +
  "diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer eines er es für gegen hat " +
  "hatte hatten haben ich ihm ihn ihr ihre im in ist ja kann kein keine können man mein meine mich mir mit " +
  "muss nach nicht noch nur oder ob ohne sein seine sich sie sind so soll um und uns unter vom von vor wann " +
  "war waren warum was welche welchem welchen welcher welches wem wen wenn wer werden wessen wie wieso wir " +
  "wird wo wofür woher wohin wurde wurden zu zum zur über";
const english =
  "a about after an and any are as at be been but by can could did do does for from had has have he her his " +
  "how i if in into is it its may me my no not of on or our she should so some than that the their them then " +
  "there these they this those to was we were what when where which who whom whose why will with would you " +
  "your";

/** In lower case, as are the next ones. */
export const stopWords: ReadonlySet<string> = new Set(`${german} ${english}`.split(" "));
const germanWords: ReadonlySet<string> = new Set(german.split(" "));
const englishWords: ReadonlySet<string> = new Set(english.split(" "));

/** Words in lower case that tell of a language by themselves. */
export const isGerman = (word: string): boolean => germanWords.has(word) && !englishWords.has(word);
export const isEnglish = (word: string): boolean => englishWords.has(word) && !germanWords.has(word);
