// Text of a PowerPoint presentation (Office Open XML): one page for each slide, in the order of the show,
// with the speaker's notes behind the slide's own text. The numbers of slides are left out.

import { Archive, statedTitle } from "./archive.ts";
import { attribute, scan } from "./markup.ts";
import { Outline } from "./outline.ts";

export function* pptx(bytes: Uint8Array, unpackedMaxBytes: number): Generator<string, string | null> {
  const archive = new Archive(bytes, unpackedMaxBytes);
  const main = archive.related("", "officeDocument") ?? "ppt/presentation.xml";
  const relations = archive.relations(main);
  const slides: string[] = [];
  scan(archive.needed(main), {
    open(name, attributes) {
      // the attribute `id` without prefix comes first; the relation's id is the one with a prefix
      const [, id] = name === "sldId" ? (/\s\w+:id\s*=\s*["']([^"']*)/.exec(attributes) ?? []) : [];
      const target = id === undefined ? undefined : relations.get(id)?.target;
      if (target !== undefined) slides.push(target);
    },
    close() {},
    text() {},
  });
  for (const slide of slides) {
    const outline = new Outline();
    readShapes(archive.text(slide) ?? "", outline);
    const notes = archive.related(slide, "notesSlide");
    if (notes !== null) readShapes(archive.text(notes) ?? "", outline);
    yield outline.toString();
  }
  return statedTitle(archive.text("docProps/core.xml"));
}

/** The paragraphs of the shapes and tables of a slide. */
function readShapes(xml: string, outline: Outline): void {
  let [paragraph, isText, isTitle, isNumber, fallbacks] = ["", false, false, false, 0];
  scan(xml, {
    open(name, attributes) {
      if (name === "Fallback") fallbacks++;
      if (fallbacks > 0) return;
      if (name === "sp") isTitle = false;
      else if (name === "ph") {
        const type = attribute(attributes, "type");
        isTitle = type === "title" || type === "ctrTitle";
      } else if (name === "p") paragraph = "";
      else if (name === "t") isText = true;
      else if (name === "br") paragraph += "\n";
      else if (name === "tab") paragraph += "\t";
      else if (name === "fld") isNumber = attribute(attributes, "type") === "slidenum";
      else if (name === "tr") outline.openRow();
      else if (name === "tc") outline.openCell();
    },
    close(name) {
      if (name === "Fallback") fallbacks--;
      if (fallbacks > 0) return;
      if (name === "p") outline.add(paragraph, { heading: isTitle ? 1 : 0 });
      else if (name === "t") isText = false;
      else if (name === "fld") isNumber = false;
      else if (name === "tr") outline.closeRow();
    },
    text(text) {
      if (isText && !isNumber && fallbacks === 0) paragraph += text;
    },
  });
}
