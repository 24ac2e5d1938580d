// parlor's /chat in Vue. The template is a string, so it takes the build of Vue that has the compiler.
import { createApp, onUnmounted, ref } from "vue/dist/vue.esm-bundler.js";

const at = new URLSearchParams(location.search).get("at") ?? "ws://127.0.0.1:8081/chat";

export const Chat = {
  template: `
    <form @submit.prevent="send">
      <input v-model="question" aria-label="Question">
      <button :disabled="state !== 'ready'">Send</button>
      <button :disabled="state !== 'answering'" type="button" @click="stop">Stop</button>
    </form>
    <article style="white-space: pre-wrap">{{ answer }}</article>
    <p role="alert">{{ state === "closed" ? "There is no connection to parlor. Load the page again." : note }}</p>`,
  setup() {
    const [state, question, answer, note] = ["opening", "", "", ""].map((first) => ref(first));
    const socket = new WebSocket(at, "parlor.json");
    const become = (now) => {
      state.value = now;
    };
    socket.onopen = () => become("ready");
    socket.onclose = () => become("closed");
    socket.onmessage = ({ data }) => {
      const told = JSON.parse(data);
      if (told.type === "delta") answer.value += told.text;
      if (told.type === "done" || told.type === "error") become("ready");
      note.value = told.type === "queued" ? `In line: ${told.position} of ${told.of}` : (told.message ?? "");
    };
    const send = () => {
      answer.value = "";
      become("answering");
      socket.send(JSON.stringify({ type: "say", text: question.value }));
    };
    const stop = () => socket.send(JSON.stringify({ type: "stop" }));
    onUnmounted(() => socket.close());
    return { state, question, answer, note, send, stop };
  },
};
createApp(Chat).mount("parlor-chat");
