// Suggests products whose id holds what was typed: at most twenty, from the server.
const WAIT_MS = 200;

export function suggest(field, form) {
  const list = field.list;
  let timer = 0;
  let asked = new AbortController();
  const ask = async () => {
    asked.abort();
    asked = new AbortController();
    const query = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(`/products?${query}`, { signal: asked.signal });
      if (!answer.ok) return; // the page says what is wrong when the form is sent
      const options = (await answer.json()).map((product) => {
        const option = document.createElement("option");
        option.value = product;
        return option;
      });
      list.replaceChildren(...options);
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error;
    }
  };
  field.addEventListener("focus", ask, { once: true });
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  });
}
