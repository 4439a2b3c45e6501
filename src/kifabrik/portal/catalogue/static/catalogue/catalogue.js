// The try-it box: sends the form, reads the event stream and shows the text as it comes.
// Without this file the same form is posted and the page comes back with the whole answer.
"use strict";

for (const form of document.querySelectorAll("form[data-trial]")) {
  const box = form.parentElement;
  const status = box.querySelector("[data-trial-status]");
  const answer = box.querySelector("[data-trial-answer]");
  const button = form.querySelector("button[type=submit]");

  const show = (frame) => {
    const kind = /^event: (.*)$/m.exec(frame)?.[1] ?? "text";
    const data = /^data: (.*)$/m.exec(frame)?.[1];
    const text = data ? JSON.parse(data).text ?? "" : "";
    if (kind === "problem") status.textContent = text;
    else if (kind === "end") status.textContent = form.dataset.done;
    else answer.append(text);
  };

  const read = async (stream) => {
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split("\n\n");
      rest = frames.pop();
      frames.forEach(show);
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.textContent = form.dataset.busy;
    answer.textContent = form.elements.prompt.value;
    answer.hidden = false;
    try {
      const response = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "text/event-stream" },
        body: new FormData(form),
      });
      if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        await read(response.body);
      } else {
        const problem = await response.json();
        status.textContent = [problem.title, problem.detail].filter(Boolean).join(" ");
      }
    } catch {
      status.textContent = form.dataset.failed;
    } finally {
      button.disabled = false;
    }
  });
}
