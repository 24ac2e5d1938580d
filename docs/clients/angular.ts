// parlor's /chat in Angular: a standalone component with signals. The first import compiles it in the browser; with `ng build` leave it out.
import "@angular/compiler";
import { Component, DestroyRef, inject, provideZonelessChangeDetection, signal } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";

@Component({
  selector: "parlor-chat",
  template: `
    <form (submit)="send(question.value); $event.preventDefault()">
      <input #question aria-label="Question">
      <button [disabled]="state() !== 'ready'">Send</button>
      <button [disabled]="state() !== 'answering'" type="button" (click)="stop()">Stop</button>
    </form>
    <article style="white-space: pre-wrap">{{ answer() }}</article>
    <p role="alert">{{ state() === "closed" ? "There is no connection to parlor. Load the page again." : note() }}</p>`,
})
export class Chat {
  state = signal("opening");
  answer = signal("");
  note = signal("");
  socket = new WebSocket(new URLSearchParams(location.search).get("at") ?? "ws://127.0.0.1:8081/chat", "parlor.json");
  constructor() {
    this.socket.onopen = () => this.state.set("ready");
    this.socket.onclose = () => this.state.set("closed");
    this.socket.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.type === "delta") this.answer.update((before) => before + told.text);
      if (told.type === "done" || told.type === "error") this.state.set("ready");
      this.note.set(told.type === "queued" ? `In line: ${told.position} of ${told.of}` : (told.message ?? ""));
    };
    inject(DestroyRef).onDestroy(() => this.socket.close());
  }
  send(text: string) {
    this.answer.set("");
    this.state.set("answering");
    this.socket.send(JSON.stringify({ type: "say", text }));
  }
  stop = () => this.socket.send(JSON.stringify({ type: "stop" }));
}
bootstrapApplication(Chat, { providers: [provideZonelessChangeDetection()] });
