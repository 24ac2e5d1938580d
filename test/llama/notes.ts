// A wire between parlor and a llama-server that notes what is asked.

/**
 * Passes requests on to llama-server and notes what they asked. `hides` answers an address as an older one
 * would.
 */
export function startNotes(target: string) {
  const asked: { path: string; body: Record<string, unknown> }[] = [];
  const notes = { asked, hides: "", url: "", stop: () => server.stop(true) };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      if (pathname === notes.hides)
        return Response.json({ error: { code: 404, message: "File Not Found" } }, { status: 404 });
      const body = request.method === "POST" ? await request.text() : null;
      if (body !== null) asked.push({ path: pathname, body: JSON.parse(body) });
      return fetch(target + pathname + search, {
        method: request.method,
        headers: request.headers,
        body,
        signal: request.signal,
      });
    },
  });
  notes.url = `http://127.0.0.1:${server.port}`;
  return notes;
}
