// Talking to the server: questions, and the line that stays open.

export class Refused extends Error {}

export async function ask(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, options);  // throws TypeError when nobody answers
  if (answer.ok) return answer.json();
  const text = await answer.text();
  // A server that is in trouble, or that was started anew with another token, may take it later.
  if (answer.status >= 500 || answer.status === 401) throw new TypeError(detail(text));
  throw new Refused(detail(text));
}

function detail(text) {
  try {
    const told = JSON.parse(text).detail;
    return typeof told === "string" ? told : JSON.stringify(told);
  } catch {
    return text;
  }
}

export const lines = name => ask(`/api/lines?picture=${encodeURIComponent(name)}`);

export const pause = ms => new Promise(done => setTimeout(done, ms));

export class Live {
  constructor(heard, changed) {
    this.heard = heard;
    this.changed = changed;
    this.note = { name: "", at: null };
    this.wait = 300;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/live`);
    this.socket.onopen = () => { this.wait = 300; this.send(); this.changed(true); };
    this.socket.onmessage = message => this.heard(JSON.parse(message.data));
    this.socket.onclose = () => {
      this.changed(false);
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(this.wait * 2, 5000);
    };
  }

  tell(note) {
    this.note = { ...this.note, ...note };
    this.send();
  }

  send() {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.note));
  }
}
