// How a page is seen: its language and time zone, whether it may write, and whether it is an admin's. A frame
// is rendered once per View, however many pages share it.

import type { Language } from "../../views/words.ts";

export interface View {
  readonly language: Language;
  /** True for a page that only reads: it shows no buttons and no composer. */
  readonly isReader: boolean;
  /** True for a page of an admin: it shows addresses, commands and the output of llama-servers. */
  readonly isAdmin: boolean;
  /** IANA time zone; null if it is not known. */
  readonly zone: string | null;
}

/** One object per combination, so that a frame that was rendered for a View is found by it. */
const views = new Map<string, View>();

export function viewOf(
  language: Language,
  { isReader = false, isAdmin = false, zone = null }: Partial<Omit<View, "language">> = {},
): View {
  const key = `${language} ${isReader} ${isAdmin} ${zone}`;
  const view = views.get(key) ?? { language, isReader, isAdmin, zone };
  views.set(key, view);
  return view;
}

/** Renders a frame for a View. */
export type Frame = (view: View) => string;

/** A frame that is rendered at most once per View, when it is first needed. */
export function oncePerView(render: Frame): Frame {
  const rendered = new Map<View, string>();
  return (view) => {
    const cached = rendered.get(view);
    if (cached !== undefined) return cached;
    const frame = render(view);
    rendered.set(view, frame);
    return frame;
  };
}
