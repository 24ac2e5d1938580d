// The title of the browser's tab.

/** A title for the browser's tab. htmx sets it when a frame carries one. */
export function pageTitle(title: string): string {
  return title === "" ? "parlor" : `${title} · parlor`;
}

/** Sets the tab's title. */
export function titleFragment(title: string): string {
  return `<title>${Bun.escapeHTML(pageTitle(title))}</title>`;
}
