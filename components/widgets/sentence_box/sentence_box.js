function createSentenceBox(parentElement) {
  const box = element("div", "box", { "data-testid": "sentence-box" });
  const label = element("label", "label", { for: "sentence" });
  const field = element("textarea", "field", { id: "sentence", rows: 1, dir: "auto", spellcheck: "false" });
  const hint = element("div", "hint muted", { "aria-live": "polite" });
  const head = element("div", "head");
  head.append(label, hint);
  box.append(head, field);
  parentElement.append(box);

  let latest = null; // the component of the newest call: where events go
  let known = ""; // the text Python knows

  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, 240)}px`;
  };
  const show = () => {
    setText(hint, field.value === known ? "" : "Press Enter to run");
    fit();
  };
  const submit = () => {
    if (field.value === known) return;
    known = field.value;
    show();
    latest.setTriggerValue("select", { text: known, version: latest.data.version });
  };

  field.addEventListener("input", show);
  field.addEventListener("change", submit);
  field.addEventListener("keydown", (event) => {
    // an Enter that confirms a candidate of an input method is not a submission
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  const resized = new ResizeObserver(fit);
  resized.observe(box);

  return {
    update(component) {
      const first = latest === null;
      latest = component;
      const { data } = component;
      setText(label, data.label);
      field.placeholder = data.placeholder;
      field.maxLength = data.maxCharacters;
      // Text that was changed elsewhere replaces what stands here; text being typed is never overwritten.
      if (first || data.value !== known) {
        const typing = field.value !== known;
        known = data.value;
        if (!typing) field.value = known;
      }
      show();
    },
    destroy() {
      resized.disconnect();
      box.remove();
    },
  };
}

export default function (component) {
  return mount(component, createSentenceBox);
}
