/** @jsxImportSource react */
// parlor's /chat in React.
import { type SyntheticEvent, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

export function Chat() {
  const socket = useRef<WebSocket>(null);
  const [state, setState] = useState("opening");
  const [answer, setAnswer] = useState("");
  const [note, setNote] = useState("");
  useEffect(() => {
    const opened = new WebSocket(new URLSearchParams(location.search).get("at") ?? "ws://127.0.0.1:8081/chat", "parlor.json");
    socket.current = opened;
    opened.onopen = () => setState("ready");
    opened.onclose = () => socket.current === opened && setState("closed");
    opened.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.type === "delta") setAnswer((before) => before + told.text);
      if (told.type === "done" || told.type === "error") setState("ready");
      setNote(told.type === "queued" ? `In line: ${told.position} of ${told.of}` : (told.message ?? ""));
    };
    return () => opened.close();
  }, []);
  const send = (event: SyntheticEvent<HTMLFormElement>) => {
    event.preventDefault();
    setAnswer("");
    setState("answering");
    socket.current?.send(JSON.stringify({ type: "say", text: new FormData(event.currentTarget).get("question") }));
  };
  return (
    <form onSubmit={send}>
      <input aria-label="Question" name="question" />
      <button type="submit" disabled={state !== "ready"}>Send</button>
      <button type="button" disabled={state !== "answering"} onClick={() => socket.current?.send('{"type":"stop"}')}>Stop</button>
      <article style={{ whiteSpace: "pre-wrap" }}>{answer}</article>
      <p role="alert">{state === "closed" ? "There is no connection to parlor. Load the page again." : note}</p>
    </form>
  );
}
createRoot(document.querySelector("parlor-chat") as Element).render(<Chat />);
