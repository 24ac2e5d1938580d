// The reader's time zone is known to the browser alone: it goes to the server in a cookie. Moments that were
// drawn before that are drawn anew.
(() => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  if (!timeZone || timeZone === document.body.dataset.zone) return;
  // biome-ignore lint/suspicious/noDocumentCookie: there is no other way where the origin is not secure
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
