// Only the browser knows the reader's time zone: a cookie tells the server. Times that were rendered without
// that cookie are rendered again.
(() => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (!timeZone || timeZone === document.body.dataset.zone) return;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs a secure origin
  document.cookie = `parlor.zone=${encodeURIComponent(timeZone)};path=/;max-age=31536000;samesite=lax`;
  const format = new Intl.DateTimeFormat(document.documentElement.lang, {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
  for (const time of document.querySelectorAll("time[datetime]"))
    time.textContent = format.format(new Date(time.dateTime));
})();
